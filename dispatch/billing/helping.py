"""
Elderly and disabled customers are helped to pay (R-106): somebody in the office calls them about an invoice.

An invoice is a reminder as soon as it is issued, and the person above is reminded once it is overdue. It ends
when nothing is owed any more. Whoever is at the door takes money there; the papers and the phone say so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing.model import Allocation, CreditNote, Invoice
from dispatch.contracts.house_rules import rules_of_contracts, rules_under
from dispatch.customers.model import Customer
from dispatch.promises import reminding
from dispatch.promises.model import OfficeReminder
from dispatch.promises.reminding import HELP_TO_PAY, Waiting
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import WorkOrder


def remind(session: Session, territory_id: uuid.UUID) -> list[OfficeReminder]:
    """Write the reminders of a territory that are due now, and end those of what is paid; return the new."""
    return reminding.tell(session, territory_id, [HELP_TO_PAY], list(_waiting(session, territory_id)))


def is_helped(session: Session, customer: Customer, order: WorkOrder) -> bool:
    """R-106: tell whether somebody calls a customer about what is to be paid for an order."""
    return customer.needs_home_service and rules_under(session, order.contract_id).help_to_pay


def _waiting(session: Session, territory_id: uuid.UUID) -> Iterator[Waiting]:
    """Invoices of customers who are helped, with something still owed, the oldest first."""
    zone = zone_of(session, territory_id)
    paid = func.coalesce(func.sum(Allocation.amount_minor), 0)
    credited = select(CreditNote.id).where(CreditNote.invoice_id == Invoice.id).exists()
    statement = (
        select(Invoice, WorkOrder.contract_id)
        .join(WorkOrder, WorkOrder.id == Invoice.work_order_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .outerjoin(Allocation, Allocation.invoice_id == Invoice.id)
        .where(WorkOrder.territory_id == territory_id, Customer.needs_home_service)
        .where(Invoice.payer == "customer", ~credited)
        .group_by(Invoice.id, WorkOrder.contract_id)
        .having(paid < Invoice.gross_minor)
        .order_by(Invoice.issued_at, Invoice.id)
    )
    rows = session.execute(statement).all()
    rules = rules_of_contracts(session, {contract_id for _, contract_id in rows})
    for invoice, contract_id in rows:
        if rules[contract_id].help_to_pay:
            overdue = clock.local_midnight(invoice.due_on + timedelta(days=1), zone)
            subject = str(invoice.id)
            yield Waiting(HELP_TO_PAY, subject, "call_taker", None, invoice.issued_at, overdue)
