"""The test world's place and time: a square of Helsinki on Monday 2 March 2026."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = "Europe/Helsinki"
DAY = date(2026, 3, 2)
SQUARE = [[60.12, 24.85], [60.12, 25.03], [60.22, 25.03], [60.22, 24.85]]
CENTRE = (60.17, 24.94)


def at(hour: float, *, days: int = 0, zone: str = ZONE) -> datetime:
    """A local hour of the test day, or of a day before or after it."""
    local = datetime.combine(DAY + timedelta(days=days), datetime.min.time(), ZoneInfo(zone))
    return (local + timedelta(hours=hour)).astimezone(ZoneInfo("UTC"))


MORNING = at(8)

number = itertools.count(1)


def serial(prefix: str) -> str:
    """A code that no other thing of this test run has."""
    return f"{prefix}{next(number):04d}-{uuid.uuid4().hex[:4]}"


def frozen_clock(moment: datetime = MORNING) -> Callable[[], datetime]:
    """A clock that stands still; give it to ``clock.set_source`` and reset that with None."""
    return lambda: moment
