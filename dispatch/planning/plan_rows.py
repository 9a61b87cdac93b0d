"""Between stored plans and the optimiser's plans: seconds become moments and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.model import DayPlan, PlanStop, PlanUnserved
from dispatch.planning.problem import Built, stops_by_route
from optimizer.plan import Plan, Route, Stop


def to_plan(built: Built, plan: DayPlan | None) -> Plan:
    """
    Read a stored plan as the optimiser's, begun stops first in the order in which they happened.

    Times are the stored ones; stops whose visit is gone or whose technician is off duty are left out.
    """
    stored = {str(stop.visit_id): stop for stop in plan.stops} if plan else {}
    order = stops_by_route(plan.stops) if plan else {}
    routes: list[Route] = []
    for technician in built.problem.technicians:
        begun = [visit.id for visit in built.problem.begun_by(technician.id)]
        later = [
            visit_id
            for visit_id in order.get(technician.id, [])
            if visit_id in built.visits and visit_id not in built.begun
        ]
        stops = tuple(_stop(built, visit_id, stored.get(visit_id)) for visit_id in [*begun, *later])
        if stops:
            routes.append(Route(technician.id, technician.shift.start, stops))
    return Plan(tuple(routes))


def _stop(built: Built, visit_id: str, stored: PlanStop | None) -> Stop:
    if stored is None:
        return Stop(visit_id, 0, 0, 0, 0, 0)
    seconds = built.day.seconds
    times = (seconds(stored.arrival), seconds(stored.start), seconds(stored.end))
    return Stop(visit_id, *times, stored.travel_seconds, stored.travel_metres)


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
    """Write a plan with its stops and its unserved visits."""
    row = DayPlan(
        territory_id=built.day.territory_id,
        day=built.day.day,
        state=state,
        base_version=base_version,
        reason=reason,
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


def replace_route(session: Session, plan: DayPlan, built: Built, route: Route) -> None:
    """Put one route of a draft in place of the stored one."""
    technician_id = uuid.UUID(route.technician_id)
    fresh = to_stops(built, [route])
    moved = {stop.visit_id for stop in fresh}
    plan.stops = [
        stop for stop in plan.stops if stop.technician_id != technician_id and stop.visit_id not in moved
    ]
    session.flush()
    plan.stops = [*plan.stops, *fresh]
    session.flush()


def planned_times(plan: DayPlan) -> dict[uuid.UUID, tuple[uuid.UUID, datetime, datetime]]:
    """Return visit id to technician, start and end."""
    return {stop.visit_id: (stop.technician_id, stop.start, stop.end) for stop in plan.stops}
