"""How much everybody has worked lately: what a policy that shares work out evenly starts a day from."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.planning.days import Day
from dispatch.technicians.model import Shift
from dispatch.work_orders.model import Visit

PERIOD = timedelta(days=7)
"""The days before a plan day over which work is shared out."""
LONGEST = 12 * 3600
"""One visit counts for so many seconds at most, whatever a phone's clock said."""


def worked(session: Session, day: Day, crew: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """
    Return how many seconds each of a crew has worked more than whoever has worked least.

    Counted is driving and service of finished visits, on the days somebody worked on: who was there on fewer
    days is taken to have worked on as many as the others, and who was not there at all as they did on
    average. What all have worked is left out, or the day's work would grow dear with every day of a week.
    """
    spent = _spent(session, day, crew)
    if not spent:
        return {}
    shifts = _shifts(session, day, crew)
    most = max(shifts.values(), default=1)
    levels = {who: seconds * most // (shifts.get(who) or most) for who, seconds in spent.items()}
    usual, least = sum(levels.values()) // len(levels), min(levels.values())
    return {who: levels.get(who, usual) - least for who in crew}


def _spent(session: Session, day: Day, crew: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Seconds from setting out to the end of service, without pauses."""
    begun = func.coalesce(Visit.travelling_at, Visit.arrived_at, Visit.started_at)
    length = func.extract("epoch", Visit.finished_at - begun) - Visit.paused_seconds
    total = func.sum(func.least(func.greatest(length, 0), LONGEST))
    statement = (
        select(Visit.technician_id, total)
        .where(
            Visit.technician_id.in_(crew),
            Visit.planned_start >= day.midnight - PERIOD,
            Visit.planned_start < day.midnight,
            Visit.finished_at.is_not(None),
        )
        .group_by(Visit.technician_id)
    )
    return {who: int(seconds) for who, seconds in session.execute(statement) if who and seconds is not None}


def _shifts(session: Session, day: Day, crew: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Number of shifts in which somebody finished a visit."""
    statement = (
        select(Shift.technician_id, func.count(Shift.id.distinct()))
        .join(Visit, Visit.technician_id == Shift.technician_id)
        .where(
            Shift.technician_id.in_(crew),
            Visit.planned_start >= day.midnight - PERIOD,
            Visit.planned_start < day.midnight,
            Visit.planned_start >= Shift.starts_at,
            Visit.planned_start < Shift.ends_at,
            Visit.finished_at.is_not(None),
        )
        .group_by(Shift.technician_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}
