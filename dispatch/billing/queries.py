"""Settlements, invoices and payments as finance and the office read them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.billing.model import Allocation, Invoice, Payment, Settlement, Tariff
from dispatch.errors import NotFound
from dispatch.work_orders.model import WorkOrder


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice with what is still owed."""

    invoice: Invoice
    paid_minor: int

    @property
    def due_minor(self) -> int:
        """What is still owed."""
        return self.invoice.gross_minor - self.paid_minor


def find_settlement(session: Session, principal: Principal, settlement_id: uuid.UUID) -> Settlement:
    """Return a settlement within the person's scope."""
    statement = (
        select(Settlement)
        .join(WorkOrder, WorkOrder.id == Settlement.work_order_id)
        .where(Settlement.id == settlement_id, in_scope(principal, WorkOrder.territory_id))
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("no such settlement")
    return found


def settlements(
    session: Session, principal: Principal, *, state: str | None, after: uuid.UUID | None, limit: int
) -> Sequence[Settlement]:
    """Return settlements in order of creation, from the one after ``after`` on."""
    statement = (
        select(Settlement)
        .join(WorkOrder, WorkOrder.id == Settlement.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
        .order_by(Settlement.id)
        .limit(limit)
    )
    if state is not None:
        statement = statement.where(Settlement.state == state)
    if after is not None:
        statement = statement.where(Settlement.id > after)
    return session.scalars(statement).all()


def _invoices(principal: Principal) -> Select[tuple[Invoice, int]]:
    paid = (
        select(func.coalesce(func.sum(Allocation.amount_minor), 0))
        .where(Allocation.invoice_id == Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    return (
        select(Invoice, paid)
        .join(WorkOrder, WorkOrder.id == Invoice.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
    )


def find_invoice(session: Session, principal: Principal, invoice_id: uuid.UUID) -> InvoiceView:
    """Return an invoice within the person's scope."""
    row = session.execute(_invoices(principal).where(Invoice.id == invoice_id)).one_or_none()
    if row is None:
        raise NotFound("no such invoice")
    return InvoiceView(row[0], int(row[1]))


def invoices(
    session: Session,
    principal: Principal,
    *,
    work_order_id: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    limit: int = 50,
) -> list[InvoiceView]:
    """Return invoices in order of issue."""
    statement = _invoices(principal).order_by(Invoice.id).limit(limit)
    if work_order_id is not None:
        statement = statement.where(Invoice.work_order_id == work_order_id)
    if after is not None:
        statement = statement.where(Invoice.id > after)
    return [InvoiceView(row[0], int(row[1])) for row in session.execute(statement)]


def payments(
    session: Session, principal: Principal, *, after: uuid.UUID | None = None, limit: int = 50
) -> Sequence[Payment]:
    """Return payments in order of recording."""
    statement = (
        select(Payment)
        .join(WorkOrder, WorkOrder.id == Payment.work_order_id)
        .where(in_scope(principal, WorkOrder.territory_id))
        .order_by(Payment.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Payment.id > after)
    return session.scalars(statement).all()


def tariffs(session: Session) -> Sequence[Tariff]:
    """Return every tariff, oldest first."""
    return session.scalars(select(Tariff).order_by(Tariff.valid_from)).all()
