"""
Keep of routes what can be timed together.

A team of which one member falls out is dropped whole, and so is what waits for a visit that nobody serves;
what remains is kept in its order, the dearest to leave out first.
"""

from collections.abc import Collection, Mapping

from optimizer.check import violations_of
from optimizer.constraints import Constraint, locks, parts, precedence, same_technician, team
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import lacking, open_teams
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.objectives.unserved import visit_cents
from optimizer.plan import Plan, Route
from optimizer.problem import Problem, Technician, Visit
from optimizer.schedule import Schedule, Sequences

ABOUT_SEVERAL: tuple[Constraint, ...] = (team, precedence, same_technician, parts, locks)
"""Rules that look at more than one visit of a route, or at more than one route."""


def settled(schedule: Schedule, sequences: Sequences) -> Sequences:
    """Most of these routes that can be kept together; each of them alone must be possible."""
    problem = schedule.problem
    wanted = consistent(problem, sequences)
    if held(schedule, wanted) is not None:
        return wanted
    kept = _untied(schedule, wanted)
    waiting = _units(problem, wanted)
    while waiting:
        left = []
        for unit in waiting:
            trial = _merged(problem, wanted, {*_ids(kept), *(visit.id for visit in unit)})
            if consistent(problem, trial) == trial and held(schedule, trial) is not None:
                kept = trial
            else:
                left.append(unit)
        if len(left) == len(waiting):
            break
        waiting = left
    return kept


def held(schedule: Schedule, sequences: Sequences) -> tuple[Route, ...] | None:
    """Routes timed together, or None when they break a rule about several visits."""
    try:
        routes = schedule.routes(sequences)
    except InfeasibleRoute:
        return None
    return routes if not violations_of(ABOUT_SEVERAL, schedule.problem, Plan(routes)) else None


def consistent(problem: Problem, sequences: Sequences) -> Sequences:
    """Drop teams in part, those who wait for nobody, and those of a group in other hands."""
    kept = {who: tuple(visits) for who, visits in sequences.items() if visits}
    while True:
        servers = _servers(problem, kept)
        dropped = {*_broken_teams(problem, servers), *_ahead(problem, kept), *_other_hands(problem, servers)}
        dropped = {visit_id for visit_id in dropped if not problem.is_begun(visit_id)}
        if not dropped:
            return kept
        kept = _merged(problem, kept, _ids(kept) - dropped)


def _servers(problem: Problem, sequences: Sequences) -> dict[str, Technician]:
    """Who serves each visit."""
    found = {}
    for technician in problem.technicians:
        for visit in sequences.get(technician.id, ()):
            found[visit.id] = technician
    return found


def _broken_teams(problem: Problem, servers: Mapping[str, Technician]) -> set[str]:
    """Visits of teams that are not whole, or have a person twice, or lack a skill."""
    found: set[str] = set()
    whole = {visit.id for members in open_teams(problem) for visit in members}
    for name, members in team.teams(problem).items():
        crew = [servers[visit.id] for visit in members if visit.id in servers]
        people = {technician.who for technician in crew}
        is_open = members[0].id in whole
        is_broken = len(people) < len(crew)
        if is_open and crew:
            is_broken = is_broken or len(crew) < len(members) or bool(lacking(problem, crew, members))
        if is_broken:
            found.update(visit.id for visit in problem.visits if visit.team == name and visit.id in servers)
    return found


def _ahead(problem: Problem, sequences: Sequences) -> set[str]:
    """Visits whose predecessor nobody serves, or only later on the same route."""
    at = {visit.id: (who, place) for who, order in sequences.items() for place, visit in enumerate(order)}
    found = set()
    for order in sequences.values():
        for visit in order:
            for after in visit.after:
                before = at.get(after.visit_id)
                here = at[visit.id]
                if before is None or (before[0] == here[0] and before[1] >= here[1]):
                    found.add(visit.id)
    return found


def _other_hands(problem: Problem, servers: Mapping[str, Technician]) -> set[str]:
    """Visits of a group in other hands than the one that has begun it, or else has most of it."""
    found: set[str] = set()
    for visits in groups(problem).values():
        served = [visit for visit in visits if visit.id in servers]
        worth: dict[str, int] = {}
        for visit in served:
            weight = 1 << 60 if problem.is_begun(visit.id) else visit_cents(problem, visit)
            person = servers[visit.id].who
            worth[person] = worth.get(person, 0) + weight
        begun = {servers[visit.id].who for visit in served if problem.is_begun(visit.id)}
        if len(worth) > 1:
            hand = max(sorted(worth), key=lambda person: worth[person])
            found.update(visit.id for visit in served if servers[visit.id].who != hand or len(begun) > 1)
    return found


def _untied(schedule: Schedule, sequences: Sequences) -> Sequences:
    """Visits that depend on no other, as many of each route as van, depots and places in routes allow."""
    problem = schedule.problem
    free = {v.id for visits in sequences.values() for v in visits if not is_tied(v) or problem.is_begun(v.id)}
    wanted = _merged(problem, sequences, free)
    if held(schedule, wanted) is not None:
        return wanted
    kept: Sequences = {}
    for technician in sorted(problem.technicians, key=lambda t: (t.shift.start, t.id)):
        begun = problem.begun_by(technician.id)
        if begun:
            kept[technician.id] = begun
        for visit in wanted.get(technician.id, ())[len(begun) :]:
            route = (*kept.get(technician.id, ()), visit)
            if held(schedule, {**kept, technician.id: route}) is not None:
                kept[technician.id] = route
    return kept


def _units(problem: Problem, sequences: Sequences) -> list[list[Visit]]:
    """What is tied, teams as one, the dearest to leave out first."""
    whole = {visit.id: members for members in open_teams(problem) for visit in members}
    units: dict[str, list[Visit]] = {}
    for order in sequences.values():
        for visit in order:
            if is_tied(visit) and not problem.is_begun(visit.id):
                key = f"team {visit.team}" if visit.id in whole else f"visit {visit.id}"
                units.setdefault(key, []).append(visit)
    return sorted(units.values(), key=lambda unit: -sum(visit_cents(problem, visit) for visit in unit))


def _ids(sequences: Sequences) -> set[str]:
    return {visit.id for order in sequences.values() for visit in order}


def _merged(problem: Problem, order: Sequences, kept: Collection[str]) -> Sequences:
    """Routes in a given order with the visits of these names alone."""
    found = {}
    for technician in problem.technicians:
        visits = tuple(visit for visit in order.get(technician.id, ()) if visit.id in kept)
        if visits:
            found[technician.id] = visits
    return found
