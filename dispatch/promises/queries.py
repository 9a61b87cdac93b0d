"""The ledger of promises: the first one and the last one are what counts (R-309)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from dispatch.access.rules import Principal
from dispatch.promises.model import CustomerMark, Promise
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import find_visit


def ledger(session: Session, principal: Principal, visit_id: uuid.UUID) -> Sequence[Promise]:
    """Return a visit's promises in the order in which they were told."""
    return promises_of(session, [find_visit(session, principal, visit_id).id]).get(visit_id, [])


def promises_of(session: Session, visit_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Promise]]:
    """Return the promises of several visits, oldest first; for commands, jobs and indicators."""
    found: dict[uuid.UUID, list[Promise]] = {}
    statement = select(Promise).where(Promise.visit_id.in_(list(visit_ids)))
    for told in session.scalars(statement.order_by(Promise.visit_id, Promise.ordinal)):
        found.setdefault(told.visit_id, []).append(told)
    return found


def last_promise(session: Session, visit_id: uuid.UUID) -> Promise | None:
    """Return what the customer was told last."""
    statement = select(Promise).where(Promise.visit_id == visit_id).order_by(Promise.ordinal.desc())
    return session.scalars(statement.limit(1)).first()


def kept_reservations(session: Session, visit_ids: Iterable[uuid.UUID]) -> frozenset[uuid.UUID]:
    """
    R-306: return which of these visits have the privilege of a reservation.

    The newest promise counts. A customer who was late for, or away at, any visit of the same order has lost
    it (R-302, R-305).
    """
    later, sibling = aliased(Promise), aliased(Visit)
    newest = select(func.max(later.ordinal)).where(later.visit_id == Visit.id).scalar_subquery()
    marked = (
        select(CustomerMark.id)
        .join(sibling, sibling.id == CustomerMark.visit_id)
        .where(sibling.work_order_id == Visit.work_order_id)
    )
    statement = (
        select(Visit.id)
        .join(Promise, Promise.visit_id == Visit.id)
        .where(Visit.id.in_(list(visit_ids)), Promise.ordinal == newest)
        .where(Promise.is_reservation, ~marked.exists())
    )
    return frozenset(session.scalars(statement))
