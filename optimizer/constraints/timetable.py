"""Timetable: the stated times of a route follow from departure, travel, services and breaks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.plan import Plan, Route, Violation
from optimizer.problem import Problem, Technician
from optimizer.timing import arrival_on_way, opening
from optimizer.units import Seconds, clock

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "TIMETABLE"
TITLE = "Timetable"
ACTION = "have the plan timed again"


def used_by(problem: Problem) -> bool:
    """Whether there is anything to time."""
    return bool(problem.visits)


def add(model: "DayModel", problem: Problem) -> None:
    """Count driving and service along every route."""
    model.count_time()


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield every stated time or length that differs from what the checker works out for itself."""
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        known = all(problem.visit(stop.visit_id) is not None for stop in route.stops)
        if technician is not None and known and route.stops:
            yield from _differences(problem, technician, route)


def _differences(problem: Problem, technician: Technician, route: Route) -> Iterator[Violation]:
    """Walk one route and compare."""
    begin = opening(problem, technician)
    place, now = technician.start, route.departure
    rests = sorted(route.breaks, key=lambda rest: rest.start)
    for position, stop in enumerate(route.stops):
        visit = problem.visit(stop.visit_id)
        assert visit is not None  # noqa: S101  # the caller has looked
        if position == len(begin.begun) and begin.begun:
            now = max(now, begin.ready)
        leg = problem.matrix.leg(place, visit.location)
        arrival = arrival_on_way(now, leg[0], [b for b in rests if b.start < stop.start])
        if problem.is_begun(visit.id):
            arrival = min(arrival, stop.start)
        for message in (
            _differs("travel", (stop.travel, stop.metres), leg),
            _differs("arrival", stop.arrival, arrival),
            _differs("end", stop.end, stop.start + visit.duration),
            f"begins at {clock(stop.start)}, before its arrival" if stop.start < arrival else None,
        ):
            if message:
                yield Violation(CODE, visit.id, f"visit {visit.id}: {message}")
        place, now = visit.location, stop.end
    if len(route.stops) == len(begin.begun):
        now = max(now, begin.ready)
    leg = problem.matrix.leg(place, technician.end)
    back = arrival_on_way(now, leg[0], rests)
    for message in (
        _differs("travel home", (route.return_travel, route.return_metres), leg),
        _differs("return", route.return_time, back),
    ):
        if message:
            yield Violation(CODE, technician.id, f"route of {technician.name}: {message}")


def _differs(what: str, stated: Seconds | tuple[int, int], found: Seconds | tuple[int, int]) -> str | None:
    """Word a difference between a stated and a found figure."""
    if stated == found:
        return None
    if isinstance(stated, int) and isinstance(found, int):
        return f"{what} stated as {clock(stated)}, found {clock(found)}"
    return f"{what} stated as {stated} (seconds, metres), found {found}"
