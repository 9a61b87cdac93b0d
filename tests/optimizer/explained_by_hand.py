"""Reasons found the slow way: each technician, each place and each tie asked anew for every visit."""

from dataclasses import replace

from optimizer.candidates import Candidate
from optimizer.constraints import parts, precedence, same_technician, team
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import open_teams
from optimizer.drafting import Draft
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.oracle import Oracle
from optimizer.plan import Plan, Unserved
from optimizer.problem import Problem, Visit, Window
from optimizer.reasons import (
    CAPACITY,
    MORE_ROOM,
    MORE_WORTH,
    NOT_WORTH,
    blocking_rule,
    in_one_sentence,
)
from optimizer.schedule import Schedule, scheduled
from optimizer.units import NEVER, clock
from optimizer.work import START


def reason_of(problem: Problem, plan: Plan, visit: Visit) -> Unserved:
    """Why a visit is left out."""
    found = blocking_rule(problem, visit)
    if found is not None:
        return found
    oracle = Oracle.open(problem, plan)
    best = cheapest(oracle, visit)
    if best is not None:
        cause = f"the visit would fit into the day of {best.route.technician.id}, "
        cause += f"but costs {best.extra_cost} cents more than it is worth"
        return Unserved(visit.id, NOT_WORTH, cause, MORE_WORTH)
    tie = tie_in_the_way(problem, oracle, visit) if is_tied(visit) else None
    if tie is not None:
        return tie
    refused = [oracle.refusal(visit, t, problem.windows_of(visit)) for t in problem.technicians]
    able = [r for r in refused if r is not None and r.code in {CAPACITY, "PARTS", "INFEASIBLE_ROUTE"}]
    if able and all(r.code == "PARTS" for r in able):
        cause = in_one_sentence([r.sentence for r in able], others=len(able) < len(problem.technicians))
        return Unserved(visit.id, parts.CODE, cause, parts.ACTION)
    full = {refusal.technician_id for refusal in able}
    names = [t.name for t in problem.technicians if t.id in full]
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return Unserved(visit.id, CAPACITY, f"the day of everybody who could come is full ({who})", MORE_ROOM)


def cheapest(oracle: Oracle, visit: Visit) -> Candidate | None:
    """The best of all insertions, every place of every route looked at."""
    windows = oracle.problem.windows_of(visit) or (Window(-NEVER, NEVER),)
    if oracle.problem.is_timed(visit.id):
        visit = replace(visit, window_end=START)
    return min(oracle.candidates(visit, windows), key=Candidate.rank, default=None)


def tie_in_the_way(problem: Problem, oracle: Oracle, visit: Visit) -> Unserved | None:
    """The rule about several visits without which this one could be served, or None."""
    served = {each.id: name for name, order in oracle.sequences().items() for each in order}
    return (
        _team_reason(problem, oracle, visit, served)
        or _waiting_reason(problem, oracle, visit, served)
        or _hand_reason(problem, oracle, visit, served)
    )


def _team_reason(problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]) -> Unserved | None:
    members = next((members for members in open_teams(problem) if visit in members), ())
    if members and (cause := _team_cause(problem, members, visit)):
        return Unserved(visit.id, team.CODE, cause, team.ACTION)
    if len(members) < 2 or any(member.id in served for member in members):
        return None
    try:
        could_gather = Draft(Schedule(problem), oracle.sequences()).put(members, NEVER)
    except InfeasibleRoute:
        could_gather = False
    if could_gather:
        cause = "its team could gather, but that costs more than its visits are worth"
        return Unserved(visit.id, NOT_WORTH, cause, MORE_WORTH)
    cause = f"no moment is free for all {len(members)} of its team"
    return Unserved(visit.id, team.CODE, cause, team.ACTION)


def _team_cause(problem: Problem, members: tuple[Visit, ...], visit: Visit) -> str | None:
    for member in members:
        found = blocking_rule(problem, member) if member.id != visit.id else None
        if found is not None:
            return f"visit {member.id} of its team cannot be served ({found.reason}): {found.sentence}"
    people = {technician.who for technician in problem.technicians}
    if len(people) < len(members):
        return f"its team needs {len(members)} people, {len(people)} work"
    missing = team.lacking(problem, problem.technicians, members)
    return f"its team lacks {', '.join(missing)}" if missing else None


def _waiting_reason(
    problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]
) -> Unserved | None:
    absent = [after.visit_id for after in visit.after if after.visit_id not in served]
    if absent:
        cause = f"it waits for {', '.join(absent)}, which is not served"
        return Unserved(visit.id, precedence.CODE, cause, precedence.ACTION)
    if not visit.after or not _fits(problem, oracle, replace(visit, after=())):
        return None
    try:
        routes = scheduled(problem, oracle.sequences())
    except InfeasibleRoute:
        return None
    ends = {stop.visit_id: stop.end for route in routes for stop in route.stops}
    moments = [precedence.earliest(problem, a, ends[a.visit_id]) for a in visit.after if a.visit_id in ends]
    if not moments:
        return None
    cause = f"it may begin at {clock(max(moments))}; nobody has room after that"
    return Unserved(visit.id, precedence.CODE, cause, precedence.ACTION)


def _hand_reason(problem: Problem, oracle: Oracle, visit: Visit, served: dict[str, str]) -> Unserved | None:
    group = visit.same_technician
    if group is None or not _fits(problem, oracle, replace(visit, same_technician=None)):
        return None
    others = [v for v in groups(problem)[group] if v.id in served and v.id != visit.id]
    names = sorted({t.name for v in others for t in problem.technicians if t.id == served[v.id]})
    cause = f"{', '.join(names)} has the other visits of {group} and no room for this one"
    return Unserved(visit.id, same_technician.CODE, cause, same_technician.ACTION)


def _fits(problem: Problem, oracle: Oracle, free: Visit) -> bool:
    return cheapest(Oracle(problem.with_visit(free), oracle.sequences()), free) is not None
