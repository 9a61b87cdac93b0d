"""Visits and orders that a technician may read in full now; the trail keeps refused attempts (R-903)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from api.auth import current_principal
from api.session import current_session, keep_changes
from dispatch.work_orders import queries, revealing
from dispatch.work_orders.refusals import NotRevealed

if TYPE_CHECKING:
    from dispatch.work_orders.model import Visit, WorkOrder


Told = TypeVar("Told")


def shown_visit(visit_id: uuid.UUID, action: str) -> Visit:
    """Return a visit, or refuse with ``NOT_REVEALED``."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    _kept(lambda: revealing.require_shown(session, me, visit, action=action))
    return visit


def told_visit(visit_id: uuid.UUID, action: str) -> Visit:
    """Return a visit of which nothing personal is read, unless it is held back behind the next one."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    _kept(lambda: revealing.require_told(session, me, visit, action=action))
    return visit


def shown_order(order_id: uuid.UUID, action: str) -> tuple[WorkOrder, Sequence[Visit]]:
    """Return an order with those of its visits that may be read, or refuse with ``NOT_REVEALED``."""
    session, me = current_session(), current_principal()
    order = queries.find_order(session, me, order_id)
    visits = queries.visits_of_order(session, me, order)
    return order, _kept(lambda: revealing.shown_of(session, me, order, visits, action=action))


def note_read(action: str, subject: uuid.UUID) -> None:
    """Keep in the trail which paper or picture a technician took."""
    revealing.note_read(current_session(), current_principal(), action, subject)


def _kept(check: Callable[[], Told]) -> Told:
    try:
        return check()
    except NotRevealed:
        keep_changes()
        raise
