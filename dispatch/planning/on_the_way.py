"""When technicians who have set out will be there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.customers.model import Site
from dispatch.locations.queries import fresh
from dispatch.planning.model import PlanStop
from dispatch.travel.provider import Point
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder

LEAST_WAY = timedelta(minutes=1)
"""Who is on the way and has not arrived needs so long at least."""
LONGEST_WAY = timedelta(hours=4)
"""A way from a position that is longer tells of the position, not of the way."""


def arrivals(session: Session, stops: Iterable[PlanStop]) -> dict[uuid.UUID, datetime]:
    """
    Return when somebody will be at the stops of a plan whose technician has set out, by visit.

    That is after the planned way, or at the earliest in a minute. Where a fresh position says where the
    technician is, the way from there counts instead. A stop that is no longer its technician's, or whose way
    the plan does not know, is left out.
    """
    planned = {stop.visit_id: stop for stop in stops}
    statement = (
        select(Visit, Site)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Site, Site.id == WorkOrder.site_id)
        .where(Visit.id.in_(planned), Visit.state == VisitState.TRAVELLING, Visit.travelling_at.is_not(None))
        .order_by(Visit.id)
    )
    out = [
        (visit, site)
        for visit, site in session.execute(statement)
        if visit.technician_id == planned[visit.id].technician_id and planned[visit.id].travel_seconds > 0
    ]
    ways = _ways_from_positions(session, out)
    found = {}
    for visit, _ in out:
        assert visit.travelling_at is not None  # noqa: S101 - asked for by the statement
        there = ways.get(visit.id)
        if there is None:
            there = visit.travelling_at + timedelta(seconds=planned[visit.id].travel_seconds)
        found[visit.id] = max(clock.now() + LEAST_WAY, there)
    return found


def _ways_from_positions(session: Session, out: Iterable[tuple[Visit, Site]]) -> dict[uuid.UUID, datetime]:
    """When those are there whose position is known since they set out; all ways are asked for at once."""
    rows = list(out)
    seen = fresh(session, {visit.technician_id for visit, _ in rows if visit.technician_id}) if rows else {}
    known = [
        (visit, site, position)
        for visit, site in rows
        if visit.technician_id is not None
        and visit.travelling_at is not None
        and (position := seen.get(visit.technician_id)) is not None
        and position.at >= visit.travelling_at
    ]
    if not known:
        return {}
    points = [Point(position.latitude, position.longitude) for *_, position in known]
    points += [Point(site.latitude, site.longitude) for _, site, _ in known]
    seconds = travel.times().matrix(points).seconds
    found = {}
    for number, (visit, site, position) in enumerate(known):
        way = timedelta(seconds=int(seconds[number][len(known) + number]))
        if way <= LONGEST_WAY:
            on_foot = timedelta(minutes=site.parking_minutes + site.access_minutes)
            found[visit.id] = position.at + way + on_foot
    return found
