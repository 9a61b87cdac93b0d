"""
What a push holds before its visits: days, as publishing does.

``dispatch.work_orders.holding`` says in which order everything is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.planning import heads
from dispatch.sync import protocol
from dispatch.sync.model import Operation
from dispatch.technicians.model import Technician


def lock_days(session: Session, by: Principal, bodies: Iterable[Mapping[str, Any]]) -> None:
    """
    Hold the days whose lists are picked, of operations that arrived and of those of the phone that wait.

    A pick reads the list under the day's lock, and a publication holds the day before its visits.
    """
    waiting = select(Operation.body).where(
        Operation.device_id == by.device_id,
        Operation.state == protocol.HELD,
        Operation.type == protocol.PICK,
    )
    days = {day for body in [*bodies, *session.scalars(waiting)] if (day := _day_picked(body)) is not None}
    if not days:
        return
    me = session.get_one(Technician, by.technician_id)
    for day in sorted(days):
        heads.hold(session, me.territory_id, day)


def _day_picked(body: Mapping[str, Any]) -> date | None:
    """The day of a pick; one that cannot be read is refused when it is decided."""
    payload = body.get("payload")
    given = payload.get("day") if body.get("type") == protocol.PICK and isinstance(payload, Mapping) else None
    try:
        return date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None
