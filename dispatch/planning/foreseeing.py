"""
Service limits against the live day: a late van moves what the plan says (R-401, R-402).

Clocks belong to promises, which know no routes; here the forecast of the running days is handed to them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.planning import heads, nights
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.forecasting import RouteForecast, route_ahead, routes_ahead
from dispatch.promises import clocks
from dispatch.promises.clocks import Coming, ServiceClock
from dispatch.work_orders.lifecycle import FINISHED_ORDERS, VisitState
from dispatch.work_orders.model import Visit, WorkOrder

AHEAD = (*NOT_BEGUN, VisitState.TRAVELLING)
"""Visits at which nobody is yet."""
MANY = 3
"""From so many routes on the day is driven as a whole."""


def running(session: Session, territory_id: uuid.UUID) -> list[ServiceClock]:
    """Return the clocks of a territory's unfinished orders that are not met, as the day goes on."""
    return clocks.running(session, territory_id, coming(session, territory_id))


def clocks_of(session: Session, order: WorkOrder) -> list[ServiceClock]:
    """Return the clocks of one order as the day goes on, those that were met as well."""
    open_ = {visit.id for visit in order.visits if visit.state in AHEAD}
    return clocks.clocks_of(session, order, _coming(session, order.territory_id, open_))


def coming(session: Session, territory_id: uuid.UUID) -> dict[uuid.UUID, Coming]:
    """Return when visits of orders with a limit are probably begun and over, those of running days."""
    statement = (
        select(Visit.id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.territory_id == territory_id, Visit.state.in_(AHEAD))
        .where(WorkOrder.state.not_in([state.value for state in FINISHED_ORDERS]))
        .where(or_(WorkOrder.response_due_at.is_not(None), WorkOrder.resolution_due_at.is_not(None)))
    )
    return _coming(session, territory_id, set(session.scalars(statement)))


def _coming(
    session: Session, territory_id: uuid.UUID, visit_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Coming]:
    """Return what the forecast of running days says of some visits; of those on no route of them, nothing."""
    stops = [
        stop
        for route in _routes_with(session, territory_id, visit_ids)
        for stop in route.stops
        if stop.visit_id in visit_ids
    ]
    visits = select(Visit).where(Visit.id.in_([stop.visit_id for stop in stops]))
    known = {visit.id: visit for visit in session.scalars(visits)} if stops else {}
    found = {}
    for stop in stops:
        visit, arrival = known[stop.visit_id], stop.expected_arrival
        if arrival is None:
            found[visit.id] = Coming(None, None)
            continue
        begins = max(arrival, visit.window_start or arrival)
        found[visit.id] = Coming(arrival, begins + timedelta(minutes=visit.duration_minutes))
    return found


def _routes_with(
    session: Session, territory_id: uuid.UUID, visit_ids: Collection[uuid.UUID]
) -> Sequence[RouteForecast]:
    """Return the routes of running days that have one of these visits."""
    found: list[RouteForecast] = []
    for day in nights.still_running(session, territory_id, nights.AFTER_DUTY) if visit_ids else ():
        plan = heads.in_force(session, heads.find(session, territory_id, day.day))
        people = {stop.technician_id for stop in plan.stops if stop.visit_id in visit_ids} if plan else set()
        if len(people) >= MANY:
            found.extend(routes_ahead(session, territory_id, day.day))
        else:
            found.extend(route_ahead(session, territory_id, day.day, who) for who in sorted(people))
    return found
