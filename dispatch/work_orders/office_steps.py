"""Steps that the office takes with one visit, decided on the version that was read."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.work_orders import verifying
from dispatch.work_orders.crews import require_leader
from dispatch.work_orders.lifecycle import NOT_SET_OUT, Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.steps import take_step


def cancel_visit(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    reason: str,
    actor: Actor = Actor.DISPATCHER,
    expected_version: int | None = None,
) -> Visit:
    """
    Call a visit off; its technician's devices forget it. A crew's members follow their leader.

    A member is called off once the leader has set out; before, the crew is made smaller.
    """
    visit.expect_version(expected_version)
    leader = visit.crew[0]
    if leader is not visit and VisitState(leader.state) in NOT_SET_OUT:
        require_leader(visit)  # a smaller crew is another need, and not one that is left out in silence
    take_step(session, visit=visit, target=VisitState.CANCELLED, actor=actor, by=by, reason=reason)
    return visit


def reopen_visit(
    session: Session, *, by: Principal, visit: Visit, reason: str, expected_version: int | None = None
) -> Visit:
    """Give a finished visit back to its technician, so that the record can be corrected before settlement."""
    visit.expect_version(expected_version)
    take_step(session, visit=visit, target=VisitState.WORKING, actor=Actor.DISPATCHER, by=by, reason=reason)
    return visit


def verify_visit(
    session: Session, *, by: Principal, visit: Visit, expected_version: int | None = None
) -> Visit:
    """Confirm that a visit's record is complete; settlement follows (decision 3)."""
    visit.expect_version(expected_version)
    verifying.verify(session, by=by, visit=visit)
    return visit
