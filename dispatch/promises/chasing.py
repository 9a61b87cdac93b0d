"""
A customer asks when we come: a chaser on the order, which somebody takes in hand and answers (R-105).

From the second on it is the supervisor's. An answer is given to a customer, so it is one to every time that
they have asked about the order before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock, text
from dispatch.access.rules import Principal
from dispatch.promises.ending import CHASER, end_reminders
from dispatch.promises.model import Chaser, Promise
from dispatch.promises.rules import (
    CHANNELS,
    ESCALATED_FROM,
    OVERSEERS,
    ChaserAnswered,
    ChaserTaken,
)
from dispatch.work_orders.finding import find_of_order
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


def find_chaser(session: Session, principal: Principal, chaser_id: uuid.UUID) -> Chaser:
    """Return a chaser within the person's territories."""
    return find_of_order(session, principal, Chaser, chaser_id, "chaser")


def take(session: Session, *, by: Principal, chaser: Chaser) -> Chaser:
    """Note who has taken a chaser in hand; of several at once the first (R-105)."""
    locked_order(session, chaser.work_order_id)
    session.refresh(chaser)
    _require_open(chaser)
    if chaser.taken_by is not None:
        raise ChaserTaken("somebody has taken it in hand", by=str(chaser.taken_by))
    chaser.taken_by, chaser.taken_at = by.user_id, clock.now()
    session.flush()
    return chaser


def answer(session: Session, *, by: Principal, chaser: Chaser, told: str) -> Chaser:
    """
    Note what the customer was told, and the window that they were promised since they asked (R-105).

    Whoever answers what nobody has taken takes it; a supervisor may answer what somebody else has taken. The
    times that the customer had asked before are answered with it, and nobody is reminded of them any more.
    """
    locked_order(session, chaser.work_order_id)
    session.refresh(chaser)
    _require_open(chaser)
    if chaser.taken_by not in {None, by.user_id} and by.role not in OVERSEERS:
        raise ChaserTaken("somebody has taken it in hand", by=str(chaser.taken_by))
    words, now = text.line(told, "told", longest=500), clock.now()
    earlier = select(Chaser).where(
        Chaser.work_order_id == chaser.work_order_id,
        Chaser.ordinal <= chaser.ordinal,
        Chaser.answered_at.is_(None),
    )
    for each in session.scalars(earlier.execution_options(populate_existing=True)).all():
        if each.taken_by is None:
            each.taken_by, each.taken_at = by.user_id, now
        each.answered_by, each.answered_at, each.told = by.user_id, now, words
        each.promise_id = _promised_since(session, each)
        end_reminders(session, CHASER, each.id)
    session.flush()
    return chaser


def _require_open(chaser: Chaser) -> None:
    if chaser.answered_at is not None:
        raise ChaserAnswered("the customer was answered", by=str(chaser.answered_by))


def _promised_since(session: Session, chaser: Chaser) -> uuid.UUID | None:
    """The newest promise to the order's customer that is not older than their question."""
    statement = (
        select(Promise.id)
        .join(Visit, Visit.id == Promise.visit_id)
        .where(Visit.work_order_id == chaser.work_order_id, Promise.promised_at >= chaser.recorded_at)
        .order_by(Promise.promised_at.desc(), Promise.id.desc())
        .limit(1)
    )
    found: uuid.UUID | None = session.scalar(statement)
    return found


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

    That is an answer, a promise made since, or a technician who has set out or arrived since; or the work is
    done.
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
        .where(WorkOrder.territory_id == territory_id, Chaser.is_escalated, Chaser.answered_at.is_(None))
        .where(WorkOrder.state.not_in(over))
        .where(~exists().where(newer.work_order_id == Chaser.work_order_id, newer.ordinal > Chaser.ordinal))
        .where(~promised)
        .where(~exists().where(of_order, since > Chaser.recorded_at))
        .order_by(Chaser.recorded_at, Chaser.id)
    )
    return session.scalars(statement).all()


def open_chasers(session: Session, territory_id: uuid.UUID) -> Sequence[Chaser]:
    """Return the chasers of unfinished orders that nobody has answered: the supervisor's, then the newest."""
    statement = (
        select(Chaser)
        .join(WorkOrder, WorkOrder.id == Chaser.work_order_id)
        .where(WorkOrder.territory_id == territory_id, Chaser.answered_at.is_(None))
        .where(WorkOrder.state.not_in([state.value for state in FINISHED_ORDERS]))
        .order_by(Chaser.is_escalated.desc(), Chaser.recorded_at.desc(), Chaser.id.desc())
    )
    return session.scalars(statement).all()
