"""A territory's calendar day: between moments and the optimiser's seconds since local midnight."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.territories.queries import zone_of


@dataclass(frozen=True, slots=True)
class Day:
    """One territory and calendar day; seconds are elapsed ones, so a day may have 23 or 25 hours."""

    LATEST: ClassVar[int] = 36 * 3600
    """End of a plan day in seconds after its midnight: a night shift may reach into the next day."""

    territory_id: uuid.UUID
    day: date
    timezone: str

    @property
    def midnight(self) -> datetime:
        """Start of the day in UTC."""
        return clock.local_midnight(self.day, self.timezone)

    def seconds(self, moment: datetime) -> int:
        """Seconds since local midnight; negative before it."""
        return int((moment - self.midnight).total_seconds())

    def moment(self, seconds: int) -> datetime:
        """Return the moment of a number of seconds since local midnight."""
        return self.midnight + timedelta(seconds=seconds)

    def at_hour(self, hour: int) -> int:
        """Seconds since local midnight at which the wall clock shows an hour; from 24 on the next day's."""
        days, hour = divmod(hour, 24)
        shown = datetime.combine(self.day + timedelta(days=days), time(hour), ZoneInfo(self.timezone))
        return self.seconds(shown.astimezone(UTC))

    def later(self, days: int) -> Day:
        """Return the day so many days later; negative for earlier."""
        return replace(self, day=self.day + timedelta(days=days))

    def is_today(self) -> bool:
        """Tell whether the present moment lies on this calendar day."""
        return clock.business_day(clock.now(), self.timezone) == self.day


def day_of(session: Session, territory_id: uuid.UUID, on: date) -> Day:
    """Return the day of a territory in its own zone."""
    return Day(territory_id, on, zone_of(session, territory_id))


def day_at(session: Session, territory_id: uuid.UUID, moment: datetime) -> Day:
    """Return the territory's calendar day at a moment."""
    zone = day_of(session, territory_id, moment.date()).timezone
    return Day(territory_id, clock.business_day(moment, zone), zone)
