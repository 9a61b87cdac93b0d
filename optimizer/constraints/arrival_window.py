"""Arrival window: each visit keeps one of its windows; what the window's end bounds, the visit says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.drives import cross, entries, leg_between, opening, service_start
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.units import NEVER, clock
from optimizer.work import ARRIVAL, FINISH, START

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
    leg = leg_between(problem, begin.location, visit.location, setup=visit.setup)
    ready = cross(begin.ready, leg.travel, (), leg.pace) + leg.setup
    if service_start(ready, entries(problem, technician, visit, leg.setup)) < NEVER:
        return None
    closing = max(window.end for window in windows)
    return f"{technician.name} can begin at {clock(ready)} at the earliest, too late for {clock(closing)}"


def add(model: "DayModel", problem: Problem) -> None:
    """Let service begin in the windows only."""
    forbid_pairs(model, problem, forbids)
    for visit in model.visits:
        if not (windows := problem.windows_of(visit)):
            continue
        shortest = min((t.time_for(visit) for t in problem.technicians), default=visit.duration)
        bounded = meaning(problem, visit)
        reach = {START: 0, FINISH: -shortest, ARRIVAL: visit.setup}[bounded]
        starts = [Window(w.start, w.end + reach) for w in windows if w.start <= w.end + reach]
        model.begin_within(visit, starts)
        if bounded == FINISH and len(windows) == 1 and visit.durations and starts:
            model.finish_by(visit, windows[0].end)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit that keeps none of its windows."""
    for _, visit, stop in plan.choices(problem):
        windows, bounded = problem.windows_of(visit), meaning(problem, visit)
        moment = {START: stop.start, FINISH: stop.end, ARRIVAL: stop.arrival}[bounded]
        if windows and not any(w.start <= stop.start and moment <= w.end for w in windows):
            allowed = ", ".join(f"{clock(w.start)}-{clock(w.end)}" for w in windows)
            words = f"service {clock(stop.start)}-{clock(stop.end)} after arrival at {clock(stop.arrival)}"
            yield Violation(CODE, visit.id, f"{words} does not keep {allowed} ({bounded})")


def meaning(problem: Problem, visit: Visit) -> str:
    """What the end of the windows bounds; a lock's time is always that of the start."""
    return START if problem.is_timed(visit.id) else visit.window_end
