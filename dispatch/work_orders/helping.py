"""Who worked at a visit that was never theirs, because the desk says so."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, exists
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.work_orders.model import Visit, VisitEvent
from dispatch.work_orders.on_site_model import Helper


def took_part(technician_id: uuid.UUID | None) -> ColumnElement[bool]:
    """Whether a technician held a visit, or helped at it as the desk says."""
    held = exists().where(VisitEvent.visit_id == Visit.id, VisitEvent.technician_id == technician_id)
    helped = exists().where(Helper.visit_id == Visit.id, Helper.technician_id == technician_id)
    return held | helped


def attach_helper(session: Session, *, by: Principal, visit: Visit, technician_id: uuid.UUID) -> None:
    """Say that a technician worked at a visit: what they tell of it is taken from now on."""
    row = insert(Helper).values(
        visit_id=visit.id, technician_id=technician_id, attached_by=by.user_id, attached_at=clock.now()
    )
    session.execute(row.on_conflict_do_nothing())
    audit.record(
        session,
        action="attach_helper",
        outcome="done",
        user_id=by.user_id,
        subject=visit.id,
        technician=str(technician_id),
    )
    db.flush(session)
