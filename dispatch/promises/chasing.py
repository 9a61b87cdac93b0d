"""A customer asks when we come: a chaser on the order; from the second on it is the supervisor's (R-105)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock, text
from dispatch.access.rules import Principal
from dispatch.promises.model import Chaser, Promise
from dispatch.promises.rules import CHANNELS, ESCALATED_FROM
from dispatch.work_orders.lifecycle import FINISHED_ORDERS, OrderState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.opening import locked_order
from dispatch.work_orders.refusals import OrderFinished


def record_chaser(
    session: Session, *, by: Principal | None, order: WorkOrder, channel: str, note: str = ""
) -> Chaser:
    """Note that a customer asked; one after the other, so that the second is never taken for a first."""
    held = locked_order(session, order.id)
    if OrderState(held.state) in FINISHED_ORDERS:
        raise OrderFinished(f"order {held.number} is {held.state}")
    count = session.scalar(select(func.count()).select_from(Chaser).where(Chaser.work_order_id == held.id))
    ordinal = (count or 0) + 1
    chaser = Chaser(
        work_order_id=held.id,
        ordinal=ordinal,
        channel=text.choice(channel, "channel", CHANNELS),
        note=note,
        is_escalated=ordinal >= ESCALATED_FROM,
        recorded_by=by.user_id if by else None,
        recorded_at=clock.now(),
    )
    session.add(chaser)
    session.flush()
    return chaser


def chasers_of(session: Session, order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Chaser]]:
    """Return the chasers of several orders, each in its order; for lists and indicators."""
    found: dict[uuid.UUID, list[Chaser]] = {}
    statement = select(Chaser).where(Chaser.work_order_id.in_(list(order_ids)))
    for chaser in session.scalars(statement.order_by(Chaser.work_order_id, Chaser.ordinal)):
        found.setdefault(chaser.work_order_id, []).append(chaser)
    return found


def unanswered(session: Session, territory_id: uuid.UUID) -> Sequence[Chaser]:
    """
    Return the newest chaser of every open order that is the supervisor's, until something has come of it.

    That is a promise made since, or a technician who has set out or arrived since; or the work is done.
    """
    newer, over = aliased(Chaser), [OrderState.DONE.value, *(state.value for state in FINISHED_ORDERS)]
    since = func.greatest(Visit.travelling_at, Visit.arrived_at, Visit.started_at)
    of_order = Visit.work_order_id == Chaser.work_order_id
    promised = exists().where(
        Promise.visit_id == Visit.id, of_order, Promise.promised_at > Chaser.recorded_at
    )
    statement = (
        select(Chaser)
        .join(WorkOrder, WorkOrder.id == Chaser.work_order_id)
        .where(WorkOrder.territory_id == territory_id, Chaser.is_escalated)
        .where(WorkOrder.state.not_in(over))
        .where(~exists().where(newer.work_order_id == Chaser.work_order_id, newer.ordinal > Chaser.ordinal))
        .where(~promised)
        .where(~exists().where(of_order, since > Chaser.recorded_at))
        .order_by(Chaser.recorded_at, Chaser.id)
    )
    return session.scalars(statement).all()


def open_chasers(session: Session, territory_id: uuid.UUID) -> Sequence[Chaser]:
    """Return the chasers of unfinished orders, the supervisor's first, then the newest."""
    statement = (
        select(Chaser)
        .join(WorkOrder, WorkOrder.id == Chaser.work_order_id)
        .where(WorkOrder.territory_id == territory_id)
        .where(WorkOrder.state.not_in([state.value for state in FINISHED_ORDERS]))
        .order_by(Chaser.is_escalated.desc(), Chaser.recorded_at.desc(), Chaser.id.desc())
    )
    return session.scalars(statement).all()
