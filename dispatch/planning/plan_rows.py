"""Between stored plans and the optimiser's plans: seconds become moments and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import crews
from dispatch.planning.doubting import doubts_of
from dispatch.planning.model import DayPlan, PlanStop, PlanUnserved
from dispatch.planning.problem import Built, stops_by_route
from optimizer.drives import begun_start
from optimizer.errors import InfeasibleRoute
from optimizer.plan import Plan, Route, Stop
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import timetable


def to_plan(built: Built, plan: DayPlan | None, *, without: frozenset[str] = frozenset()) -> Plan:
    """
    Read a stored plan as the optimiser's, begun stops first in the order in which they happened.

    Each route is timed again as the day stands now; one that no longer holds keeps its stored times, and
    nothing is inserted into it. Visits that are gone and technicians off duty are left out; crews meet at the
    moment that is stored.
    """
    stored = {str(stop.visit_id): stop for stop in plan.stops} if plan else {}
    order = stops_by_route(plan.stops) if plan else {}
    day = crews.at_their_moments(built.problem, stored, built.day)
    routes: list[Route] = []
    for technician in day.technicians:
        begun = day.begun_by(technician.id)
        later = [
            visit
            for visit_id in order.get(technician.id, [])
            if visit_id not in built.begun | without and (visit := day.visit(visit_id)) is not None
        ]
        if begun or later:
            routes.append(_route(built, day, technician, (*begun, *later), stored))
    return Plan(tuple(routes))


def _route(
    built: Built,
    day: Problem,
    technician: Technician,
    visits: tuple[Visit, ...],
    stored: dict[str, PlanStop],
) -> Route:
    try:
        return timetable(day, technician, visits)
    except InfeasibleRoute:
        stops = tuple(_stop(built, visit, stored.get(visit.id)) for visit in visits)
        return Route(technician.id, technician.shift.start, stops)


def _stop(built: Built, visit: Visit, stored: PlanStop | None) -> Stop:
    if visit.id in built.begun:
        start = begun_start(built.problem, visit)
        return Stop(visit.id, start, start, start + visit.duration, 0, 0)
    if stored is None:
        raise ValueError(f"visit {visit.id} is on no plan")
    seconds = built.day.seconds
    times = (seconds(stored.arrival), seconds(stored.start), seconds(stored.end))
    return Stop(visit.id, *times, stored.travel_seconds, stored.travel_metres)


def without_holds(problem: Problem, plan: Plan, holds: frozenset[str]) -> Plan:
    """Return a plan without the windows that are kept for callers, the routes around them timed again."""
    routes = []
    for route in plan.routes:
        kept = tuple(stop for stop in route.stops if stop.visit_id not in holds)
        if len(kept) == len(route.stops):
            routes.append(route)
        elif kept:
            routes.append(_timed_again(problem, route, kept))
    return Plan(tuple(routes), tuple(left for left in plan.unserved if left.visit_id not in holds))


def _timed_again(problem: Problem, route: Route, kept: tuple[Stop, ...]) -> Route:
    """Time a route that lost stops; where the roads make that impossible, the others keep their times."""
    technician = problem.technician(route.technician_id)
    visits = tuple(visit for stop in kept if (visit := problem.visit(stop.visit_id)) is not None)
    if technician is not None and len(visits) == len(kept):
        with suppress(InfeasibleRoute):
            return timetable(problem, technician, visits)
    return replace(route, stops=kept)


def ids_on(plan: Plan) -> Iterator[str]:
    """Give the ids of the visits on a plan's routes."""
    return (stop.visit_id for route in plan.routes for stop in route.stops)


def to_stops(built: Built, routes: Iterable[Route]) -> list[PlanStop]:
    """Return rows for the stops of routes, in moments."""
    moment = built.day.moment
    return [
        PlanStop(
            visit_id=uuid.UUID(stop.visit_id),
            technician_id=uuid.UUID(route.technician_id),
            position=position,
            arrival=moment(stop.arrival),
            start=moment(stop.start),
            end=moment(stop.end),
            travel_seconds=stop.travel,
            travel_metres=stop.metres,
        )
        for route in routes
        for position, stop in enumerate(route.stops)
    ]


def store(
    session: Session, built: Built, plan: Plan, *, state: str, base_version: int, reason: str, **facts: object
) -> DayPlan:
    """Write a plan with its stops and its unserved visits; windows held for callers are not written."""
    plan = without_holds(built.problem, plan, built.holds)
    row = DayPlan(
        territory_id=built.day.territory_id,
        day=built.day.day,
        state=state,
        base_version=base_version,
        reason=reason,
        doubts=doubts_of(session, built),
        created_at=clock.now(),
        **facts,
    )
    row.stops = to_stops(built, plan.routes)
    row.unserved = [
        PlanUnserved(
            visit_id=uuid.UUID(left.visit_id), reason=left.reason, sentence=left.sentence, action=left.action
        )
        for left in plan.unserved
    ]
    session.add(row)
    session.flush()
    return row


def replace_routes(session: Session, draft: DayPlan, built: Built, *, before: Plan, after: Plan) -> None:
    """Write the routes of a draft that differ between two plans, both without held windows."""
    changed = [route for route in after.routes if route != before.route_of(route.technician_id)]
    emptied = {route.technician_id for route in before.routes if after.route_of(route.technician_id) is None}
    rewritten = {uuid.UUID(name) for name in [*emptied, *(route.technician_id for route in changed)]}
    fresh = to_stops(built, changed)
    moved = {stop.visit_id for stop in fresh}
    draft.stops = [
        stop for stop in draft.stops if stop.technician_id not in rewritten and stop.visit_id not in moved
    ]
    draft.unserved = [left for left in draft.unserved if left.visit_id not in moved]
    session.flush()
    draft.stops = [*draft.stops, *fresh]
    draft.doubts = doubts_of(session, built)
    session.flush()
