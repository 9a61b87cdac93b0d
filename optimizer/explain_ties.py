"""Why a visit that depends on others is not served: its team, what it waits for, the hand it belongs to."""

from collections.abc import Sequence
from dataclasses import replace

from optimizer.constraints import Constraint, precedence, same_technician, team
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import open_teams
from optimizer.drafting import Draft
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.oracle import Oracle
from optimizer.plan import Unserved
from optimizer.problem import Problem, Visit
from optimizer.reasons import MORE_WORTH, NOT_WORTH, blocking_rule
from optimizer.schedule import Schedule, scheduled
from optimizer.units import NEVER, Seconds, clock


def tie_in_the_way(problem: Problem, oracle: Oracle, visit: Visit) -> Unserved | None:
    """The rule about several visits without which this one could be served, or None."""
    if not is_tied(visit):
        return None
    served = {each.id: name for name, order in oracle.sequences().items() for each in order}
    return (
        _team_reason(problem, oracle, visit, served)
        or _waiting_reason(problem, oracle, visit, served)
        or _hand_reason(problem, oracle, visit, served)
    )


def _team_reason(problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]) -> Unserved | None:
    """A team is left out as a whole; the member that nobody can serve is named."""
    members = next((members for members in open_teams(problem) if visit in members), ())
    if members and (cause := _team_cause(problem, members, visit)):
        return _unserved(team, visit, cause)
    if len(members) < 2 or any(member.id in served for member in members):
        return None
    if _could_gather(problem, oracle, members):
        cause = "its team could gather, but that costs more than its visits are worth"
        return Unserved(visit.id, NOT_WORTH, cause, MORE_WORTH)
    return _unserved(team, visit, f"no moment is free for all {len(members)} of its team")


def _team_cause(problem: Problem, members: Sequence[Visit], visit: Visit) -> str | None:
    """What keeps a team from being served on any plan of the day, or None."""
    for member in members:
        found = blocking_rule(problem, member) if member.id != visit.id else None
        if found is not None:
            return f"visit {member.id} of its team cannot be served ({found.reason}): {found.sentence}"
    people = {technician.who for technician in problem.technicians}
    if len(people) < len(members):
        return f"its team needs {len(members)} people, {len(people)} work"
    missing = team.lacking(problem.technicians, members)
    return f"its team lacks {', '.join(missing)}" if missing else None


def _could_gather(problem: Problem, oracle: Oracle, members: Sequence[Visit]) -> bool:
    """Whether the plan has room for a whole team."""
    try:
        return Draft(Schedule(problem), oracle.sequences()).put(members, NEVER)
    except InfeasibleRoute:
        return False


def _waiting_reason(
    problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]
) -> Unserved | None:
    """What it waits for is not served, or is over too late for the rest of the plan."""
    absent = [after.visit_id for after in visit.after if after.visit_id not in served]
    if absent:
        return _unserved(precedence, visit, f"it waits for {', '.join(absent)}, which is not served")
    if visit.after and _fits(problem, oracle, replace(visit, after=())):
        ends = _ends(problem, oracle, visit)
        if not ends:
            return None
        return _unserved(precedence, visit, f"it may begin at {clock(max(ends))}; nobody has room after that")
    return None


def _hand_reason(problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]) -> Unserved | None:
    """Whoever serves the others of its group has no room for it."""
    if visit.same_technician is None or not _fits(problem, oracle, replace(visit, same_technician=None)):
        return None
    others = [v for v in groups(problem)[visit.same_technician] if v.id in served and v.id != visit.id]
    names = sorted({t.name for v in others for t in problem.technicians if t.id == served[v.id]})
    cause = f"{', '.join(names)} has the other visits of {visit.same_technician} and no room for this one"
    return _unserved(same_technician, visit, cause)


def _fits(problem: Problem, oracle: Oracle, free: Visit) -> bool:
    """Whether the visit could be served without its tie."""
    return Oracle(problem.with_visit(free), oracle.sequences()).cheapest(free) is not None


def _ends(problem: Problem, oracle: Oracle, visit: Visit) -> list[Seconds]:
    """Moments from which a visit may begin after each of those it waits for."""
    try:
        routes = scheduled(problem, oracle.sequences())
    except InfeasibleRoute:
        return []
    ends = {stop.visit_id: stop.end for route in routes for stop in route.stops}
    return [precedence.earliest(problem, a, ends[a.visit_id]) for a in visit.after if a.visit_id in ends]


def _unserved(rule: Constraint, visit: Visit, cause: str) -> Unserved:
    return Unserved(visit.id, rule.CODE, cause, rule.ACTION)
