"""Breaks as technicians take them (R-509)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.technicians.model import BreakTaken


def start_break(
    session: Session, *, technician_id: uuid.UUID, at: datetime, op_id: uuid.UUID | None = None
) -> BreakTaken:
    """Begin a break; one that is open ends where this one begins, and one told late where the next began."""
    end_break(session, technician_id=technician_id, at=at)
    later = select(func.min(BreakTaken.started_at)).where(
        BreakTaken.technician_id == technician_id, BreakTaken.started_at > at
    )
    row = BreakTaken(technician_id=technician_id, started_at=at, ended_at=session.scalar(later), op_id=op_id)
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
