"""Timetable: the stated times of a route follow from departure, travel, services and breaks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.drives import leg_between, opening
from optimizer.plan import Fetch, Plan, Route, Violation
from optimizer.problem import Problem, Technician
from optimizer.timing import arrival_on_way
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
    depots = {depot.id for depot in problem.depots}
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        known = all(problem.visit(stop.visit_id) is not None for stop in route.stops)
        known = known and all(fetch.depot_id in depots for fetch in route.fetches)
        if technician is not None and known and route.stops:
            yield from _differences(problem, technician, route)


def _differences(problem: Problem, technician: Technician, route: Route) -> Iterator[Violation]:
    """Walk one route and compare."""
    begin = opening(problem, technician)
    place, now = technician.start, route.departure
    rests = sorted(route.breaks, key=lambda rest: rest.start)
    depots = {depot.id: depot for depot in problem.depots}
    for position, call in enumerate(route.calls()):
        if isinstance(call, Fetch):
            name, is_begun = f"fetch at {call.depot_id}", False
            location, setup = depots[call.depot_id].location, 0
            service = depots[call.depot_id].handling
        else:
            visit = problem.visit(call.visit_id)
            assert visit is not None  # noqa: S101  # the caller has looked
            name, is_begun = f"visit {visit.id}", problem.is_begun(visit.id)
            location, service = visit.location, technician.time_for(visit)
            setup = 0 if is_begun else visit.setup
        if position == len(begin.begun) and begin.begun:
            now = max(now, begin.ready)
        leg = leg_between(problem, place, location, setup=setup)
        if is_begun:
            leg = leg._replace(pace=None)
        before = [rest for rest in rests if rest.start < call.start]
        arrival, travel = arrival_on_way(now, leg, before)
        if is_begun:
            arrival = min(arrival, call.start)
        rested = sum(rest.end - rest.start for rest in before if rest.start >= arrival)
        for message in (
            _differs("travel", (call.travel, call.metres), (travel, leg.metres)),
            _differs("arrival", call.arrival, arrival),
            _differs("end", call.end, call.start + service),
            _early(call.start, arrival + rested, leg.setup),
        ):
            if message:
                yield Violation(CODE, name.partition(" ")[2], f"{name}: {message}")
        place, now = location, call.end
    if len(route.stops) == len(begin.begun) and not route.fetches:
        now = max(now, begin.ready)
    leg = leg_between(problem, place, technician.end)
    back, travel = arrival_on_way(now, leg, rests)
    for message in (
        _differs("travel home", (route.return_travel, route.return_metres), (travel, leg.metres)),
        _differs("return", route.return_time, back),
    ):
        if message:
            yield Violation(CODE, technician.id, f"route of {technician.name}: {message}")


def _early(start: Seconds, arrival: Seconds, setup: Seconds) -> str | None:
    """Word a service that begins before it can."""
    if start >= arrival + setup:
        return None
    return f"begins at {clock(start)}, before its arrival" + (" and setting up" if setup else "")


def _differs(what: str, stated: Seconds | tuple[int, int], found: Seconds | tuple[int, int]) -> str | None:
    """Word a difference between a stated and a found figure."""
    if stated == found:
        return None
    if isinstance(stated, int) and isinstance(found, int):
        return f"{what} stated as {clock(stated)}, found {clock(found)}"
    return f"{what} stated as {stated} (seconds, metres), found {found}"
