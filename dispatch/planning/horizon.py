"""Some days of one territory, known by a few looks at the database where each day would take several."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import heads, nights, open_days
from dispatch.planning.days import Day
from dispatch.technicians import queries as technicians


class Horizon:
    """
    The days from ``first`` on, so many of them, and the evening before.

    Shifts and versions are those of the moment at which it was made, names of days those of the first
    question for one: it serves one answer and is thrown away.
    """

    def __init__(self, session: Session, first: Day, days: int) -> None:
        self._session, self._first = session, first
        around = [first.later(ahead) for ahead in range(-1, days)]
        reach = first.territory_id, around[0].day, around[-1].day
        self._ends = technicians.last_shift_ends(session, *reach)
        self._versions = heads.versions(session, *reach)
        self._worked = [day for day in around if self.is_worked(day)]
        self._marks: dict[Day, str] = {}

    def is_worked(self, day: Day) -> bool:
        """Tell whether anybody has a shift that begins on a day, absent or not."""
        return day.day in self._ends

    def version(self, day: Day) -> int:
        """Return the version of a day; 0 for one that nothing was planned on."""
        return self._versions.get(day.day, 0)

    def mark(self, day: Day) -> str:
        """Return what names the state of a day (``open_days.marks``); later days are named along with it."""
        if day not in self._marks:
            asked = [day, *(later for later in self._worked if later.day > day.day)]
            self._marks |= zip(asked, open_days.marks(self._session, asked), strict=True)
        return self._marks[day]

    def days_for(self, start: datetime) -> list[Day]:
        """Return the planning days whose shifts may serve a window that begins at a moment, oldest first."""
        day = replace(self._first, day=clock.business_day(start, self._first.timezone))
        return nights.serving(day, start, lambda eve: nights.over_with(eve, self._ends.get(eve.day)))
