"""A visit that nobody is on the line for gets a window by itself: a handover's rest, a loaner's way."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch.planning.asking import asker_of
from dispatch.planning.offering import EVERY, offers_of
from dispatch.planning.promising import book
from dispatch.planning.rules import OfferPolicy, VisitNotPlannable
from dispatch.settings import Settings
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

CHANNEL = "system"
"""The customer is told by message, or by the technician who is there."""
DAYS = 3
"""Days to look at, and every window of them: the earliest may not be among the best."""


def place_visit(session: Session, visit_id: uuid.UUID, *, earliest: bool) -> datetime | None:
    """
    Promise the earliest window, or the one the desk would offer first (R-303); return when it begins.

    The visit is then in the day's draft.

    Returns None where nobody has room, or where the desk was faster; the visit then waits among those without
    a promise.
    """
    visit = session.get(Visit, visit_id)
    if visit is None or visit.state != VisitState.UNPLANNED or visit.window_start is not None:
        return None
    policy = OfferPolicy.of(Settings.from_environment())
    try:
        found = offers_of(session, asker_of(session, visit), days=DAYS, limit=EVERY, policy=policy).windows
    except VisitNotPlannable:  # it waits for a part or the customer
        return None
    if not found:
        return None
    first = min(found, key=lambda offer: (offer.start, offer.end)) if earliest else found[0]
    book(session, by=None, visit=visit, start=first.start, end=first.end, channel=CHANNEL)
    return first.start
