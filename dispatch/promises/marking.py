"""
A customer who was away or late is marked (R-302, R-305, R-504): the mark counts, and the privilege is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import rules_under
from dispatch.customers.model import Customer
from dispatch.errors import NotFound
from dispatch.promises import naming
from dispatch.promises.model import CustomerMark
from dispatch.promises.rules import MARK_KINDS, MarksOff, NotLate
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.opening import follow_up, has_open_visit


def mark(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    kind: str,
    minutes_late: int | None = None,
    reason: str = "",
) -> CustomerMark | None:
    """
    Mark the customer of a visit; None where the house keeps no marks. Each kind counts once for a visit.

    Raises ``NotLate`` within the band of punctuality (R-302).
    """
    order = visit.work_order
    rules = rules_under(session, order.contract_id)
    chosen = text.choice(kind, "kind", MARK_KINDS)
    if chosen == "late" and (minutes_late is None or minutes_late <= rules.band_minutes):
        raise NotLate(f"a customer is late after {rules.band_minutes} minutes")
    if not rules.late_marks:
        return None
    row = insert(CustomerMark).values(
        customer_id=order.customer_id,
        visit_id=visit.id,
        kind=chosen,
        minutes_late=minutes_late if chosen == "late" else None,
        reason=text.prose(reason, "reason"),
        recorded_by=by.user_id if by else None,
        recorded_at=clock.now(),
    )
    once = row.on_conflict_do_nothing(index_elements=["visit_id", "kind"])
    written = session.scalars(once.returning(CustomerMark)).one_or_none()
    if written is not None:
        _count(session, order.customer_id)
        return written
    statement = select(CustomerMark).where(CustomerMark.visit_id == visit.id, CustomerMark.kind == chosen)
    return session.scalars(statement).one()


def mark_by_hand(
    session: Session, *, by: Principal, visit: Visit, kind: str, minutes_late: int | None, reason: str
) -> CustomerMark:
    """Mark a customer as somebody of the office saw it; ``MarksOff`` where the house keeps no marks."""
    found = mark(session, by=by, visit=visit, kind=kind, minutes_late=minutes_late, reason=reason)
    if found is None:
        raise MarksOff("the house keeps no marks of this customer")
    return found


def explain(session: Session, *, by: Principal, found: CustomerMark, reason: str) -> CustomerMark:
    """Write down what the customer says about it (R-305)."""
    found.reason = text.line(reason, "reason", longest=500)
    found.reason_by = by.user_id
    session.flush()
    return found


def book_again(session: Session, *, visit: Visit) -> Visit | None:
    """
    R-305: open the next visit after a closed door; None where the house does not, or it exists.

    Whom the customer had asked for by name is asked for anew, or not (R-306).
    """
    order = visit.work_order
    if not rules_under(session, order.contract_id).second_booking:
        return None
    if VisitState(visit.state) is not VisitState.NO_ACCESS:
        return None
    if has_open_visit(order):
        return None
    was_named = naming.named_still(session, visit) is not None
    again = follow_up(session, by=None, visit=visit)
    if was_named:
        again.required_technician_id = None
    return again


def find_mark(session: Session, principal: Principal, mark_id: uuid.UUID) -> CustomerMark:
    """Return a mark within the person's scope."""
    statement = (
        select(CustomerMark)
        .join(Visit, Visit.id == CustomerMark.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(CustomerMark.id == mark_id, in_scope(principal, WorkOrder.territory_id))
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such mark")
    return found


def marks_of(session: Session, customer_id: uuid.UUID) -> Sequence[CustomerMark]:
    """Return a customer's marks, the newest first."""
    statement = select(CustomerMark).where(CustomerMark.customer_id == customer_id)
    return session.scalars(statement.order_by(CustomerMark.recorded_at.desc(), CustomerMark.id.desc())).all()


def _count(session: Session, customer_id: uuid.UUID) -> None:
    """Write the number of marks on the customer's file."""
    customer = session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)
    statement = select(func.count()).select_from(CustomerMark).where(CustomerMark.customer_id == customer_id)
    customer.no_show_marks = session.scalar(statement) or 0
    session.flush()
