"""What a technician's device must hear of a visit."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, feed
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder

HIDDEN = frozenset({VisitState.UNPLANNED, VisitState.PLANNED, VisitState.CANCELLED})
"""States in which a visit is no technician's business."""
HELD_FOR = timedelta(days=8)
"""Visits that began longer ago are on no phone."""


def is_announced(visit: Visit) -> bool:
    """Tell whether the visit is on somebody's device."""
    return visit.technician_id is not None and VisitState(visit.state) not in HIDDEN


def announce_visit(session: Session, visit: Visit) -> None:
    """Tell the devices of the assignee and of the crew that the visit changed; flush before this."""
    for one in visit.crew if visit.crew_size > 1 else (visit,):
        if one.technician_id is not None and is_announced(one):
            scope = feed.technician_scope(one.technician_id)
            feed.announce_once(session, scope, "visit", one.id, version=one.version)


def announce_onwards(session: Session, visit: Visit) -> None:
    """Tell of a visit, and of later ones of its order: whoever goes on is told what was done before."""
    announce_visit(session, visit)
    for later in visit.work_order.visits:
        if later.attempt > visit.attempt:
            announce_visit(session, later)


def announce_customer(session: Session, customer_id: uuid.UUID) -> int:
    """Tell every phone that shows a customer's file that it changed; return of how many visits."""
    shown = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.customer_id == customer_id, Visit.planned_start > clock.now() - HELD_FOR)
        .order_by(Visit.id)
    )
    visits = session.scalars(shown).all()
    for visit in visits:
        announce_visit(session, visit)
    return len(visits)


def withdraw_visit(session: Session, visit: Visit, technician_id: uuid.UUID) -> None:
    """Tell a former assignee's devices to forget the visit and what hangs on it."""
    scope = feed.technician_scope(technician_id)
    feed.announce_once(session, scope, "visit", visit.id, version=visit.version, kind="evict")
