"""When work under way will be over, as somebody there says: forecasts and plans go on from it (R-503)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.work_orders import refusals
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.guards import check_capacity
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.on_site_model import EndTold

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
    op_id: uuid.UUID | None = None,
    expected_version: int | None = None,
) -> bool:
    """
    Keep that work will be over so many minutes after ``at``; tell whether this word counts.

    Of one speaker the word heard last counts, as phones are heard in their own order whatever their clocks
    say; of technician and office the one spoken last. Each of a crew speaks for their own part. Raises
    ``NotUnderWay`` before arrival and after the end, ``NotYourVisit`` for somebody else's.
    """
    visit.expect_version(expected_version)
    if by.technician_id is not None:
        check_capacity(by, Actor.ASSIGNEE, visit)
    if VisitState(visit.state) not in UNDER_WAY:
        raise refusals.NotUnderWay(f"visit {visit.number} is {visit.state}")
    left, moment = text.whole(minutes, "remaining_minutes", *LEFT), at or clock.now()
    last = _last_word(session, visit) if visit.expected_end_at is not None else None
    if last is not None and last.technician_id != by.technician_id and last.told_at >= moment:
        return False
    told = EndTold(
        visit_id=visit.id,
        technician_id=by.technician_id,
        user_id=by.user_id,
        told_at=moment,
        expected_end_at=moment + timedelta(minutes=left),
        recorded_at=clock.now(),
        op_id=op_id,
    )
    session.add(told)
    visit.expected_end_at = told.expected_end_at
    db.flush(session)
    announce_visit(session, visit)
    return True


def ends_told(session: Session, visit: Visit) -> Sequence[EndTold]:
    """Return what was said of the end of a visit that was found before, the oldest word first."""
    words = select(EndTold).where(EndTold.visit_id == visit.id).order_by(EndTold.id)
    return session.scalars(words).all()


def _last_word(session: Session, visit: Visit) -> EndTold | None:
    words = select(EndTold).where(EndTold.visit_id == visit.id).order_by(EndTold.id.desc())
    return session.scalars(words.limit(1)).first()
