"""
Night shifts: a planning day owns the shifts that begin on it, until the last of them is over.

A window that begins after midnight may so be served by the night shift of the evening before, or by shifts
of its own calendar day. Offers, holds and promises ask both days; what is on neither plan is left to one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.days import Day, day_at
from dispatch.technicians import queries as technicians

AFTER_DUTY = timedelta(hours=4)
"""How long after a shift work may begin that still belongs to it."""


def end_of(session: Session, day: Day) -> datetime:
    """Return when a planning day is over: at midnight, or with the last shift that began on it."""
    return over_with(day, technicians.last_shift_end(session, day.territory_id, day.day))


def over_with(day: Day, last: datetime | None) -> datetime:
    """Return when a planning day is over whose last shift ends at a moment; None for a day without shifts."""
    midnight = clock.day_bounds(day.day, day.timezone)[1]
    return min(max(last or midnight, midnight), day.moment(Day.LATEST))


def days_for(session: Session, territory_id: uuid.UUID, start: datetime) -> list[Day]:
    """Return the planning days whose shifts may serve a window that begins at a moment, oldest first."""
    return serving(day_at(session, territory_id, start), start, lambda eve: end_of(session, eve))


def serving(day: Day, start: datetime, over: Callable[[Day], datetime]) -> list[Day]:
    """Return a day, behind the evening before if that one is not over at a moment."""
    eve = day.later(-1)
    return [eve, day] if start < over(eve) else [day]


def still_running(session: Session, territory_id: uuid.UUID, grace: timedelta) -> list[Day]:
    """Return today, and yesterday until some time after its last shift is over, oldest first."""
    now = clock.now()
    return serving(day_at(session, territory_id, now), now - grace, lambda eve: end_of(session, eve))
