"""Every promise of the demo's day, and what happened to it, from the ledger (R-309)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.promises.rules import kept
from dispatch.work_orders.model import Visit

OUTCOMES = (
    "kept",
    "broken, told before",
    "broken, not told",
    "nobody there",
    "called off",
    "replaced",
    "ahead",
    "open",
)


def promises_told(session: Session, day: date, zone: str) -> list[dict[str, Any]]:
    """Return every promise in the order in which it was told, with its outcome."""
    rows = session.execute(
        select(Promise, Visit, PromiseAlarm)
        .join(Visit, Visit.id == Promise.visit_id)
        .outerjoin(PromiseAlarm, PromiseAlarm.promise_id == Promise.id)
        .order_by(Promise.promised_at, Promise.id)
    ).all()
    newest: dict[Any, int] = {}
    for promise, _, _ in rows:
        newest[promise.visit_id] = max(promise.ordinal, newest.get(promise.visit_id, 0))
    end = clock.day_bounds(day, zone)[1]
    return [
        {
            "sheet": visit.number,
            "ordinal": promise.ordinal,
            "window": [promise.window_start.isoformat(), promise.window_end.isoformat()],
            "reason": promise.reason,
            "outcome": _outcome(promise, visit, alarm, is_newest=promise.ordinal == newest[promise.visit_id])
            if promise.window_start < end or promise.ordinal < newest[promise.visit_id]
            else "ahead",
        }
        for promise, visit, alarm in rows
    ]


def _outcome(promise: Promise, visit: Visit, alarm: PromiseAlarm | None, *, is_newest: bool) -> str:
    if not is_newest:
        return "replaced"
    if visit.state == "cancelled":
        return "called off"
    if visit.arrived_at is None:
        return "nobody there" if visit.state == "no_access" else "open"
    if kept(visit.arrived_at, promise.window_end):
        return "nobody there" if visit.state == "no_access" else "kept"
    told = alarm is not None and alarm.told_at is not None and alarm.told_at <= promise.window_end
    return "broken, told before" if told else "broken, not told"


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many promises had each outcome."""
    found = Counter(row["outcome"] for row in rows)
    return {name: found[name] for name in OUTCOMES if found[name]}
