"""How much of a customer a technician sees: masked before the evening before and 48 hours after (R-903)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dispatch import clock
from dispatch.work_orders.lifecycle import VisitState

EVENING = timedelta(hours=6)
"""Full details from 18:00 of the day before."""
AFTERWARDS = timedelta(hours=48)
LOOK_BACK, LOOK_AHEAD = timedelta(days=7), timedelta(days=14)
VISIBLE_AT_EACH_END = 4


def in_window(planned_start: datetime, now: datetime) -> bool:
    """Tell whether a visit is held on the phone at all."""
    return now - LOOK_BACK <= planned_start < now + LOOK_AHEAD


def is_revealed(planned_start: datetime, ended_at: datetime | None, zone: str, now: datetime) -> bool:
    """Tell whether name, address and number are shown in full."""
    if ended_at is not None:
        return now < ended_at + AFTERWARDS
    evening_before = clock.local_midnight(clock.business_day(planned_start, zone), zone) - EVENING
    return now >= evening_before


def exposure(planned_start: datetime, ended_at: datetime | None, zone: str, now: datetime) -> int:
    """Return how much is shown at a moment: 0 nothing, 1 masked, 2 in full."""
    if not in_window(planned_start, now):
        return 0
    return 1 + is_revealed(planned_start, ended_at, zone, now)


def ended_at(visit: Any) -> datetime | None:
    """When a visit, or a row with its times, ended: finished, or stood before a closed door."""
    if visit.state == VisitState.NO_ACCESS:
        closed: datetime | None = visit.arrived_at or visit.planned_end
        return closed
    finished: datetime | None = visit.finished_at
    return finished


def masked_name(name: str) -> str:
    """Return the first character of a name."""
    return f"{name[:1]}**"


def masked_phone(phone: str | None) -> str | None:
    """Return a number without its middle, as ``+358****5678``."""
    if phone is None:
        return None
    ends = VISIBLE_AT_EACH_END
    return "****" if len(phone) < 3 * ends else f"{phone[:ends]}****{phone[-ends:]}"
