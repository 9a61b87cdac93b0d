"""When technicians were on duty, on a break, and had positions switched off."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.locations.model import LocationOff
from dispatch.locations.rules import Day
from dispatch.technicians.breaks import interval_of
from dispatch.technicians.model import Absence, BreakTaken, Shift
from dispatch.technicians.rules import Interval, free_of

Told = TypeVar("Told", Absence, Shift, BreakTaken, LocationOff)
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def day_of(session: Session, technician_id: uuid.UUID, start: datetime, end: datetime) -> Day:
    """Return what touches the time from start to end, both included; what is open has no end."""
    return days_of(session, [technician_id], start, end)[technician_id]


def days_of(
    session: Session, technician_ids: Collection[uuid.UUID], start: datetime, end: datetime
) -> Mapping[uuid.UUID, Day]:
    """Return the same of several technicians."""
    absences = select(Absence).where(
        Absence.technician_id.in_(technician_ids), Absence.starts_at <= end, Absence.ends_at > start
    )
    shifts = select(Shift).where(
        Shift.technician_id.in_(technician_ids), Shift.starts_at <= end, Shift.ends_at > start
    )
    breaks = select(BreakTaken).where(
        BreakTaken.technician_id.in_(technician_ids),
        BreakTaken.started_at <= end,
        or_(BreakTaken.ended_at.is_(None), BreakTaken.ended_at > start),
    )
    off = select(LocationOff).where(
        LocationOff.technician_id.in_(technician_ids),
        LocationOff.off_at <= end,
        or_(LocationOff.on_at.is_(None), LocationOff.on_at > start),
    )
    away, worked = _by_person(session.scalars(absences)), _by_person(session.scalars(shifts))
    rests, switched = _by_person(session.scalars(breaks)), _by_person(session.scalars(off))
    return {
        who: Day(
            [
                piece
                for row in worked[who]
                for piece in free_of(
                    Interval(row.starts_at, row.ends_at),
                    _stretches((gone.starts_at, gone.ends_at) for gone in away[who]),
                )
            ],
            [interval_of(row) for row in rests[who]],
            _stretches((row.off_at, row.on_at) for row in switched[who]),
        )
        for who in technician_ids
    }


def _by_person(rows: Iterable[Told]) -> Mapping[uuid.UUID, list[Told]]:
    found: dict[uuid.UUID, list[Told]] = defaultdict(list)
    for row in rows:
        found[row.technician_id].append(row)
    return found


def _stretches(pairs: Iterable[tuple[datetime, datetime | None]]) -> list[Interval]:
    return [Interval(start, end or FOR_EVER) for start, end in pairs]
