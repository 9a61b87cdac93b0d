"""Messages as the office reads them."""

from __future__ import annotations

import uuid

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.calls.model import RepairCall
from dispatch.messages.model import Message
from dispatch.paging import USUAL, Page, cut
from dispatch.work_orders.model import WorkOrder


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
