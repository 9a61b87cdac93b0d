"""Who hears of an order: the contact who called about it, or the customer (R-103)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.calls.model import RepairCall
from dispatch.customers.model import CustomerContact
from dispatch.messages.facts import Draft
from dispatch.work_orders.model import WorkOrder

OF_MONEY = frozenset({"invoiced", "credited", "paid", "compensated", "loaner_overdue"})
"""What the customer hears alone, whoever called."""


def addressee(session: Session, found: Draft) -> CustomerContact | None:
    """
    Return the contact to whom a message goes instead of the customer; None where it goes to the customer.

    That is whom the call names, as long as they are a contact, get messages and have a mail address.
    """
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
