"""Every promise of the demo's day, and what happened to it, from the ledger (R-309)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.promises.rules import kept
from dispatch.work_orders.model import Visit

KEPT, AHEAD = "kept", "ahead"
OUTCOMES = (
    KEPT,
    "broken, told before",
    "broken, not told",
    "broken, told anew afterwards",
    "nobody there",
    "called off",
    "replaced in time",
    AHEAD,
    "open",
)


def promises_told(session: Session, day: date, zone: str) -> list[dict[str, Any]]:
    """Return every promise in the order in which it was told, with what happened to it."""
    rows = session.execute(
        select(Promise, Visit, PromiseAlarm)
        .join(Visit, Visit.id == Promise.visit_id)
        .outerjoin(PromiseAlarm, PromiseAlarm.promise_id == Promise.id)
        .order_by(Promise.promised_at, Promise.id)
    ).all()
    known = {(promise.visit_id, promise.ordinal): promise for promise, _, _ in rows}
    end = clock.day_bounds(day, zone)[1]
    found = []
    for promise, visit, alarm in rows:
        later = known.get((promise.visit_id, promise.ordinal + 1))
        is_ahead = later is None and promise.window_start >= end
        found.append(
            {
                "sheet": visit.number,
                "ordinal": promise.ordinal,
                "window": [promise.window_start.isoformat(), promise.window_end.isoformat()],
                "said": _said(promise, zone),
                "reason": promise.reason,
                "arrived_at": visit.arrived_at.isoformat() if visit.arrived_at and later is None else None,
                "outcome": AHEAD if is_ahead else outcome_of(promise, visit, alarm, later),
                "then": later.reason if later is not None else None,
            }
        )
    return found


def _said(promise: Promise, zone: str) -> str:
    """The window on the clock of the wall."""
    start, end = (each.astimezone(ZoneInfo(zone)) for each in (promise.window_start, promise.window_end))
    return f"{start:%m-%d %H:%M} to {end:%H:%M}"


def outcome_of(promise: Promise, visit: Visit, alarm: PromiseAlarm | None, later: Promise | None) -> str:
    """Return what happened to a promise; ``later`` is the one that took its place."""
    if later is not None:
        is_in_time = later.promised_at <= promise.window_end
        return "replaced in time" if is_in_time else "broken, told anew afterwards"
    if visit.state == "cancelled":
        return "called off"
    if visit.arrived_at is None:
        return "nobody there" if visit.state == "no_access" else "open"
    if kept(visit.arrived_at, promise.window_end):
        return "nobody there" if visit.state == "no_access" else KEPT
    told = alarm is not None and alarm.told_at is not None and alarm.told_at <= promise.window_end
    return "broken, told before" if told else "broken, not told"


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many promises had each outcome."""
    found = Counter(row["outcome"] for row in rows)
    return {name: found[name] for name in OUTCOMES if found[name]}


def singled_out(rows: list[dict[str, Any]]) -> list[str]:
    """Return a line for each promise that was neither kept nor lies ahead."""
    return [
        f"{row['sheet']} ({row['ordinal']})  {row['said']}  {row['outcome']}"
        + (f": {row['then']}" if row["then"] else "")
        for row in rows
        if row["outcome"] not in {KEPT, AHEAD}
    ]
