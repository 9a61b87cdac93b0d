"""Precedence: a visit begins after others are over, with the least delay between them, or on a later day."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.plan import Plan, Stop, Violation
from optimizer.problem import After, Problem
from optimizer.units import Seconds, clock, span

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "PRECEDENCE"
TITLE = "Precedence"
ACTION = "plan the earlier visit first, shorten the delay, or look further ahead"


def used_by(problem: Problem) -> bool:
    """Whether any visit waits for another."""
    return any(visit.after for visit in problem.visits)


def earliest(problem: Problem, after: After, end: Seconds) -> Seconds:
    """Earliest start of a visit that waits for one which ends at a moment."""
    if not after.next_day:
        return end + after.delay
    return max(end + after.delay, problem.midnight(problem.day_number(end) + 1))


def latest_end(problem: Problem, after: After, start: Seconds) -> Seconds:
    """Latest end of a visit for which one waits that starts at a moment."""
    if not after.next_day:
        return start - after.delay
    return min(start - after.delay, problem.midnight(problem.day_number(start)) - 1)


def add(model: "DayModel", problem: Problem) -> None:
    """Let each visit wait for those it names."""
    for visit in model.visits:
        for after in visit.after:
            model.wait_for(visit, after)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield visits that are served without, or too soon after, one that must come first."""
    stops = {visit.id: stop for _, visit, stop in plan.assignments(problem)}
    for visit in problem.visits:
        stop = stops.get(visit.id)
        if stop is None or problem.is_begun(visit.id):
            continue
        for after in visit.after:
            if message := _broken(problem, after, stops.get(after.visit_id), stop.start):
                yield Violation(CODE, visit.id, f"visit {visit.id} {message}")


def _broken(problem: Problem, after: After, first: Stop | None, start: Seconds) -> str | None:
    """Say what is wrong with one pair of visits, or None."""
    if first is None:
        return f"is served without {after.visit_id}, which must come first"
    if start >= earliest(problem, after, first.end):
        return None
    wanted = "on a later day than" if after.next_day else f"{span(after.delay)} after"
    return f"begins at {clock(start)}, not {wanted} the end of {after.visit_id} at {clock(first.end)}"
