"""A service clock stands still while an order waits for what its contract names (R-401, R-402)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.hours import due_after, spent_between
from dispatch.contracts.model import Contract
from dispatch.contracts.queries import hours_of
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import ServicePause, WorkOrder


def pause(session: Session, order: WorkOrder, reason: str) -> None:
    """Stop the clocks of an order, if its contract says that they stop for this reason."""
    contract = session.get(Contract, order.contract_id) if order.contract_id else None
    if contract is None or reason not in contract.pauses_for:
        return
    session.add(
        ServicePause(work_order_id=order.id, reason=reason, started_at=clock.now(), shifted_seconds=0)
    )
    session.flush()


def resume(session: Session, order: WorkOrder) -> None:
    """Let the clocks go on: each limit that had not passed ends as much later as it stood still."""
    open_ = select(ServicePause).where(
        ServicePause.work_order_id == order.id, ServicePause.ended_at.is_(None)
    )
    stood = session.scalars(open_.with_for_update()).one_or_none()
    contract = session.get(Contract, order.contract_id) if order.contract_id else None
    if stood is None or contract is None:
        return
    hours = hours_of(session, contract, zone_of(session, order.territory_id))
    stood.ended_at = clock.now()
    former = order.resolution_due_at
    has_arrived = any(visit.arrived_at is not None for visit in order.visits if visit.leader_id is None)
    for name in ("resolution_due_at",) if has_arrived else ("resolution_due_at", "response_due_at"):
        due = getattr(order, name)
        if due is not None and stood.started_at < due:
            left = spent_between(stood.started_at, due, hours)
            setattr(order, name, due_after(stood.ended_at, left, hours))
    if former is not None and order.resolution_due_at is not None:
        shifted: timedelta = order.resolution_due_at - former
        stood.shifted_seconds = int(shifted.total_seconds())
    session.flush()
