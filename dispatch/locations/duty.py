"""When technicians were on duty, on a break, and had positions switched off."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.locations.model import LocationOff
from dispatch.locations.rules import LONGEST_BREAK, Day
from dispatch.technicians.model import Absence, BreakTaken, Shift
from dispatch.technicians.rules import Interval, free_of

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def day_of(session: Session, technician_id: uuid.UUID, start: datetime, end: datetime) -> Day:
    """Return what touches the time from start to end, both included; what is open has no end."""
    absences = _stretches(
        (row.starts_at, row.ends_at)
        for row in session.scalars(
            select(Absence).where(
                Absence.technician_id == technician_id, Absence.starts_at <= end, Absence.ends_at > start
            )
        )
    )
    shifts = select(Shift).where(
        Shift.technician_id == technician_id, Shift.starts_at <= end, Shift.ends_at > start
    )
    breaks = select(BreakTaken).where(
        BreakTaken.technician_id == technician_id,
        BreakTaken.started_at <= end,
        or_(BreakTaken.ended_at.is_(None), BreakTaken.ended_at > start),
    )
    off = select(LocationOff).where(
        LocationOff.technician_id == technician_id,
        LocationOff.off_at <= end,
        or_(LocationOff.on_at.is_(None), LocationOff.on_at > start),
    )
    return Day(
        [
            piece
            for row in session.scalars(shifts)
            for piece in free_of(Interval(row.starts_at, row.ends_at), absences)
        ],
        [_rest(row) for row in session.scalars(breaks)],
        _stretches((row.off_at, row.on_at) for row in session.scalars(off)),
    )


def _rest(row: BreakTaken) -> Interval:
    """A break; one whose end was forgotten is over after the longest that there are."""
    latest = row.started_at + LONGEST_BREAK
    return Interval(row.started_at, min(row.ended_at or latest, latest))


def _stretches(pairs: Iterable[tuple[datetime, datetime | None]]) -> list[Interval]:
    return [Interval(start, end or FOR_EVER) for start, end in pairs]
