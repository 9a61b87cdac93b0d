"""What of the model a problem uses, so that an engine, a bound or a quote can say what it leaves out."""

from collections.abc import Callable
from dataclasses import replace

from optimizer.problem import Problem, Visit
from optimizer.work import START

TEAM, AFTER, SAME, SHIFTS = "teams", "precedence", "same technician", "several shifts of one person"
TRAFFIC, FETCH, SETUP, MEANING = "travel by hour", "fetching parts", "set-up", "meanings of a window's end"
DURATIONS, LATENESS, ANNOUNCED, FAIRNESS = "own durations", "lateness", "announced times", "fairness"

BY_ONE_ROUTE = frozenset({ANNOUNCED, DURATIONS, FAIRNESS, LATENESS, TRAFFIC, MEANING, SETUP})
"""What each route decides by itself."""

_OF_VISITS: dict[str, Callable[[Visit], bool]] = {
    TEAM: lambda visit: visit.team is not None,
    AFTER: lambda visit: bool(visit.after),
    SAME: lambda visit: visit.same_technician is not None,
    SETUP: lambda visit: visit.setup > 0,
    MEANING: lambda visit: visit.window_end != START,
    DURATIONS: lambda visit: bool(visit.durations),
    LATENESS: lambda visit: visit.respond_by is not None or visit.resolve_by is not None,
    ANNOUNCED: lambda visit: visit.announced is not None,
}


def features(problem: Problem) -> frozenset[str]:
    """Names of everything beyond plain routes that a problem uses."""
    found = {name for name, uses in _OF_VISITS.items() if any(map(uses, problem.visits))}
    if problem.traffic is not None:
        found.add(TRAFFIC)
    if problem.depots and any(visit.parts for visit in problem.visits):
        found.add(FETCH)
    if problem.policy.fairness_cents:
        found.add(FAIRNESS)
    if len({technician.who for technician in problem.technicians}) < len(problem.technicians):
        found.add(SHIFTS)
    return frozenset(found)


def is_plain(problem: Problem, visit: Visit) -> bool:
    """Whether a visit that the problem may lack asks for nothing beyond plain routes."""
    return not features(replace(problem, technicians=(), visits=(visit,)))


def is_tied(visit: Visit) -> bool:
    """Whether a visit's place depends on where and when other visits are served."""
    return visit.team is not None or bool(visit.after) or visit.same_technician is not None
