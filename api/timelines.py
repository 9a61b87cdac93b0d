"""Steps, parts and withdrawals of visits with the names of the people in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from api.schemas import Joined
from dispatch.access.queries import names_of_users
from dispatch.technicians.queries import names_of_technicians
from dispatch.work_orders.withdrawing import withdrawals_by_subject, withdrawals_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from dispatch.work_orders.model import Approval, PartUse, Visit, VisitEvent


def told_steps(session: Session, steps: Sequence[VisitEvent]) -> list[Joined]:
    """Return steps with who took them and whose the visit was."""
    users = names_of_users(session, (step.user_id for step in steps))
    technicians = names_of_technicians(session, (step.technician_id for step in steps))
    return [
        Joined(
            step,
            user_name=users.get(step.user_id),
            technician_name=technicians.get(step.technician_id),
        )
        for step in steps
    ]


def told_approvals(session: Session, approvals: Sequence[Approval]) -> list[Joined]:
    """Return approvals, those that were taken back with when and why."""
    gone = withdrawals_by_subject(session, [approval.id for approval in approvals])
    return [
        Joined(
            approval,
            withdrawn_at=gone[approval.id].withdrawn_at if approval.id in gone else None,
            withdrawn_reason=gone[approval.id].reason if approval.id in gone else None,
        )
        for approval in approvals
    ]


def told_withdrawals(session: Session, visits: Iterable[Visit]) -> list[Joined]:
    """Return what was taken back at visits, with who did it."""
    rows = withdrawals_of(session, [visit.id for visit in visits])
    users = names_of_users(session, (row.withdrawn_by for row in rows))
    return [Joined(row, withdrawn_by_name=users.get(row.withdrawn_by)) for row in rows]


def told_uses(session: Session, uses: Iterable[PartUse]) -> list[Joined]:
    """Return parts with who was named as approver."""
    found = list(uses)
    users = names_of_users(session, (use.approved_by for use in found))
    return [Joined(use, approved_by_name=users.get(use.approved_by)) for use in found]
