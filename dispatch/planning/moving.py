"""A customer asks for another window by the link in the message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning.asking import asker_of
from dispatch.planning.days import day_at
from dispatch.planning.offering import EVERY, WindowOffer, offers_of
from dispatch.planning.promising import as_fresh, book
from dispatch.planning.rules import OfferPolicy, SlotGone, check_window
from dispatch.promises import linking
from dispatch.promises.model import Promise
from dispatch.promises.queries import last_promise
from dispatch.work_orders.model import Visit


def choices(
    session: Session,
    visit: Visit,
    *,
    policy: OfferPolicy,
    first_day: date | None = None,
    days: int = 5,
    limit: int = 12,
) -> Sequence[WindowOffer]:
    """Return windows to which a customer may move a visit, the best first: those offered that lie ahead."""
    found = offers_of(
        session, asker_of(session, visit), first_day=first_day, days=days, limit=EVERY, policy=policy
    )
    return [offer for offer in found.windows if offer.start > clock.now()][:limit]


def move_for_customer(
    session: Session,
    *,
    visit: Visit,
    start: datetime,
    end: datetime,
    notice: timedelta,
    policy: OfferPolicy,
) -> Promise:
    """
    Promise the window that the customer chose; asked for twice, it is promised once (R-309).

    Raises ``ChangeTooLate`` near the window, and ``SlotGone`` with fresh windows when it was taken meanwhile
    or is none that the customer may choose.
    """
    # Before the days' locks, and taken by nobody else: who asks twice waits for the first answer.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"move {visit.id}", 0))))
    session.refresh(visit)
    former = last_promise(session, visit.id)
    wanted = clock.aware(start), clock.aware(end)
    if former is not None and (former.window_start, former.window_end) == wanted:
        return former
    linking.require_change(visit, notice)
    check_window(*wanted, clock.now())
    _require_choice(session, visit, wanted, policy)
    promise = book(
        session,
        by=None,
        visit=visit,
        start=start,
        end=end,
        channel="web",
        reason="customer_moved",
        for_customer=True,
    )
    linking.note_move(session, former)
    return promise


def _require_choice(
    session: Session, visit: Visit, wanted: tuple[datetime, datetime], policy: OfferPolicy
) -> None:
    """Refuse a window that is not among those of its day; booking looks again whether there is room."""
    on = day_at(session, visit.work_order.territory_id, wanted[0]).day
    found = choices(session, visit, policy=policy, first_day=on, days=1, limit=EVERY)
    if wanted in {(offer.start, offer.end) for offer in found}:
        return
    others = choices(session, visit, policy=replace(policy, searches=0), limit=5)
    raise SlotGone("this window is not to be had", fresh=as_fresh(others))
