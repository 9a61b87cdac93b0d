"""
Insertions judged by driving the whole route with the visit in it, for what no array of a route can tell:
fetches, teams, visits that wait for others, travel by hour, prices that go by the clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from optimizer.constraints.precedence import earliest, latest_end
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.objectives import OBJECTIVES, unserved
from optimizer.plan import Plan, Route, Stop
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.timing import timetable
from optimizer.units import NEVER, Cents, Seconds


class Trial(NamedTuple):
    """One insertion that holds: its price, times, place in the route, and the window asked about."""

    extra_cost: Cents
    start: Seconds
    position: int
    window: int


def driven_cents(problem: Problem, routes: Sequence[Route]) -> Cents:
    """Price of routes, without that of visits left out."""
    plan = Plan(tuple(routes))
    return sum(term.cents(problem, plan) for term in OBJECTIVES if term is not unserved)


def with_ties(problem: Problem, routes: Mapping[str, Route], visit: Visit) -> Problem | None:
    """
    The problem while one visit is asked about: what others depend on keeps its time, and the visit keeps to
    what it depends on. None when its team or a visit that comes first is not in the plan.
    """
    stops = {stop.visit_id: stop for route in routes.values() for stop in route.stops}
    bounds: dict[str, Window] = {}
    for other in problem.visits:
        stop = stops.get(other.id)
        if stop is not None and not problem.is_begun(other.id) and _is_depended_on(problem, other):
            bounds[other.id] = Window(stop.start, stop.start)
    own = _own_bound(problem, stops, visit)
    if own is None:
        return None
    bounds[visit.id] = own
    return problem.bounded(bounds)


def _is_depended_on(problem: Problem, visit: Visit) -> bool:
    if visit.team is not None or visit.after:
        return True
    return any(after.visit_id == visit.id for other in problem.visits for after in other.after)


def _own_bound(problem: Problem, stops: Mapping[str, Stop], visit: Visit) -> Window | None:
    """Interval that the visits already planned leave for the start of one more."""
    first, last = -NEVER, NEVER
    for after in visit.after:
        before = stops.get(after.visit_id)
        if before is None:
            return None
        first = max(first, earliest(problem, after, before.end))
    for other in problem.visits:
        if visit.team is not None and other.team == visit.team and other.id != visit.id:
            partner = stops.get(other.id)
            if partner is None:
                return None
            first, last = max(first, partner.start), min(last, partner.start)
        for after in other.after:
            if after.visit_id == visit.id and other.id in stops:
                longest = max((visit.duration, *visit.durations.values()))
                last = min(last, latest_end(problem, after, stops[other.id].start) - longest)
    return Window(first, last)


def may_join(problem: Problem, routes: Mapping[str, Route], technician: Technician, visit: Visit) -> bool:
    """Whether a technician is another than those of the visit's team, and the one of its group."""
    for route in routes.values():
        other = problem.technician(route.technician_id)
        for stop in route.stops:
            served = problem.visit(stop.visit_id)
            if served is None or other is None or served.id == visit.id:
                continue
            if visit.team is not None and served.team == visit.team and other.who == technician.who:
                return False
            group = visit.same_technician
            if group is not None and served.same_technician == group and other.who != technician.who:
                return False
    return True


def trials(
    problem: Problem,
    routes: Mapping[str, Route],
    technician: Technician,
    *,
    order: Sequence[Visit],
    visit: Visit,
    windows: Sequence[Window],
    positions: Sequence[int],
) -> Iterator[Trial]:
    """Drive a route with a visit at each position, once for each window asked about."""
    if not may_join(problem, routes, technician, visit):
        return
    mine = [
        r for r in routes.values() if _who(problem, r) == technician.who and r.technician_id != technician.id
    ]
    before = driven_cents(problem, [*mine, *([routes[technician.id]] if technician.id in routes else [])])
    for index, window in enumerate(windows):
        asked = visit if window.start <= -NEVER else replace(visit, windows=(window,))
        tied = with_ties(problem.with_visit(asked), routes, asked) if is_tied_anywhere(problem) else None
        if tied is None and is_tied(visit):
            return
        asking = tied if tied is not None else problem.with_visit(asked)
        for position in positions:
            try:
                timed = timetable(asking, technician, (*order[:position], asked, *order[position:]))
            except InfeasibleRoute:
                continue
            if not _has_stock(asking, [*mine, timed], technician):
                continue
            extra = driven_cents(asking, [*mine, timed]) - before
            yield Trial(extra, timed.stops[position].start, position, index)


def is_tied_anywhere(problem: Problem) -> bool:
    """Whether any visit of a problem depends on another."""
    return any(is_tied(visit) for visit in problem.visits)


def _who(problem: Problem, route: Route) -> str | None:
    technician = problem.technician(route.technician_id)
    return technician.who if technician is not None else None


def _has_stock(problem: Problem, routes: Sequence[Route], technician: Technician) -> bool:
    """Whether the van's stock lasts through the shifts of its keeper."""
    from optimizer.constraints.parts import violations

    return not any(True for _ in violations(problem, Plan(tuple(routes))))
