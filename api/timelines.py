"""Steps and parts of visits with the names of the people in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from api.schemas import Joined
from dispatch.access.queries import names_of_users
from dispatch.technicians.queries import names_of_technicians

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from dispatch.work_orders.model import PartUse, VisitEvent


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


def told_uses(session: Session, uses: Iterable[PartUse]) -> list[Joined]:
    """Return parts with who was named as approver."""
    found = list(uses)
    users = names_of_users(session, (use.approved_by for use in found))
    return [Joined(use, approved_by_name=users.get(use.approved_by)) for use in found]
