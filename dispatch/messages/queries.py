"""Messages as the office reads them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.calls.model import RepairCall
from dispatch.messages.model import Message
from dispatch.paging import USUAL, Page, cut
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.work_orders.model import Visit, WorkOrder


def told_of(session: Session, visit: Visit, promises: Iterable[Promise]) -> dict[uuid.UUID, list[Message]]:
    """R-309: return what was written to the customer about each promise of a visit, the oldest first."""
    about = {str(promise.id): promise.id for promise in promises}
    alarms = select(PromiseAlarm.id, PromiseAlarm.promise_id).where(
        PromiseAlarm.promise_id.in_(about.values())
    )
    about |= {str(alarm_id): promise_id for alarm_id, promise_id in session.execute(alarms)}
    statement = select(Message).where(Message.work_order_id == visit.work_order_id).order_by(Message.id)
    found: dict[uuid.UUID, list[Message]] = {}
    for message in session.scalars(statement):
        promise_id = about.get(message.key.rpartition(":")[2])
        if promise_id is not None:
            found.setdefault(promise_id, []).append(message)
    return found


def messages(
    session: Session,
    principal: Principal,
    *,
    work_order_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Message]:
    """Return messages about orders, or to customers with calls, within the person's scope; newest first."""
    orders = select(WorkOrder.id).where(in_scope(principal, WorkOrder.territory_id))
    customers = select(RepairCall.customer_id).where(in_scope(principal, RepairCall.territory_id))
    statement = select(Message).where(
        or_(
            Message.work_order_id.in_(orders),
            Message.work_order_id.is_(None) & Message.customer_id.in_(customers),
        )
    )
    if work_order_id is not None:
        statement = statement.where(Message.work_order_id == work_order_id)
    return cut(session, statement, Message.id, cursor=cursor, limit=limit)
