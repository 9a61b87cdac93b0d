"""Some days of one territory, known by a few looks at the database where each day would take several."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import heads, nights, open_days
from dispatch.planning.days import Day
from dispatch.technicians import queries as technicians


class Horizon:
    """
    The days from ``first`` on, so many of them, and the evening before.

    Everything is as it was when the horizon was made: it serves one answer and is thrown away.
    """

    def __init__(self, session: Session, first: Day, days: int) -> None:
        self._first = first
        around = [first.later(ahead) for ahead in range(-1, days + 1)]
        territory = first.territory_id
        self._ends = technicians.last_shift_ends(session, territory, around[0].day, around[-1].day)
        self._versions = heads.versions(session, territory, around[0].day, around[-1].day)
        asked = [day for day in around[:-1] if self.is_worked(day) and self._reaches(day)]
        self._marks = dict(zip((day.day for day in asked), open_days.marks(session, asked), strict=True))

    def is_worked(self, day: Day) -> bool:
        """Tell whether anybody has a shift that begins on a day, absent or not."""
        return day.day in self._ends

    def version(self, day: Day) -> int:
        """Return the version of a day; 0 for one that nothing was planned on."""
        return self._versions.get(day.day, 0)

    def mark(self, day: Day) -> str | None:
        """Return what names the state of a day; None for one that was not looked at."""
        return self._marks.get(day.day)

    def days_for(self, start: datetime) -> list[Day]:
        """Return the planning days whose shifts may serve a window that begins at a moment, oldest first."""
        day = Day(self._first.territory_id, self._date(start), self._first.timezone)
        eve = day.later(-1)
        return [eve, day] if start < self._over(eve) else [day]

    def _date(self, moment: datetime) -> date:
        return clock.business_day(moment, self._first.timezone)

    def _over(self, day: Day) -> datetime:
        return nights.over_with(day, self._ends.get(day.day))

    def _reaches(self, day: Day) -> bool:
        """Whether a day is one of the horizon, or reaches into it by night."""
        return day.day >= self._first.day or self._over(day) > self._first.midnight
