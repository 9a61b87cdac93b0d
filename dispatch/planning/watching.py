"""Looking ahead at the promises of a day while it goes on, and handing over those in danger (R-503)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import heads, leaving_out
from dispatch.planning.candidates import NOT_BEGUN, is_on_a_plan
from dispatch.planning.days import day_of
from dispatch.planning.forecasting import REASON_DELAY, REASON_ILL, StopForecast, routes_ahead
from dispatch.planning.model import PlanHead, PlanStop
from dispatch.planning.on_the_way import LEAST_WAY, arrivals
from dispatch.planning.rules import PLAN_REASONS, REPLANNED, Danger
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.queries import promises_of
from dispatch.promises.rules import AlarmPolicy
from dispatch.technicians import queries as technicians
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.rules import EMERGENCY

LAST_LOOK = timedelta(minutes=10)
"""So near the window's end more likely late than not is late: there is no later look to be surer."""
NEAR = timedelta(hours=1)
"""So long before its window a promised visit on no plan is nobody's, on a day that was not published."""


def watch(session: Session, territory_id: uuid.UUID, day: date, policy: AlarmPolicy) -> list[PromiseAlarm]:
    """Look at every promise of a day that is still ahead; return the alarms that are told now."""
    leaving_out.settle_over(session, territory_id)
    sights = sights_of(session, territory_id, day)
    return alarming.look(
        session, territory_id, day, sights, policy, is_over=_is_over(session, territory_id, day)
    )


def _is_over(session: Session, territory_id: uuid.UUID, day: date) -> bool:
    """Whether the last shift of a day is over; without any, the day itself."""
    last = technicians.last_shift_end(session, territory_id, day)
    return clock.now() >= (last or clock.day_bounds(day, day_of(session, territory_id, day).timezone)[1])


def sights_of(session: Session, territory_id: uuid.UUID, day: date) -> list[Sight]:
    """Return how every promise of a day that is still ahead will probably be kept."""
    ahead = [
        Sight(
            stop.visit_id,
            stop.expected_arrival,
            _is_breaking(stop, stop.window_end),
            stop.reason or REASON_DELAY,
        )
        for route in routes_ahead(session, territory_id, day)
        for stop in route.stops
        if stop.window_end is not None and not stop.is_on_the_way
    ]
    head = heads.find(session, territory_id, day)
    known = _with_emergencies(session, head, _without_declined(session, head, ahead))
    return [*known, *_on_the_way(session, territory_id, day), *_left_out(session, territory_id, day)]


def _without_declined(session: Session, head: PlanHead | None, sights: list[Sight]) -> list[Sight]:
    """Say that nobody comes to what a technician has handed back: it stands on the published route still."""
    if head is None or head.published_plan_id is None or not sights:
        return sights
    statement = (
        select(Visit.id)
        .join(PlanStop, PlanStop.visit_id == Visit.id)
        .where(PlanStop.plan_id == head.published_plan_id, Visit.state == VisitState.UNPLANNED)
    )
    back = set(session.scalars(statement))
    return [
        replace(each, expected_arrival=None, is_breaking=True, reason=REPLANNED)
        if each.visit_id in back
        else each
        for each in sights
    ]


def _with_emergencies(session: Session, head: PlanHead | None, sights: list[Sight]) -> list[Sight]:
    """Say of what is late that an emergency came first, where one goes before it that was reported later."""
    late = {each.visit_id for each in sights if each.is_breaking and each.reason == REASON_DELAY}
    current = heads.in_force(session, head) if late else None
    if current is None:
        return sights
    statement = (
        select(PlanStop.visit_id, PlanStop.technician_id, PlanStop.position, WorkOrder.opened_at)
        .join(Visit, Visit.id == PlanStop.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(PlanStop.plan_id == current.id, WorkOrder.priority >= EMERGENCY)
    )
    urgent = session.execute(statement).all()
    told = promises_of(session, late) if urgent else {}
    places = {stop.visit_id: (stop.technician_id, stop.position) for stop in current.stops}

    def is_second(visit_id: uuid.UUID) -> bool:
        place = places.get(visit_id)  # the plan may have been changed while its routes were driven
        return place is not None and any(
            row.technician_id == place[0]
            and row.position < place[1]
            and any(row.opened_at > promise.promised_at for promise in told.get(visit_id, [])[-1:])
            for row in urgent
        )

    return [
        replace(each, reason=PLAN_REASONS["emergency"])
        if each.visit_id in late and is_second(each.visit_id)
        else each
        for each in sights
    ]


def _left_out(session: Session, territory_id: uuid.UUID, day: date) -> Iterator[Sight]:
    """
    Promised visits of a day that are on no plan: nobody comes once it is published, or the window is near.

    What waits for a part or the customer was told so.
    """
    on = day_of(session, territory_id, day)
    start, end = clock.day_bounds(day, on.timezone)
    head = heads.find(session, territory_id, day)
    is_published = head is not None and head.published_plan_id is not None
    statement = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.territory_id == territory_id, WorkOrder.waiting_reason.is_(None))
        .where(Visit.state.in_(NOT_BEGUN), Visit.leader_id.is_(None))
        .where(Visit.window_start >= start, Visit.window_start < end)
        .where(~is_on_a_plan(on.later(-1).day, on.later(1).day))
        .order_by(Visit.id)
    )
    found = session.scalars(statement).all()
    reasons = leaving_out.reasons(session, [visit.id for visit in found])
    for visit in found:
        is_near = visit.window_start is not None and visit.window_start - clock.now() <= NEAR
        yield Sight(visit.id, None, is_published or is_near, reasons.get(visit.id, REPLANNED))


def _is_breaking(stop: StopForecast, window_end: datetime) -> bool:
    is_last_look = window_end - clock.now() <= LAST_LOOK
    is_late = stop.expected_arrival is None or stop.expected_arrival > window_end
    return stop.danger is Danger.BREAKING or (is_last_look and is_late)


def _on_the_way(session: Session, territory_id: uuid.UUID, day: date) -> Iterator[Sight]:
    """Visits whose technician has set out: late is who will be there after the window."""
    current = heads.in_force(session, heads.find(session, territory_id, day))
    if current is None:
        return
    there = arrivals(session, current.stops)
    names = [stop.visit_id for stop in current.stops]
    out = select(Visit).where(Visit.id.in_(names), Visit.state == VisitState.TRAVELLING).order_by(Visit.id)
    visits = session.scalars(out).all()
    people = {visit.technician_id for visit in visits if visit.technician_id is not None}
    away = technicians.absent_within(session, people, clock.now(), LEAST_WAY)
    for visit in visits:
        expected, window_end = there.get(visit.id, clock.now() + LEAST_WAY), visit.window_end
        if window_end is None:
            continue
        if visit.technician_id in away:
            yield Sight(visit.id, None, is_breaking=True, reason=REASON_ILL)
        else:
            yield Sight(visit.id, expected, expected > window_end)
