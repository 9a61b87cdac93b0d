"""Settlements, invoices and payments as finance and the office read them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.billing.crediting import credits_of
from dispatch.billing.model import Allocation, CreditNote, Invoice, Payment, Settlement, Tariff
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.work_orders.finding import find_of_order
from dispatch.work_orders.model import WorkOrder


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice with what is still owed."""

    invoice: Invoice
    paid_minor: int
    credited_minor: int = 0

    @property
    def due_minor(self) -> int:
        """What is still owed; below zero what the customer is owed."""
        return self.invoice.gross_minor - self.credited_minor - self.paid_minor


def find_settlement(session: Session, principal: Principal, settlement_id: uuid.UUID) -> Settlement:
    """Return a settlement within the person's scope."""
    return find_of_order(session, principal, Settlement, settlement_id, "settlement")


def settlements(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Settlement]:
    """Return settlements, newest first."""
    statement = (
        select(Settlement)
        .join(WorkOrder, WorkOrder.id == Settlement.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )
    if state is not None:
        statement = statement.where(Settlement.state == state)
    return cut(session, statement, Settlement.id, cursor=cursor, limit=limit)


def find_invoice(session: Session, principal: Principal, invoice_id: uuid.UUID) -> InvoiceView:
    """Return an invoice within the person's scope."""
    found = session.scalars(_invoices(principal).where(Invoice.id == invoice_id)).one_or_none()
    if found is None:
        raise NotFound("no such invoice")
    return _views(session, [found])[0]


def invoices(
    session: Session,
    principal: Principal,
    *,
    work_order_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[InvoiceView]:
    """Return invoices, newest first, each with what is still owed."""
    statement = _invoices(principal)
    if work_order_id is not None:
        statement = statement.where(Invoice.work_order_id == work_order_id)
    page = cut(session, statement, Invoice.id, cursor=cursor, limit=limit)
    return Page(tuple(_views(session, page.items)), page.next_cursor)


def _invoices(principal: Principal) -> Select[Invoice]:
    return (
        select(Invoice)
        .join(WorkOrder, WorkOrder.id == Invoice.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )


def _views(session: Session, found: Sequence[Invoice]) -> list[InvoiceView]:
    statement = (
        select(Allocation.invoice_id, func.sum(Allocation.amount_minor))
        .where(Allocation.invoice_id.in_([invoice.id for invoice in found]))
        .group_by(Allocation.invoice_id)
    )
    paid = {row[0]: int(row[1]) for row in session.execute(statement)}
    credited = credits_of(session, [invoice.id for invoice in found])
    return [InvoiceView(each, paid.get(each.id, 0), credited.get(each.id, 0)) for each in found]


def find_credit_note(session: Session, principal: Principal, note_id: uuid.UUID) -> CreditNote:
    """Return a credit note within the person's scope."""
    found = session.scalars(_credit_notes(principal).where(CreditNote.id == note_id)).one_or_none()
    if found is None:
        raise NotFound("no such credit note")
    return found


def credit_notes(
    session: Session,
    principal: Principal,
    *,
    work_order_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[CreditNote]:
    """Return credit notes, newest first."""
    statement = _credit_notes(principal)
    if work_order_id is not None:
        statement = statement.where(CreditNote.work_order_id == work_order_id)
    return cut(session, statement, CreditNote.id, cursor=cursor, limit=limit)


def _credit_notes(principal: Principal) -> Select[CreditNote]:
    return (
        select(CreditNote)
        .join(WorkOrder, WorkOrder.id == CreditNote.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )


def payments(
    session: Session,
    principal: Principal,
    *,
    work_order_id: uuid.UUID | None = None,
    provisional_number: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Payment]:
    """
    Return payments, newest first; technicians see what they collected themselves.

    ``provisional_number`` finds the payment of a receipt that a phone gave before it had contact.
    """
    statement = (
        select(Payment)
        .join(WorkOrder, WorkOrder.id == Payment.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(Payment.collected_by_technician_id == principal.technician_id)
    if work_order_id is not None:
        statement = statement.where(Payment.work_order_id == work_order_id)
    if provisional_number is not None:
        statement = statement.where(Payment.provisional_number == provisional_number)
    return cut(session, statement, Payment.id, cursor=cursor, limit=limit)


def billed(session: Session, order_id: uuid.UUID) -> dict[str, list[str]]:
    """Return what of an order was settled and stands: revisions of settlements, and invoices by number."""
    settled = select(Settlement.revision).where(
        Settlement.work_order_id == order_id, Settlement.state.in_(("review", "approved", "invoiced"))
    )
    credited = select(CreditNote.id).where(CreditNote.invoice_id == Invoice.id).exists()
    issued = select(Invoice.number).where(Invoice.work_order_id == order_id, ~credited)
    found = {
        "settlements": [str(one) for one in session.scalars(settled.order_by(Settlement.revision))],
        "invoices": list(session.scalars(issued.order_by(Invoice.issued_at, Invoice.number))),
    }
    return {name: rows for name, rows in found.items() if rows}


def tariffs(session: Session) -> Sequence[Tariff]:
    """Return every tariff, oldest first."""
    return session.scalars(select(Tariff).order_by(Tariff.valid_from)).all()
