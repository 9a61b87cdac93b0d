"""Keeps positions on duty, switches them off and on, and lets them fade (R-903)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch import text as words
from dispatch.access.rules import Principal
from dispatch.locations.duty import day_of
from dispatch.locations.model import LocationNotice, LocationOff, Position
from dispatch.locations.rules import Fix, sorted_out
from dispatch.technicians.model import Absence, BreakTaken, Technician
from dispatch.technicians.rules import LONGEST_BREAK

_THIN = text("""
    delete from position using (
        select id, row_number() over (
            partition by technician_id, date_trunc('hour', at),
                         round(latitude::numeric, 2), round(longitude::numeric, 2)
            order by at
        ) as place
        from position
        where not is_coarse and at < :before
    ) as seen
    where position.id = seen.id and seen.place > 1
""")
_ROUND = text("""
    update position
    set latitude = round(latitude::numeric, 2), longitude = round(longitude::numeric, 2),
        accuracy_metres = null, is_coarse = true
    where not is_coarse and at < :before
""")


def report(session: Session, *, technician_id: uuid.UUID, fixes: Sequence[Fix]) -> tuple[int, Counter[str]]:
    """Keep positions measured on duty and outside breaks; return how many, and the others by reason."""
    if not fixes:
        return 0, Counter()
    now = clock.now()
    day = day_of(session, technician_id, min(fix.at for fix in fixes), max(fix.at for fix in fixes))
    kept, dropped = sorted_out(fixes, day, now)
    if kept:
        rows = [
            {
                "id": db.new_id(),
                "technician_id": technician_id,
                "at": fix.at,
                "latitude": fix.latitude,
                "longitude": fix.longitude,
                "accuracy_metres": fix.accuracy_metres,
                "is_coarse": False,
            }
            for fix in kept
        ]
        once = insert(Position).values(rows).on_conflict_do_nothing(index_elements=["technician_id", "at"])
        session.execute(once)
    return len(kept), dropped


def switch_off(session: Session, *, technician_id: uuid.UUID, at: datetime, reason: str) -> LocationOff:
    """Switch positions off with a reason; what was kept since that moment goes."""
    why = words.line(reason, "reason")
    found = _open(session, technician_id)
    if found is None:
        found = LocationOff(technician_id=technician_id, off_at=at, reason=why)
        session.add(found)
    else:
        found.reason = why
    session.execute(delete(Position).where(Position.technician_id == technician_id, Position.at >= at))
    db.flush(session)
    return found


def switch_on(session: Session, *, technician_id: uuid.UUID, at: datetime) -> LocationOff | None:
    """Switch positions on again; None if they were not off. Two phones may both have switched them off."""
    found = None
    while (row := _open(session, technician_id)) is not None:
        found, row.on_at = row, max(at, row.off_at)
        db.flush(session)
    return found


def note_told(session: Session, *, by: Principal, technician: Technician) -> LocationNotice:
    """Note that a technician was told of the use for the appraisal; the first time counts."""
    once = (
        insert(LocationNotice)
        .values(id=db.new_id(), technician_id=technician.id, told_at=clock.now(), told_by=by.user_id)
        .on_conflict_do_nothing(index_elements=["technician_id"])
    )
    session.execute(once)
    return session.scalars(select(LocationNotice).filter_by(technician_id=technician.id)).one()


def fade(session: Session, *, coarse_days: int, keep_days: int) -> tuple[int, int]:
    """
    Round and thin positions after some days, delete them after more; return how many of each.

    What turned out to lie in a break or an absence goes at once.
    """
    now = clock.now()
    gone = now - timedelta(days=keep_days)
    rested = exists().where(
        BreakTaken.technician_id == Position.technician_id,
        BreakTaken.started_at <= Position.at,
        or_(
            BreakTaken.ended_at > Position.at,
            BreakTaken.ended_at.is_(None) & (BreakTaken.started_at > Position.at - LONGEST_BREAK),
        ),
    )
    away = exists().where(
        Absence.technician_id == Position.technician_id,
        Absence.starts_at <= Position.at,
        Absence.ends_at > Position.at,
    )
    deleted = _count(session.execute(delete(Position).where(or_(Position.at < gone, rested, away))))
    session.execute(delete(LocationOff).where(LocationOff.on_at < gone))
    before = {"before": now - timedelta(days=coarse_days)}
    deleted += _count(session.execute(_THIN, before))
    return _count(session.execute(_ROUND, before)), deleted


def _open(session: Session, technician_id: uuid.UUID) -> LocationOff | None:
    statement = select(LocationOff).where(
        LocationOff.technician_id == technician_id, LocationOff.on_at.is_(None)
    )
    return session.scalars(statement.with_for_update()).first()


def _count(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
