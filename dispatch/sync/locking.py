"""What a push holds before it decides: days, then visits, in the order in which publishing does."""

from __future__ import annotations

import uuid
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
from dispatch.work_orders.model import Visit


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


def lock_visits(session: Session, visit_ids: Iterable[uuid.UUID | None]) -> None:
    """Hold the visits in one order, whoever else changes several of them."""
    wanted = {visit_id for visit_id in visit_ids if visit_id is not None}
    if wanted:
        session.execute(select(Visit.id).where(Visit.id.in_(wanted)).order_by(Visit.id).with_for_update())


def _day_picked(body: Mapping[str, Any]) -> date | None:
    """The day of a pick; one that cannot be read is refused when it is decided."""
    payload = body.get("payload")
    given = payload.get("day") if body.get("type") == protocol.PICK and isinstance(payload, Mapping) else None
    try:
        return date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None
