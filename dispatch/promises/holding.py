"""Windows kept for a caller: found, used once, given back; what nobody uses frees itself (decision 18)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.promises.model import SlotHold
from dispatch.promises.rules import HoldMismatch, HoldOver, HoldTaken


def open_holds(
    session: Session, territory_id: uuid.UUID, day: date, *, without: uuid.UUID | None = None
) -> Sequence[SlotHold]:
    """Return what is held on a territory's day at this moment, the oldest first."""
    statement = (
        select(SlotHold)
        .where(SlotHold.territory_id == territory_id, SlotHold.day == day, SlotHold.expires_at > clock.now())
        .where(SlotHold.released_at.is_(None), SlotHold.visit_id.is_(None))
        .order_by(SlotHold.held_at, SlotHold.id)
    )
    if without is not None:
        statement = statement.where(SlotHold.id != without)
    return session.scalars(statement).all()


def find_hold(session: Session, principal: Principal, hold_id: uuid.UUID) -> SlotHold:
    """Return a hold within the person's territories."""
    statement = select(SlotHold).where(SlotHold.id == hold_id, in_scope(principal, SlotHold.territory_id))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such hold")
    return found


def usable(session: Session, hold_id: uuid.UUID, *, by: Principal | None, now: datetime) -> SlotHold:
    """Lock a hold that is still good; refuse one that is over, used, or somebody else's."""
    statement = select(SlotHold).where(SlotHold.id == hold_id).with_for_update()
    found = session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None or (by is not None and not by.may_see(found.territory_id)):
        raise NotFound("there is no such hold")
    if found.held_by != (by.user_id if by else None):
        raise HoldMismatch("somebody else holds the window")
    if found.visit_id is not None:
        raise HoldTaken("the window was promised already", visit_id=str(found.visit_id))
    if found.released_at is not None or found.expires_at <= now:
        raise HoldOver(f"the window was held until {found.expires_at.isoformat()}")
    return found


def release(session: Session, *, by: Principal | None, hold: SlotHold) -> SlotHold:
    """Give a window back before its time; what was given back or used already stays as it is."""
    session.refresh(hold, with_for_update=True)
    if hold.released_at is None and hold.visit_id is None:
        hold.released_at = clock.now()
        session.flush()
    return hold
