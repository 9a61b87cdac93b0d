"""A window is told to a customer, once and for the record (R-309)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import rules_under
from dispatch.events import VisitPromised
from dispatch.promises import rules
from dispatch.promises.model import Promise
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.crews import require_leader
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

PROMISABLE = frozenset(
    {
        VisitState.UNPLANNED,
        VisitState.PLANNED,
        VisitState.PUBLISHED,
        VisitState.ACCEPTED,
        VisitState.TRAVELLING,
    }
)


def promise(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    window: tuple[datetime, datetime],
    channel: str,
    slot_cost_minor: int,
    reason: str,
    named_technician_id: uuid.UUID | None = None,
) -> Promise:
    """
    Write the visit's next promise and make its window the one that planning keeps (R-309).

    Rows are never changed: who promised, when, by which channel, at what slot score, whether it counts as a
    reservation (R-301), and who was promised to come, by name (R-306).
    """
    require_leader(visit)
    start, end = clock.aware(window[0]), clock.aware(window[1])
    now = clock.now()
    rules.check_window(start, end, now)
    if VisitState(visit.state) not in PROMISABLE:
        raise rules.VisitNotPromisable(f"visit {visit.number} is {visit.state}", state=visit.state)
    told = Promise(
        visit_id=visit.id,
        ordinal=_next_ordinal(session, visit),
        window_start=start,
        window_end=end,
        promised_by=by.user_id if by else None,
        promised_at=now,
        channel=text.choice(channel, "channel", rules.CHANNELS),
        slot_cost_minor=slot_cost_minor,
        reason=text.line(reason, "reason"),
        is_reservation=rules.is_reservation(now, start, _lead(session, visit)),
        named_technician_id=named_technician_id,
    )
    db.flush(session)
    try:
        with session.begin_nested():
            session.add(told)
            session.flush()
    except IntegrityError as error:
        raise rules.PromiseRaced(f"visit {visit.number} was promised at the same moment") from error
    for one in visit.crew:  # whoever goes along is bound to the window, though told to nobody
        one.window_start, one.window_end = start, end
    db.flush(session)
    announce_visit(session, visit)
    outbox.record(session, VisitPromised(visit_id=str(visit.id), promise_id=str(told.id)))
    return told


def _lead(session: Session, visit: Visit) -> timedelta:
    """R-301: return how long ahead a window must be promised to count as a reservation."""
    return timedelta(hours=rules_under(session, visit.work_order.contract_id).reservation_lead_hours)


def _next_ordinal(session: Session, visit: Visit) -> int:
    latest = select(func.max(Promise.ordinal)).where(Promise.visit_id == visit.id)
    return (session.scalar(latest) or 0) + 1
