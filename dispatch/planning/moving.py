"""A customer asks for another window by the link in the message."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.promising import book
from dispatch.promises import linking
from dispatch.promises.model import Promise
from dispatch.promises.queries import last_promise
from dispatch.work_orders.model import Visit


def move_for_customer(
    session: Session, *, visit: Visit, start: datetime, end: datetime, notice: timedelta
) -> Promise:
    """
    Promise the window that the customer chose; asked for twice, it is promised once (R-309).

    Raises ``ChangeTooLate`` near the window, and ``SlotGone`` with fresh windows when it was taken meanwhile.
    """
    former = last_promise(session, visit.id)
    wanted = clock.aware(start), clock.aware(end)
    if former is not None and (former.window_start, former.window_end) == wanted:
        return former
    linking.require_change(visit, notice)
    promise = book(
        session, by=None, visit=visit, start=start, end=end, channel="web", reason="customer_moved"
    )
    linking.note_move(session, former)
    return promise
