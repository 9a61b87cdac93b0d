"""Who hears of an order: the contact who called about it, the customer, or both (R-103)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.calls.model import RepairCall
from dispatch.customers.model import CustomerContact
from dispatch.messages.facts import Draft
from dispatch.work_orders.model import WorkOrder

OF_MONEY = frozenset({"invoiced", "credited", "paid", "compensated", "loaner_overdue"})
"""What the customer hears alone, whoever called."""
ALSO_OF_MONEY = frozenset({"order_opened"})
"""What tells of the work and of its price: whoever called agreed to it, and the customer pays it."""


def addressed(session: Session, found: Draft) -> list[tuple[Draft, CustomerContact | None]]:
    """
    Return what is written for whom: to a contact, or to the customer where that is None; one at least.

    The price of an order is told to both. What is granted for a delay is the customer's: a contact hears of
    the delay without it, and the customer of both.
    """
    contact = _contact(session, found)
    if contact is None:
        return [(found, None)]
    is_granted = bool(found.values.get("given"))
    told: list[tuple[Draft, CustomerContact | None]] = [(_without_grant(found), contact)]
    if is_granted or found.template in ALSO_OF_MONEY:
        told.append((replace(found, key=f"{found.key}:customer"), None))
    return told


def _without_grant(found: Draft) -> Draft:
    return replace(found, values={**found.values, "given": ""}) if "given" in found.values else found


def _contact(session: Session, found: Draft) -> CustomerContact | None:
    """Whom the call names, as long as they are a contact, get messages and have a mail address."""
    if found.template in OF_MONEY:
        return None
    statement = select(CustomerContact).join(RepairCall, RepairCall.contact_id == CustomerContact.id)
    if found.call_id is not None:
        statement = statement.where(RepairCall.id == found.call_id)
    elif found.work_order_id is not None:
        statement = statement.join(WorkOrder, WorkOrder.call_id == RepairCall.id)
        statement = statement.where(WorkOrder.id == found.work_order_id)
    else:
        return None
    reached = (CustomerContact.is_active, CustomerContact.gets_messages, CustomerContact.email.is_not(None))
    return session.scalars(statement.where(*reached)).one_or_none()
