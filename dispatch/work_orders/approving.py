"""A part that is neither original nor approved: who was named as approver says so, or refuses it (R-507)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from dispatch import text
from dispatch.access import audit
from dispatch.access.model import User, UserTerritory
from dispatch.access.rules import Principal, Role
from dispatch.parts.model import Part
from dispatch.work_orders import refusals
from dispatch.work_orders.model import PartUse, ReviewCase, Visit
from dispatch.work_orders.verifying import APPROVE_PART, close_case, open_case, verify_if_complete

APPROVERS = (Role.SUPERVISOR.value, Role.ADMIN.value)
ASKED, CONFIRMED, REFUSED = "asked", "confirmed", "refused"


def _of_territory(territory_id: uuid.UUID) -> ColumnElement[bool]:
    """Active supervisors of a territory, and administrators who see it; one without territories sees all."""
    any_row = exists().where(UserTerritory.user_id == User.id)
    this_row = exists().where(UserTerritory.user_id == User.id, UserTerritory.territory_id == territory_id)
    sees_all = (User.role == Role.ADMIN.value) & ~any_row
    return User.is_active & User.role.in_(APPROVERS) & or_(this_row, sees_all)


def approvers(session: Session, territory_id: uuid.UUID) -> Sequence[User]:
    """Return whom a technician of a territory may name, supervisors before administrators."""
    statement = select(User).where(_of_territory(territory_id))
    return session.scalars(statement.order_by(User.role.desc(), User.display_name, User.id)).all()


def check_approver(
    session: Session, visit: Visit, part: Part, reason: str | None, approved_by: uuid.UUID | None
) -> None:
    """Refuse a part that is not approved without a reason or an active supervisor of the territory."""
    named = select(User.id).where(User.id == approved_by, _of_territory(visit.work_order.territory_id))
    if not reason or approved_by is None or session.scalar(named) is None:
        raise refusals.PartNotApproved(f"part {part.sku} is not approved", sku=part.sku)


def ask_approver(session: Session, *, by: Principal | None, visit: Visit, use: PartUse, sku: str) -> None:
    """Ask who was named whether it is so; the visit is not verified before. An own word needs no question."""
    if by is not None and by.user_id == use.approved_by:
        use.approval = CONFIRMED
        return
    use.approval = ASKED
    detail: dict[str, Any] = {
        "part_use_id": str(use.id),
        "sku": sku,
        "quantity": use.quantity,
        "serial": use.serial,
        "lot": use.lot,
        "reason": use.unapproved_reason,
    }
    case = open_case(session, by=by, visit=visit, kind=APPROVE_PART, detail=detail)
    case.assigned_to = use.approved_by


def decide_part(
    session: Session, *, by: Principal, visit: Visit, use: PartUse, is_confirmed: bool, reason: str | None
) -> PartUse:
    """
    Confirm or refuse a part for which somebody was named as approver.

    For the one who was named, for an administrator, and for every supervisor of the territory once the
    other may not sign in any more. The part stays recorded: it is fitted. What follows is the desk's.
    """
    case = _open_question(session, use)
    if case is None:
        raise refusals.CaseDecided("nobody is asked about this part")
    _check_decider(session, by, case)
    why = text.optional_line(reason, "reason", longest=400)
    if not is_confirmed and not why:
        raise refusals.ReasonMissing("a refused part needs a reason", field="reason")
    use.approval = CONFIRMED if is_confirmed else REFUSED
    close_case(session, by=by, case=case, decision=": ".join(part for part in (use.approval, why) if part))
    audit.record(
        session,
        action="decide_part",
        outcome=use.approval,
        user_id=by.user_id,
        subject=use.id,
        reason=why,
    )
    verify_if_complete(session, visit=visit)
    return use


def forget_question(session: Session, *, by: Principal, use: PartUse) -> None:
    """Close the question about a part that was recorded by mistake."""
    case = _open_question(session, use)
    if case is not None:
        close_case(session, by=by, case=case, decision="voided")


def _check_decider(session: Session, by: Principal, case: ReviewCase) -> None:
    if by.user_id == case.assigned_to or by.role is Role.ADMIN:
        return
    named = session.get(User, case.assigned_to) if case.assigned_to else None
    if named is not None and named.is_active:
        raise refusals.ApproverDecides(f"{named.display_name} is asked", assigned_to=str(named.id))


def _open_question(session: Session, use: PartUse) -> ReviewCase | None:
    statement = select(ReviewCase).where(
        ReviewCase.visit_id == use.visit_id,
        ReviewCase.kind == APPROVE_PART,
        ReviewCase.decided_at.is_(None),
    )
    cases = session.scalars(statement.with_for_update())
    return next((case for case in cases if case.detail["part_use_id"] == str(use.id)), None)
