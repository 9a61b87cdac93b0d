"""
The one source of the present moment.

Domain times come from ``now()``. In a demo a row in the database moves the clock (``bootstrap`` sets the
source); leases and tokens never use this module, they stay on the database's real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.errors import Invalid


class TimeWithoutZone(Invalid):
    """A moment was given without a zone; it could mean different moments."""

    code = "TIME_WITHOUT_ZONE"
    remedy = "Add the offset, for example 2026-03-02T09:00:00+02:00."


def _wall_clock() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _wall_clock
_standing: ContextVar[list[datetime] | None] = ContextVar("standing", default=None)


def set_source(source: Callable[[], datetime] | None) -> None:
    """Replace where ``now()`` comes from; ``None`` returns to the wall clock."""
    global _source  # noqa: PLW0603 - one clock per process is the point of this module
    _source = source or _wall_clock


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    read = _standing.get()
    if read is None:
        return _source()
    if not read:
        read.append(_source())
    return read[0]


@contextmanager
def standing() -> Iterator[None]:
    """Let one moment hold for the whole block: a request happens at one time, read at its first use."""
    token = _standing.set([])
    try:
        yield
    finally:
        _standing.reset(token)


def aware(moment: datetime) -> datetime:
    """Return the moment in UTC; refuse one without a zone."""
    if moment.tzinfo is None:
        raise TimeWithoutZone(f"{moment.isoformat()} has no zone")
    return moment.astimezone(UTC)


def business_day(moment: datetime, zone: str) -> date:
    """Return the calendar day of a moment in a territory's zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def local_midnight(day: date, zone: str) -> datetime:
    """Return the start of a calendar day in a zone, in UTC."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the half-open interval of a calendar day in a zone, in UTC; 23 to 25 hours long."""
    return local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
