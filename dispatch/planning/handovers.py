"""A visit that a colleague goes on with gets the earliest window that somebody can keep."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch.planning.offering import asker_of, offers_of
from dispatch.planning.promising import book
from dispatch.planning.rules import OfferPolicy, VisitNotPlannable
from dispatch.settings import Settings
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

CHANNEL = "system"
"""The technician who hands over tells the customer, on site."""
DAYS, EVERY = 3, 1_000
"""Days to look at, and more windows than they have: the earliest may not be among the best."""


def place_handover(session: Session, visit_id: uuid.UUID) -> datetime | None:
    """
    Promise the earliest window and put the visit into the day's draft; return when it begins.

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
    first = min(found, key=lambda offer: (offer.start, offer.end))
    book(session, by=None, visit=visit, start=first.start, end=first.end, channel=CHANNEL)
    return first.start
