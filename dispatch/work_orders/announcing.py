"""What a technician's device must hear of a visit."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from dispatch import feed
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

HIDDEN = frozenset({VisitState.UNPLANNED, VisitState.PLANNED, VisitState.CANCELLED})
"""States in which a visit is no technician's business."""


def is_announced(visit: Visit) -> bool:
    """Tell whether the visit is on somebody's device."""
    return visit.technician_id is not None and VisitState(visit.state) not in HIDDEN


def announce_visit(session: Session, visit: Visit) -> None:
    """Tell the devices of the assignee and of the crew that the visit changed; flush before this."""
    for one in visit.crew if visit.crew_size > 1 else (visit,):
        if one.technician_id is not None and is_announced(one):
            scope = feed.technician_scope(one.technician_id)
            feed.announce_once(session, scope, "visit", one.id, version=one.version)


def withdraw_visit(session: Session, visit: Visit, technician_id: uuid.UUID) -> None:
    """Tell a former assignee's devices to forget the visit and what hangs on it."""
    scope = feed.technician_scope(technician_id)
    feed.announce_once(session, scope, "visit", visit.id, version=visit.version, kind="evict")
