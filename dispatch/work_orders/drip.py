"""Drip-feed: of visits not begun, a technician sees the next one alone (house rule ``drip_feed``)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import house_rules
from dispatch.work_orders import privacy
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

WAITING = (VisitState.PUBLISHED, VisitState.ACCEPTED)
LEFT_BEHIND = timedelta(hours=12)
"""A visit planned to be over so long ago does not keep the next one back."""


def is_on(session: Session) -> bool:
    """Tell whether the house feeds its technicians visit by visit."""
    return house_rules(session).drip_feed


def waiting(session: Session, by: Principal, now: datetime) -> list[uuid.UUID]:
    """Return the technician's visits that have not begun, the next one first."""
    is_late = case((Visit.planned_end < now - LEFT_BEHIND, 1), else_=0)
    statement = (
        select(Visit.id)
        .where(
            Visit.technician_id == by.technician_id,
            Visit.state.in_(WAITING),
            Visit.planned_start >= now - privacy.LOOK_BACK,
        )
        .order_by(is_late, Visit.planned_start, Visit.serial)
    )
    return list(session.scalars(statement))
