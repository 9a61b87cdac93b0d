"""
What a technician may read of a visit over the API: no more than the own phone holds of it now (R-903).

The office reads everything of its territories.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, true
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access import audit
from dispatch.access.rules import Principal, Role
from dispatch.territories.queries import zone_of
from dispatch.work_orders import drip, privacy
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.refusals import NotRevealed

IN_FULL = 2


def held_back(session: Session, principal: Principal) -> list[uuid.UUID]:
    """Return the technician's visits that wait behind the next one, where the house feeds them one by one."""
    if principal.role is not Role.TECHNICIAN or not drip.is_on(session):
        return []
    return drip.waiting(session, principal, clock.now())[1:]


def seen_of_visits(session: Session, principal: Principal) -> ColumnElement[bool]:
    """Leave out of a list of visits what is held back."""
    back = held_back(session, principal)
    return Visit.id.not_in(back) if back else true()


def seen_of_orders(session: Session, principal: Principal) -> ColumnElement[bool]:
    """Leave out of a list of orders those of which the technician has nothing but visits held back."""
    back = held_back(session, principal)
    if not back:
        return true()
    mine = Visit.technician_id == principal.technician_id
    return exists().where(Visit.work_order_id == WorkOrder.id, mine, Visit.id.not_in(back))


def is_told(session: Session, principal: Principal, visit: Visit) -> bool:
    """Tell whether a person may know that the visit is to come."""
    return visit.id not in held_back(session, principal)


def is_shown(session: Session, principal: Principal, visit: Visit) -> bool:
    """Tell whether a person may read name, address, record and papers of a visit now."""
    if principal.role is not Role.TECHNICIAN:
        return True
    return is_told(session, principal, visit) and _is_in_full(session, visit)


def _is_in_full(session: Session, visit: Visit) -> bool:
    if visit.planned_start is None:
        return False
    zone, ended = zone_of(session, visit.work_order.territory_id), privacy.ended_at(visit)
    return privacy.exposure(visit.planned_start, ended, zone, clock.now()) == IN_FULL


def require_told(session: Session, principal: Principal, visit: Visit, *, action: str) -> None:
    """Refuse a visit that is held back."""
    if not is_told(session, principal, visit):
        raise _refused(session, principal, action, visit.id, f"visit {visit.number} is not the next one")


def require_shown(session: Session, principal: Principal, visit: Visit, *, action: str) -> None:
    """Refuse a visit that is not shown in full now. Raises ``NotRevealed``; the trail keeps the attempt."""
    if not is_shown(session, principal, visit):
        raise _refused(session, principal, action, visit.id, f"visit {visit.number} is not shown in full now")


def shown_of(
    session: Session, principal: Principal, order: WorkOrder, visits: Sequence[Visit], *, action: str
) -> Sequence[Visit]:
    """Return those visits of an order that may be read now; refuse an order that has none."""
    if principal.role is not Role.TECHNICIAN:
        return visits
    back = held_back(session, principal)
    found = [visit for visit in visits if visit.id not in back and _is_in_full(session, visit)]
    if not found:
        raise _refused(session, principal, action, order.id, f"order {order.number} is not shown in full now")
    return found


def note_read(session: Session, principal: Principal, action: str, subject: uuid.UUID) -> None:
    """Keep in the trail that a technician took a paper with a customer's data out of the phone."""
    if principal.role is Role.TECHNICIAN:
        audit.record(session, action=action, outcome="ok", user_id=principal.user_id, subject=subject)


def _refused(
    session: Session, principal: Principal, action: str, subject: uuid.UUID, message: str
) -> NotRevealed:
    audit.record(
        session,
        action=action,
        outcome="refused",
        user_id=principal.user_id,
        subject=subject,
        reason=NotRevealed.code,
    )
    return NotRevealed(message)
