"""Fill a plan by best insertion: the hardest visits first, each where it costs least."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from optimizer.constraints import blocked, may_go
from optimizer.constraints.team import open_teams
from optimizer.drafting import Draft
from optimizer.errors import InfeasibleRoute
from optimizer.features import features
from optimizer.fetching import lacking, on_van
from optimizer.objectives.unserved import visit_cents
from optimizer.oracle import Oracle
from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Visit
from optimizer.schedule import Schedule, Sequences, plan_of, retimed
from optimizer.settling import held, settled
from optimizer.timing import timetable

__all__ = [
    "Sequences",
    "drafted",
    "fill",
    "mended",
    "never_cancelled",
    "sequences_of",
    "units_of",
    "without_reasons",
]


def never_cancelled() -> bool:
    """The answer when nobody can cancel."""
    return False


def fill(problem: Problem, sequences: Sequences, *, cancel: Callable[[], bool] = never_cancelled) -> Plan:
    """
    Insert every visit that still fits and is worth its price; the others stay unserved.

    Visits with a locked position come first, then by price of leaving them out, then those that fewest
    technicians may serve.
    """
    if features(problem):
        return drafted(problem, sequences, cancel=cancel)
    oracle = Oracle(problem, sequences)
    served = {visit.id for visits in oracle.sequences().values() for visit in visits}
    waiting = [visit for visit in problem.visits if visit.id not in served]
    able = {visit.id: sum(not blocked(problem, t, visit) for t in problem.technicians) for visit in waiting}
    waiting.sort(key=lambda visit: _urgency(problem, visit, able[visit.id]))
    for visit in waiting:
        if cancel():
            break
        if not able[visit.id]:
            continue
        best = oracle.cheapest(visit)
        if best is not None and best[0] < visit_cents(problem, visit):
            oracle.take(visit, best[1], best[2])
    return retimed(problem, oracle.sequences())


def drafted(problem: Problem, sequences: Sequences, *, cancel: Callable[[], bool]) -> Plan:
    """Insert what fits on a day beyond plain routes: teams as one, and what waits after what comes first."""
    schedule = Schedule(problem)
    begun = {t.id: visits for t in problem.technicians if (visits := problem.begun_by(t.id))}
    sequences = {**begun, **sequences}
    if held(schedule, sequences) is None:
        sequences = settled(schedule, sequences)
    draft = Draft(schedule, sequences)
    served = {visit.id for visits in draft.sequences.values() for visit in visits}
    waiting = units_of(problem, [visit for visit in problem.visits if visit.id not in served])
    while waiting and not cancel():
        left = []
        for unit in waiting:
            comes_first = {after.visit_id for visit in unit for after in visit.after}
            is_due = comes_first <= served and not cancel()
            if is_due and draft.put(unit, sum(visit_cents(problem, visit) for visit in unit)):
                served.update(visit.id for visit in unit)
            else:
                left.append(unit)
        if len(left) == len(waiting):
            break
        waiting = [unit for unit in left if any(after.visit_id in served for v in unit for after in v.after)]
    return plan_of(problem, tuple(draft.routes[t.id] for t in problem.technicians if t.id in draft.routes))


def units_of(problem: Problem, visits: Sequence[Visit]) -> list[tuple[Visit, ...]]:
    """Visits that are inserted together, in the order of insertion; whoever is waited for comes as early."""
    able = {visit.id: sum(not blocked(problem, t, visit) for t in problem.technicians) for visit in visits}
    ranks = {visit.id: _urgency(problem, visit, able[visit.id]) for visit in visits}
    for _ in visits:
        earlier = {
            after.visit_id: min(ranks[after.visit_id], ranks[visit.id])
            for visit in visits
            for after in visit.after
            if after.visit_id in ranks and ranks[visit.id] < ranks[after.visit_id]
        }
        if not earlier:
            break
        ranks.update(earlier)
    teams = {visit.id: members for members in open_teams(problem) for visit in members}
    units: dict[str, tuple[Visit, ...]] = {}
    for visit in sorted(visits, key=lambda visit: (ranks[visit.id], visit.id)):
        unit = teams.get(visit.id, (visit,))
        units.setdefault(unit[0].id, unit)
    return [unit for unit in units.values() if all(able.get(visit.id) for visit in unit)]


def _urgency(problem: Problem, visit: Visit, able: int) -> tuple[int, int, int, int, str]:
    """Order of insertion."""
    lock = problem.lock(visit.id)
    place = lock.sequence if lock is not None and lock.sequence is not None else 1 << 20
    width = sum(window.end - window.start for window in problem.windows_of(visit)) or 1 << 20
    return place, -visit_cents(problem, visit), able, width, visit.id


def mended(problem: Problem, sequences: Sequences) -> Sequences:
    """
    Keep of each sequence what the problem allows, in order.

    Begun stops are put where they belong; visits that are unknown, served twice, refused to the technician or
    no longer possible in time are left out, to be inserted again elsewhere. So is what depends on them.
    """
    kept = _possible(problem, sequences)
    return settled(Schedule(problem), kept) if features(problem) else kept


def _possible(problem: Problem, sequences: Sequences) -> Sequences:
    """What each route alone allows."""
    begun = {visit.id for t in problem.technicians for visit in problem.begun_by(t.id)}
    seen = set(begun)
    kept: Sequences = {}
    for technician in problem.technicians:
        route = problem.begun_by(technician.id)
        if (whole := _whole(problem, technician, sequences.get(technician.id, ()), seen)) is not None:
            kept[technician.id] = whole
            seen.update(visit.id for visit in whole)
            continue
        for visit in sequences.get(technician.id, ()):
            known = problem.visit(visit.id)
            if known is None or visit.id in seen or not _accepts(problem, technician, route, visit=known):
                continue
            seen.add(visit.id)
            route = (*route, known)
        if route:
            kept[technician.id] = route
    return kept


def _whole(
    problem: Problem, technician: Technician, visits: Sequence[Visit], seen: set[str]
) -> tuple[Visit, ...] | None:
    """A route with all that was planned behind what has begun, or None where that does not hold as it is."""
    begun = problem.begun_by(technician.id)
    names = {visit.id for visit in begun}
    found = [problem.visit(visit.id) for visit in visits if visit.id not in names]
    known = [visit for visit in found if visit is not None]
    route = (*begun, *known)
    is_new = len(known) == len(found) and not any(visit.id in seen for visit in known)
    if not known or not is_new or len({visit.id for visit in known}) < len(known):
        return None
    places = enumerate(known, start=len(begun))
    if not all(_is_at(problem, visit, at) and may_go(problem, technician, visit) for at, visit in places):
        return None  # times are kept or not by the route as a whole
    return route if _holds(problem, technician, route) else None


def _accepts(problem: Problem, technician: Technician, route: tuple[Visit, ...], *, visit: Visit) -> bool:
    """Whether a route can take one more visit at its end."""
    if not _is_at(problem, visit, len(route)) or not may_go(problem, technician, visit):
        return False
    return _holds(problem, technician, (*route, visit))


def _is_at(problem: Problem, visit: Visit, position: int) -> bool:
    """Whether a visit may have a place in its route, as far as a lock says."""
    lock = problem.lock(visit.id)
    return lock is None or lock.sequence in (None, position)


def _holds(problem: Problem, technician: Technician, route: tuple[Visit, ...]) -> bool:
    """Whether a route holds by itself."""
    try:
        timetable(problem, technician, route)
    except InfeasibleRoute:
        return False
    return bool(problem.depots) or _has_parts(problem, technician, route)


def _has_parts(problem: Problem, technician: Technician, route: tuple[Visit, ...]) -> bool:
    """Whether the van's stock lasts for a route, its begun stops apart."""
    open_ = [visit for visit in route if not problem.is_begun(visit.id)]
    return not lacking(on_van(problem, technician), open_)[0]


def sequences_of(problem: Problem, plan: Plan) -> Sequences:
    """Visits of each route of a plan in order, those unknown to the problem left out."""
    found: Sequences = {}
    for route in plan.routes:
        visits = (problem.visit(stop.visit_id) for stop in route.stops)
        found[route.technician_id] = tuple(visit for visit in visits if visit is not None)
    return found


def without_reasons(plan: Plan) -> Plan:
    """The plan with the reasons of unserved visits taken off, to compare two plans by what they do."""
    return replace(plan, unserved=tuple(replace(u, reason="", sentence="", action="") for u in plan.unserved))
