"""Shift: a technician leaves not before the shift begins and is back by its end plus the allowed overtime."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.drives import cross, entries, leg_between, opening, service_start
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import NEVER, clock

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "SHIFT"
TITLE = "Shift and overtime"
ACTION = "lengthen a shift, allow overtime, or plan the visit for another day"


def used_by(problem: Problem) -> bool:
    """Whether anybody works, since every technician has a shift."""
    return bool(problem.technicians)


def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say that this visit alone already keeps the technician out too long, or None."""
    begin = opening(problem, technician)
    out = leg_between(problem, begin.location, visit.location, setup=visit.setup)
    home = leg_between(problem, visit.location, technician.end)
    ready = cross(begin.ready, out.travel, (), out.pace) + out.setup
    start = service_start(ready, entries(problem, technician, visit, out.setup))
    if start >= NEVER:
        return None  # that is for the arrival window to say
    back = cross(start + technician.time_for(visit), home.travel, (), home.pace)
    limit = technician.shift.end + technician.overtime
    if back <= limit:
        return None
    return f"{technician.name} would be back after {clock(limit)}, the end of the shift"


def add(model: "DayModel", problem: Problem) -> None:
    """Bound departure and return of every technician."""
    forbid_pairs(model, problem, forbids)
    for technician in problem.technicians:
        limit = technician.shift.end + technician.overtime
        model.work_between(technician, opening(problem, technician).ready, limit)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield a violation per route that begins too early or ends too late; begun stops alone are a fact."""
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        if technician is None or all(problem.is_begun(stop.visit_id) for stop in route.stops):
            continue
        begin = opening(problem, technician)
        if not begin.begun and route.departure < begin.ready:
            message = f"{technician.name} leaves at {clock(route.departure)}, before {clock(begin.ready)}"
            yield Violation(CODE, technician.id, message)
        limit = technician.shift.end + technician.overtime
        if route.return_time > limit:
            message = f"{technician.name} is back at {clock(route.return_time)}, after {clock(limit)}"
            yield Violation(CODE, technician.id, message)
