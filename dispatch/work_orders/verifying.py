"""The gate to settlement, and the cases that keep it shut until somebody decides."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal
from dispatch.errors import Conflict
from dispatch.work_orders import guards, refusals
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.lifecycle import Actor, OrderState, VisitState
from dispatch.work_orders.model import ReviewCase, Visit, VisitEvent, WorkOrder
from dispatch.work_orders.opening import follow_up, has_open_visit, wait_for
from dispatch.work_orders.steps import take_step
from dispatch.work_orders.timekeeping import CLOCK_UNVERIFIED, confirm_times

S = VisitState
APPROVE_PART = "approve_part"
"""The case of a part that is not approved (R-507); ``approving.decide_part`` decides it."""


def verify(session: Session, *, by: Principal | None, visit: Visit) -> VisitEvent:
    """
    Confirm that a visit's record is complete and nothing is open; settlement follows (decision 3).

    A visit that did not solve the fault gets its follow-up now, unless the order has an open visit; for want
    of a part the order waits until it is there.
    """
    actor = Actor.DISPATCHER if by is not None else Actor.AUTO_RULE
    entry = take_step(session, visit=visit, target=S.VERIFIED, actor=actor, by=by)
    order = visit.work_order
    if visit.leader_id is None and visit.is_solved is False and not has_open_visit(order):
        follow_up(session, by=by, visit=visit)
        if visit.missing_parts:
            wait_for(session, by=by, order=order, reason="part")
    return entry


def verify_if_complete(session: Session, *, visit: Visit) -> bool:
    """The auto-rule: verify a done visit when nothing speaks against it; tell whether it was verified."""
    if S(visit.state) is not S.DONE or visit.needs_review:
        return False
    try:
        verify(session, by=None, visit=visit)
    except Conflict:
        return False
    return True


def close(session: Session, *, visit: Visit) -> VisitEvent:
    """Lock the facts of a verified visit; settlement calls this."""
    return take_step(session, visit=visit, target=S.CLOSED, actor=Actor.SETTLEMENT, by=None)


def mark_invoiced(session: Session, *, order: WorkOrder) -> WorkOrder:
    """Note that an order's invoice was issued; billing calls this."""
    order.state = OrderState.INVOICED.value
    db.flush(session)
    return order


def open_case(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    kind: str,
    detail: dict[str, Any],
    hold_billing: bool = False,
) -> ReviewCase:
    """Keep two truths about a visit until somebody decides; the visit cannot be verified meanwhile."""
    case = ReviewCase(visit_id=visit.id, kind=text.code(kind, "kind"), detail=detail, opened_at=clock.now())
    session.add(case)
    visit.needs_review = True
    visit.billing_hold = visit.billing_hold or hold_billing
    db.flush(session)
    announce_visit(session, visit)
    return case


def decide_case(session: Session, *, by: Principal | None, case: ReviewCase, decision: str) -> ReviewCase:
    """Decide a case for the record; the last decision lifts the review flag and the billing hold."""
    if case.kind == APPROVE_PART:
        raise refusals.ApproverDecides("the approver of the part is asked", assigned_to=str(case.assigned_to))
    return close_case(session, by=by, case=case, decision=decision)


def close_case(session: Session, *, by: Principal | None, case: ReviewCase, decision: str) -> ReviewCase:
    """
    Decide a case whoever it waited for; the caller has asked whether that is right.

    Of unverified times, what the phone said counts from now on.
    """
    if case.decided_at is not None:
        raise refusals.CaseDecided("the case was decided already")
    case.decision = text.line(decision, "decision", longest=500)
    if case.kind == CLOCK_UNVERIFIED:
        visit = session.get_one(Visit, case.visit_id)
        confirm_times(session, by=by, visit=visit, reason=case.decision)
    case.decided_at, case.decided_by = clock.now(), by.user_id if by else None
    db.flush(session)
    if not guards.has_open_case(session, case.visit_id):
        lift_review(session, by=by, visit=session.get_one(Visit, case.visit_id))
    return case


def lift_review(session: Session, *, by: Principal | None, visit: Visit) -> Visit:
    """
    A dispatcher looked at a flagged visit and found nothing against billing it.

    What a verified visit was told of since, or was held back for, is settled now.
    """
    if guards.has_open_case(session, visit.id):
        raise refusals.CaseStillOpen(f"visit {visit.number} has an open case")
    visit.needs_review = visit.billing_hold = False
    db.flush(session)
    announce_visit(session, visit)
    if S(visit.state) in guards.LOCKED:
        outbox.record(
            session,
            events.VisitAdjusted(
                visit_id=str(visit.id), work_order_id=str(visit.work_order_id), version=str(visit.version)
            ),
        )
    return visit
