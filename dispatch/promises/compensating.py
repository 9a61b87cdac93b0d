"""What customers get for broken promises beyond the rule's authority: somebody decides (R-605, R-802)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.promises.model import Compensation
from dispatch.promises.rules import COMPENSATION_STATES, CompensationDecided
from dispatch.work_orders.model import WorkOrder

DECISIONS = ("granted", "refused")


def decide(session: Session, *, by: Principal, found: Compensation, decision: str) -> Compensation:
    """Grant or refuse a proposed compensation, once."""
    session.refresh(found, with_for_update=True)
    if found.state != "proposed":
        raise CompensationDecided(f"the compensation is {found.state}", by=str(found.decided_by or "rule"))
    found.state = text.choice(decision, "decision", DECISIONS)
    found.decided_by, found.decided_at = by.user_id, clock.now()
    session.flush()
    return found


def find_compensation(session: Session, principal: Principal, compensation_id: uuid.UUID) -> Compensation:
    """Return a compensation for an order within the person's scope."""
    statement = (
        select(Compensation)
        .join(WorkOrder, WorkOrder.id == Compensation.work_order_id)
        .where(Compensation.id == compensation_id, in_scope(principal, WorkOrder.territory_id))
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such compensation")
    return found


def compensations_of(
    session: Session, territory_id: uuid.UUID, state: str | None = None
) -> Sequence[Compensation]:
    """Return the compensations of a territory's orders, those that wait for a decision first."""
    statement = (
        select(Compensation)
        .join(WorkOrder, WorkOrder.id == Compensation.work_order_id)
        .where(WorkOrder.territory_id == territory_id)
    )
    if state is not None:
        statement = statement.where(Compensation.state == text.choice(state, "state", COMPENSATION_STATES))
    waiting = (Compensation.state != "proposed", Compensation.created_at.desc(), Compensation.id)
    return session.scalars(statement.order_by(*waiting)).all()
