"""Arrival window: service begins inside one of the visit's windows; waiting before it is allowed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import opening, service_start
from optimizer.units import NEVER, clock

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "ARRIVAL_WINDOW"
TITLE = "Arrival window"
ACTION = "offer the customer a later window"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day has a window."""
    return any(problem.windows_of(visit) for visit in problem.visits)


def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say that a technician driving straight there still misses every window, or None."""
    windows = problem.windows_of(visit)
    if not windows:
        return None
    begin = opening(problem, technician)
    arrival = begin.ready + problem.matrix.seconds[begin.location][visit.location]
    if service_start(arrival, windows) < NEVER:
        return None
    closing = max(window.end for window in windows)
    return f"{technician.name} can be there at {clock(arrival)} at the earliest, after {clock(closing)}"


def add(model: "DayModel", problem: Problem) -> None:
    """Let service begin in the windows only."""
    forbid_pairs(model, problem, forbids)
    for visit in model.visits:
        model.begin_within(visit, problem.windows_of(visit))


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose service begins outside all its windows."""
    for _, visit, stop in plan.choices(problem):
        windows = problem.windows_of(visit)
        if windows and not any(w.start <= stop.start <= w.end for w in windows):
            allowed = ", ".join(f"{clock(w.start)}-{clock(w.end)}" for w in windows)
            yield Violation(CODE, visit.id, f"service begins at {clock(stop.start)}, outside {allowed}")
