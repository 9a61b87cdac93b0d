"""When work under way will be over, as somebody there says: forecasts and plans go on from it (R-503)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.rules import Principal
from dispatch.work_orders import refusals
from dispatch.work_orders.guards import check_capacity
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit

LEFT = (1, 1440)
"""Minutes that may be left."""
UNDER_WAY = frozenset({VisitState.ON_SITE, VisitState.WORKING, VisitState.PAUSED})


def expect_end(
    session: Session,
    *,
    by: Principal,
    visit: Visit,
    minutes: int,
    at: datetime | None = None,
    expected_version: int | None = None,
) -> bool:
    """
    Keep that work will be over so many minutes after ``at``; tell whether this is the newest word.

    Each of a crew speaks for their own part. Raises ``NotUnderWay`` before arrival and after the end,
    ``NotYourVisit`` for somebody else's.
    """
    visit.expect_version(expected_version)
    if by.technician_id is not None:
        check_capacity(by, Actor.ASSIGNEE, visit)
    if VisitState(visit.state) not in UNDER_WAY:
        raise refusals.NotUnderWay(f"visit {visit.number} is {visit.state}")
    left, moment = text.whole(minutes, "remaining_minutes", *LEFT), at or clock.now()
    if visit.expected_told_at is not None and visit.expected_told_at >= moment:
        return False
    visit.expected_end_at, visit.expected_told_at = moment + timedelta(minutes=left), moment
    session.flush()
    return True
