"""Looking ahead at the promises of a day while it goes on, and handing over those in danger (R-503)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.customers.model import Site
from dispatch.locations.model import Position
from dispatch.locations.queries import fresh
from dispatch.planning import heads
from dispatch.planning.forecasting import REASON_DELAY, REASON_ILL, StopForecast, routes_ahead
from dispatch.planning.model import PlanStop
from dispatch.planning.rules import Danger
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.rules import AlarmPolicy
from dispatch.technicians import queries as technicians
from dispatch.travel.provider import Point
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

LAST_LOOK = timedelta(minutes=10)
"""So near the window's end more likely late than not is late: there is no later look to be surer."""
LEAST_WAY = timedelta(minutes=1)
"""Who is on the way and has not arrived needs so long at least."""


def watch(session: Session, territory_id: uuid.UUID, day: date, policy: AlarmPolicy) -> list[PromiseAlarm]:
    """Look at every promise of a day that is still ahead; return the alarms that are told now."""
    return alarming.look(session, territory_id, day, sights_of(session, territory_id, day), policy)


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
        if stop.window_end is not None
    ]
    return [*ahead, *_on_the_way(session, territory_id, day)]


def _is_breaking(stop: StopForecast, window_end: datetime) -> bool:
    is_last_look = window_end - clock.now() <= LAST_LOOK
    is_late = stop.expected_arrival is None or stop.expected_arrival > window_end
    return stop.danger is Danger.BREAKING or (is_last_look and is_late)


def _on_the_way(session: Session, territory_id: uuid.UUID, day: date) -> Iterator[Sight]:
    """
    Visits whose technician has set out: there after the planned way, or at the earliest in a minute.

    Where a fresh position says where the technician is, the way from there counts instead.
    """
    current = heads.in_force(session, heads.find(session, territory_id, day))
    if current is None:
        return
    statement = (
        select(Visit, PlanStop.travel_seconds)
        .join(PlanStop, PlanStop.visit_id == Visit.id)
        .where(PlanStop.plan_id == current.id, Visit.state == VisitState.TRAVELLING)
        .order_by(Visit.id)
    )
    rows = session.execute(statement).all()
    where = fresh(session, {visit.technician_id for visit, _ in rows if visit.technician_id is not None})
    for visit, way in rows:
        since, window_end = visit.travelling_at, visit.window_end
        if since is not None and window_end is not None:
            seen = where.get(visit.technician_id) if visit.technician_id is not None else None
            there = since + timedelta(seconds=way)
            if seen is not None and seen.at >= since:
                there = seen.at + _way_from(session, seen, visit)
            expected = max(clock.now() + LEAST_WAY, there)
            if _is_away(session, visit):
                yield Sight(visit.id, None, is_breaking=True, reason=REASON_ILL)
            else:
                yield Sight(visit.id, expected, expected > window_end)


def _is_away(session: Session, visit: Visit) -> bool:
    """Whether the technician of a visit is absent by now."""
    now = clock.now()
    who = visit.technician_id
    return who is not None and technicians.is_absent(session, who, now, now + LEAST_WAY)


def _way_from(session: Session, seen: Position, visit: Visit) -> timedelta:
    site = session.get_one(Site, visit.work_order.site_id)
    points = [Point(seen.latitude, seen.longitude), Point(site.latitude, site.longitude)]
    return timedelta(seconds=int(travel.times().matrix(points).seconds[0][1]))
