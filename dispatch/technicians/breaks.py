"""Breaks as technicians take them (R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.technicians.model import BreakTaken
from dispatch.technicians.rules import LONGEST_BREAK, Interval


def start_break(
    session: Session, *, technician_id: uuid.UUID, at: datetime, op_id: uuid.UUID | None = None
) -> BreakTaken:
    """
    Begin a break; one that is open ends where this one begins, and one told late where the next began.

    Neither end was told, so both come after the longest break at the latest.
    """
    former = end_break(session, technician_id=technician_id, at=at)
    if former is not None:
        former.ended_at = min(at, former.started_at + LONGEST_BREAK)
    later = session.scalar(
        select(func.min(BreakTaken.started_at)).where(
            BreakTaken.technician_id == technician_id, BreakTaken.started_at > at
        )
    )
    ended_at = min(later, at + LONGEST_BREAK) if later else None
    row = BreakTaken(technician_id=technician_id, started_at=at, ended_at=ended_at, op_id=op_id)
    session.add(row)
    db.flush(session)
    return row


def end_break(session: Session, *, technician_id: uuid.UUID, at: datetime) -> BreakTaken | None:
    """End the break that was open at a moment; None when there was none."""
    statement = select(BreakTaken).where(
        BreakTaken.technician_id == technician_id,
        BreakTaken.ended_at.is_(None),
        BreakTaken.started_at <= at,
    )
    row = session.scalars(statement.with_for_update()).first()
    if row is not None:
        row.ended_at = at
        db.flush(session)
    return row


def open_since(session: Session, *, technician_id: uuid.UUID, at: datetime) -> datetime | None:
    """Return when the break began that is open at a moment; None when there is none."""
    return session.scalar(
        select(func.min(BreakTaken.started_at)).where(
            BreakTaken.technician_id == technician_id,
            BreakTaken.ended_at.is_(None),
            BreakTaken.started_at <= at,
        )
    )


def interval_of(row: BreakTaken) -> Interval:
    """Return when a break was; one whose end nobody told is over after ``LONGEST_BREAK``."""
    return Interval(row.started_at, row.ended_at or row.started_at + LONGEST_BREAK)


def breaks_taken(
    session: Session, technician_id: uuid.UUID, start: datetime, end: datetime
) -> Sequence[BreakTaken]:
    """Return a technician's breaks that touch a stretch of time, in order; an open one has no end yet."""
    return _touching(session, [technician_id], start, end)


def breaks_between(
    session: Session, technician_ids: Collection[uuid.UUID], start: datetime, end: datetime
) -> dict[uuid.UUID | None, list[Interval]]:
    """Return when technicians were on a break, cut to a stretch of time, by technician."""
    found: dict[uuid.UUID | None, list[Interval]] = {}
    for row in _touching(session, technician_ids, start, end):
        whole = interval_of(row)
        piece = Interval(max(whole.start, start), min(whole.end, end))
        if piece.start < piece.end:
            found.setdefault(row.technician_id, []).append(piece)
    return found


def _touching(
    session: Session, technician_ids: Collection[uuid.UUID], start: datetime, end: datetime
) -> Sequence[BreakTaken]:
    statement = select(BreakTaken).where(
        BreakTaken.technician_id.in_(technician_ids),
        BreakTaken.started_at < end,
        or_(
            BreakTaken.ended_at > start,
            BreakTaken.ended_at.is_(None) & (BreakTaken.started_at > start - LONGEST_BREAK),
        ),
    )
    return session.scalars(statement.order_by(BreakTaken.started_at, BreakTaken.id)).all()
