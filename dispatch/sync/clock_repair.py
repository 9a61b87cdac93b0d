"""When something really happened, although phones' clocks are set by hand (reliability §2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dispatch import clock
from dispatch.clock import TimeWithoutZone

FLAGGED_SKEW = timedelta(minutes=5)
MONO, OFFSET, UNVERIFIED = "mono", "offset", "unverified"
LONGEST_AGO = timedelta(days=400)


class TimeUnreadable(TimeWithoutZone):
    """A time is missing or not in the form 2026-03-02T09:00:00+02:00."""

    code = "TIME_UNREADABLE"
    remedy = "Send times as ISO 8601 with an offset."


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """The phone's clocks at the moment of the request."""

    wall: datetime | None
    mono_ms: int | None
    boot_id: str | None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> DeviceClock:
        """Read the clock of a request; what cannot be used counts as missing."""
        try:
            wall = read_moment(given.get("wall"))
        except TimeWithoutZone:
            wall = None
        return cls(wall, _whole(given.get("mono_ms")), _short(given.get("boot_id")))


@dataclass(frozen=True, slots=True)
class Corrected:
    """A moment on the server's clock, how it was found, and how far the phone's clock is off."""

    moment: datetime
    quality: str
    skew_seconds: int | None = None
    heard_at: datetime | None = None
    """When the operation came here."""

    @property
    def bound(self) -> datetime | None:
        """What counts of an unverified time until somebody has looked: when it was heard of, it was over."""
        return (self.heard_at or self.moment) if self.quality == UNVERIFIED else None

    @property
    def is_flagged(self) -> bool:
        """The phone's clock differs by more than five minutes."""
        return self.skew_seconds is not None and abs(self.skew_seconds) > FLAGGED_SKEW.total_seconds()


def read_moment(text: object) -> datetime:
    """Return a time of the wire in UTC; refuse one without zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) and len(text) <= 40 else None
    except ValueError:
        moment = None
    if moment is None:
        raise TimeUnreadable("occurred_at is not a time")
    try:
        return clock.aware(moment)
    except OverflowError:
        raise TimeUnreadable("occurred_at is not a time") from None


def correct(
    occurred_at: datetime, op_mono_ms: object, op_boot_id: object, *, device: DeviceClock, now: datetime
) -> Corrected:
    """
    Return when an operation happened on the server's clock.

    Same boot: by the phone's monotonic clock. Else by the offset of its wall clock now. Without either, or
    with a result outside the last 400 days, the phone's word is kept as unverified, never in the future.
    """
    skew = int((device.wall - now).total_seconds()) if device.wall else None
    elapsed = _elapsed_ms(_whole(op_mono_ms), _short(op_boot_id), device)
    if elapsed is not None:
        return Corrected(now - timedelta(milliseconds=elapsed), MONO, skew)
    if device.wall is not None:
        ago = device.wall - occurred_at
        if timedelta(0) <= ago <= LONGEST_AGO:
            return Corrected(now - ago, OFFSET, skew)
    is_likely = timedelta(0) <= now - occurred_at <= LONGEST_AGO
    return Corrected(occurred_at if is_likely else now, UNVERIFIED, skew, now)


def _elapsed_ms(mono_ms: int | None, boot_id: str | None, device: DeviceClock) -> int | None:
    if mono_ms is None or device.mono_ms is None or not boot_id or boot_id != device.boot_id:
        return None
    elapsed = device.mono_ms - mono_ms
    return elapsed if 0 <= elapsed <= LONGEST_AGO.total_seconds() * 1000 else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _short(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 100 else None
