"""
What a push holds before it decides: days, then visits.

``dispatch.work_orders.holding`` says in which order everything is held.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.planning import heads
from dispatch.sync import protocol
from dispatch.sync.breaks import touched_by
from dispatch.sync.envelope import Incoming
from dispatch.sync.model import Operation
from dispatch.technicians.model import Technician
from dispatch.work_orders.holding import hold_visits
from dispatch.work_orders.model import Visit

Told = tuple[str, uuid.UUID | None, datetime, Mapping[str, Any]]
"""Type, visit, moment and body of an operation."""


def hold(session: Session, by: Principal, arrived: Sequence[tuple[Incoming, datetime]]) -> None:
    """
    Hold days, then visits, before anything is decided: nothing is held out of order afterwards.

    That is what operations name which arrived, each with its moment, and those of the phone that wait for an
    earlier one, and the verified visits that breaks among them may touch. The phone's installations are held.
    """
    waiting = select(Operation.type, Operation.visit_id, Operation.occurred_at, Operation.body).where(
        Operation.device_id == by.device_id, Operation.state == protocol.HELD
    )
    told: list[Told] = [(op.type, op.visit_id, at, op.body) for op, at in arrived]
    told += [tuple(row) for row in session.execute(waiting)]
    _hold_days(session, by, [body for *_, body in told])
    wanted = {visit_id for _, visit_id, _, _ in told}
    if by.technician_id and (rests := [at for kind, _, at, _ in told if kind in protocol.BREAKS]):
        wanted |= set(
            session.scalars(touched_by(session, by.technician_id, rests).with_only_columns(Visit.id))
        )
    hold_visits(session, wanted)


def _hold_days(session: Session, by: Principal, bodies: Iterable[Mapping[str, Any]]) -> None:
    """A pick reads the list under the day's lock, and a publication holds the day before its visits."""
    days = {day for body in bodies if (day := _day_picked(body)) is not None}
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
