"""When technicians who have set out will be there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.customers.model import Site
from dispatch.locations.model import Position
from dispatch.locations.queries import fresh
from dispatch.travel.provider import Point
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

LEAST_WAY = timedelta(minutes=1)
"""Who is on the way and has not arrived needs so long at least."""


def arrivals(
    session: Session, visits: Sequence[Visit], ways: Mapping[uuid.UUID, int]
) -> dict[uuid.UUID, datetime]:
    """
    Return when somebody will be at the visits whose technician has set out, by visit.

    That is after the planned way (seconds by visit; without one the visit is left out), or at the earliest in
    a minute. Where a fresh position says where the technician is, the way from there counts instead.
    """
    out = [visit for visit in visits if visit.state == VisitState.TRAVELLING and visit.id in ways]
    seen = fresh(session, {visit.technician_id for visit in out if visit.technician_id}) if out else {}
    found = {}
    for visit in out:
        if visit.travelling_at is None:
            continue
        there = visit.travelling_at + timedelta(seconds=ways[visit.id])
        position = seen.get(visit.technician_id) if visit.technician_id is not None else None
        if position is not None and position.at >= visit.travelling_at:
            there = position.at + _way_from(session, position, visit)
        found[visit.id] = max(clock.now() + LEAST_WAY, there)
    return found


def _way_from(session: Session, seen: Position, visit: Visit) -> timedelta:
    site = session.get_one(Site, visit.work_order.site_id)
    points = [Point(seen.latitude, seen.longitude), Point(site.latitude, site.longitude)]
    return timedelta(seconds=int(travel.times().matrix(points).seconds[0][1]))
