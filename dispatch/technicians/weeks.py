"""A week of a territory's roster: shifts, absences, weekend duty, and time off in lieu of it (R-409)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.technicians.model import Absence, Shift, Technician
from dispatch.technicians.rules import IN_LIEU, SHIFT_PATTERNS, Interval, free_of
from dispatch.territories.queries import zone_of

SATURDAY = 5
LOOKED_BACK = timedelta(days=182)
"""Weekend duty older than this is no longer owed time off for."""


@dataclass(frozen=True, slots=True)
class DutyDay:
    """One day of one technician: shifts with the pattern they follow, and absences."""

    day: date
    shifts: Sequence[Shift]
    patterns: Sequence[str]
    absences: Sequence[Absence]
    is_weekend_duty: bool


@dataclass(frozen=True, slots=True)
class DutyWeek:
    """
    One technician's week.

    minutes_on_duty
        Shifts less absences, breaks included.
    lieu_minutes
        Weekend duty of the last half year less time off taken for it; what is still owed.
    """

    technician: Technician
    days: Sequence[DutyDay]
    minutes_on_duty: int
    lieu_minutes: int


def week_of(session: Session, territory_id: uuid.UUID, first: date) -> Sequence[DutyWeek]:
    """Return seven days from a day on for every active technician of a territory, by number."""
    zone = zone_of(session, territory_id)
    people = session.scalars(
        select(Technician)
        .where(Technician.territory_id == territory_id, Technician.is_active)
        .order_by(Technician.number)
    ).all()
    days = [first + timedelta(days=ahead) for ahead in range(7)]
    start, end = clock.local_midnight(first, zone), clock.day_bounds(days[-1], zone)[1]
    ids = [person.id for person in people]
    shifts = _between(session, Shift, ids, start - LOOKED_BACK, end)
    absences = _between(session, Absence, ids, start - LOOKED_BACK, end)
    return [
        _week(
            person,
            days,
            [shift for shift in shifts if shift.technician_id == person.id],
            [absence for absence in absences if absence.technician_id == person.id],
            zone,
            end,
        )
        for person in people
    ]


Stretch = TypeVar("Stretch", Shift, Absence)


def _between(
    session: Session, kind: type[Stretch], ids: Sequence[uuid.UUID], start: datetime, end: datetime
) -> Sequence[Stretch]:
    statement = select(kind).where(kind.technician_id.in_(ids), kind.starts_at < end, kind.ends_at > start)
    return session.scalars(statement.order_by(kind.starts_at)).all()


def _week(  # noqa: PLR0917 - a person, what they have, and where the week lies
    person: Technician,
    days: Sequence[date],
    shifts: Sequence[Shift],
    absences: Sequence[Absence],
    zone: str,
    end: datetime,
) -> DutyWeek:
    away = [Interval(absence.starts_at, absence.ends_at) for absence in absences]
    found = [_day(day, shifts, absences, zone) for day in days]
    this_week = [shift for day in found for shift in day.shifts]
    owed = sum(_minutes(shift, away) for shift in shifts if _is_weekend(shift, zone))
    taken = sum(
        int((min(absence.ends_at, end) - absence.starts_at).total_seconds()) // 60
        for absence in absences
        if absence.reason == IN_LIEU
    )
    return DutyWeek(person, found, sum(_minutes(shift, away) for shift in this_week), max(0, owed - taken))


def _day(day: date, shifts: Sequence[Shift], absences: Sequence[Absence], zone: str) -> DutyDay:
    start, end = clock.day_bounds(day, zone)
    mine = [shift for shift in shifts if start <= shift.starts_at < end]
    away = [absence for absence in absences if absence.starts_at < end and absence.ends_at > start]
    patterns = [_pattern(shift, zone) for shift in mine]
    return DutyDay(day, mine, patterns, away, bool(mine) and day.weekday() >= SATURDAY)


def _pattern(shift: Shift, zone: str) -> str:
    """The pattern that a shift follows by its local hours; ``other`` for none."""
    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (shift.starts_at, shift.ends_at))
    for name, hours in SHIFT_PATTERNS.items():
        if (start.hour, end.hour) == tuple(hours) and start.minute == end.minute == 0:
            return name
    return "other"


def _is_weekend(shift: Shift, zone: str) -> bool:
    return clock.business_day(shift.starts_at, zone).weekday() >= SATURDAY


def _minutes(shift: Shift, away: Sequence[Interval]) -> int:
    pieces = free_of(Interval(shift.starts_at, shift.ends_at), away)
    return sum(piece.seconds for piece in pieces) // 60
