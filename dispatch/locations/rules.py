"""Which positions are kept, and for whom (R-903)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.errors import Forbidden
from dispatch.technicians.rules import Interval

OFF_DUTY, ON_BREAK, SWITCHED_OFF = "OFF_DUTY", "ON_BREAK", "SWITCHED_OFF"
IN_FUTURE, TOO_OLD, UNREADABLE = "IN_FUTURE", "TOO_OLD", "UNREADABLE"
DROPPED = (OFF_DUTY, ON_BREAK, SWITCHED_OFF, IN_FUTURE, TOO_OLD, UNREADABLE)
"""Why a position is not kept."""
LATE = timedelta(days=2)
"""A position that comes later serves nobody any more."""
FRESH = timedelta(minutes=10)
"""So young a position tells where somebody is now."""
FRESH_STATE, STALE, OFF, BREAK, UNKNOWN = "fresh", "stale", "off", "on_break", "unknown"
STATES = (FRESH_STATE, STALE, OFF, BREAK, UNKNOWN)
MOST_METRES = 100_000
"""Beyond such an accuracy a position tells nothing."""


class TrailPrivate(Forbidden):
    """A trail is its technician's alone, unless the house uses it for appraisal and has said so before."""

    code = "TRAIL_PRIVATE"
    remedy = "Ask the technician; the house rule location_appraisal and a notice to the technician open it."


@dataclass(frozen=True, slots=True)
class Fix:
    """One position as a phone measured it."""

    at: datetime
    latitude: float
    longitude: float
    accuracy_metres: int | None = None

    @property
    def is_on_globe(self) -> bool:
        """Whether both coordinates are numbers on the globe."""
        pair = math.isfinite(self.latitude) and math.isfinite(self.longitude)
        return pair and abs(self.latitude) <= 90 and abs(self.longitude) <= 180


@dataclass(frozen=True, slots=True)
class Day:
    """When a technician was on duty, on a break, and had positions switched off."""

    duty: Sequence[Interval]
    breaks: Sequence[Interval]
    off: Sequence[Interval]


def reason_against(fix: Fix, day: Day, now: datetime) -> str | None:
    """Return why a position is not kept, None if it is."""
    if not fix.is_on_globe:
        return UNREADABLE
    if fix.at > now:
        return IN_FUTURE
    if fix.at < now - LATE:
        return TOO_OLD
    if not _within(fix.at, day.duty):
        return OFF_DUTY
    if _within(fix.at, day.breaks):
        return ON_BREAK
    return SWITCHED_OFF if _within(fix.at, day.off) else None


def sorted_out(fixes: Iterable[Fix], day: Day, now: datetime) -> tuple[list[Fix], Counter[str]]:
    """Return the positions to keep, and how many were dropped by reason."""
    kept: list[Fix] = []
    dropped: Counter[str] = Counter()
    for fix in fixes:
        why = reason_against(fix, day, now)
        if why is None:
            kept.append(fix)
        else:
            dropped[why] += 1
    return kept, dropped


def _within(moment: datetime, stretches: Sequence[Interval]) -> bool:
    return any(stretch.start <= moment < stretch.end for stretch in stretches)
