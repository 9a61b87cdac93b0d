"""Money received: recorded whatever the visit's state, allocated to invoices as far as they are open."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal
from dispatch.billing.errors import PaymentInvalid, PaymentRepeated
from dispatch.billing.model import Allocation, CreditNote, Invoice, Payment
from dispatch.billing.numbering import take_number
from dispatch.events import PaymentReceived
from dispatch.money import METHODS, CurrencyMismatch, Money
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.model import WorkOrder


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """A payment with what is not yet used for an invoice."""

    id: uuid.UUID
    method: str
    open_minor: int
    received_at: datetime
    receipt_number: str


def record_payment(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    method: str,
    amount: Money,
    received_at: datetime,
    reference: str | None = None,
    technician_id: uuid.UUID | None = None,
    op_id: uuid.UUID | None = None,
    idempotency_key: str | None = None,
    provisional_number: str | None = None,
) -> Payment:
    """
    Record money received; the server gives the receipt's number (decision 13).

    A repeated ``op_id`` or key returns the payment that exists. What exceeds the order's invoices stays as
    the customer's credit. ``provisional_number`` is that of the receipt which a phone gave before.
    """
    if amount.currency != order.currency:
        raise CurrencyMismatch(f"the order is in {order.currency}, the payment in {amount.currency}")
    if amount.minor <= 0 or method not in METHODS:
        raise PaymentInvalid(f"{amount} by {method!r}", methods=sorted(METHODS))
    if existing := _existing(session, op_id, idempotency_key):
        repeated = (existing.work_order_id, existing.amount_minor, existing.method)
        if repeated != (order.id, amount.minor, method):
            raise PaymentRepeated("the key belongs to another payment")
        return existing
    payment = Payment(
        work_order_id=order.id,
        method=method,
        amount_minor=amount.minor,
        currency=amount.currency,
        reference=reference,
        receipt_number=_receipt_number(session),
        provisional_number=provisional_number,
        collected_by_technician_id=technician_id,
        recorded_by=by.user_id if by else None,
        received_at=clock.aware(received_at),
        recorded_at=clock.now(),
        op_id=op_id,
        idempotency_key=idempotency_key,
    )
    session.add(payment)
    session.flush()
    allocate_open(session, order.id)
    outbox.record(session, PaymentReceived(payment_id=str(payment.id)))
    for visit in order.visits:  # whoever is there knows what is left to pay
        announce_visit(session, visit)
    return payment


def _existing(session: Session, op_id: uuid.UUID | None, key: str | None) -> Payment | None:
    if op_id is not None:
        return session.scalars(select(Payment).where(Payment.op_id == op_id)).one_or_none()
    if key is not None:
        return session.scalars(select(Payment).where(Payment.idempotency_key == key)).one_or_none()
    return None


def _receipt_number(session: Session) -> str:
    return f"RCT-{take_number(session, 'receipt'):06d}"


def paid_by_order(session: Session, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return what was received for orders so far, in minor units."""
    statement = (
        select(Payment.work_order_id, func.sum(Payment.amount_minor))
        .where(Payment.work_order_id.in_(order_ids))
        .group_by(Payment.work_order_id)
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def unallocated(session: Session, order_id: uuid.UUID) -> Sequence[OpenPayment]:
    """Return payments of an order that are not used up, oldest first."""
    used = func.coalesce(func.sum(Allocation.amount_minor), 0)
    statement = (
        select(Payment, used)
        .outerjoin(Allocation, Allocation.payment_id == Payment.id)
        .where(Payment.work_order_id == order_id)
        .group_by(Payment.id)
        .having(used < Payment.amount_minor)
        .order_by(Payment.received_at, Payment.id)
    )
    return [
        OpenPayment(
            payment.id,
            payment.method,
            payment.amount_minor - int(spent),
            payment.received_at,
            payment.receipt_number,
        )
        for payment, spent in session.execute(statement)
    ]


def allocate_open(session: Session, order_id: uuid.UUID) -> None:
    """Use an order's open payments for the customer's open invoices of that order, oldest first."""
    session.scalars(select(WorkOrder.id).where(WorkOrder.id == order_id).with_for_update()).one()
    payments = unallocated(session, order_id)
    left = {payment.id: payment.open_minor for payment in payments}
    for invoice_id, due in _open_invoices(session, order_id):
        for payment in payments:
            used = min(due, left[payment.id])
            if used > 0:
                session.add(Allocation(payment_id=payment.id, invoice_id=invoice_id, amount_minor=used))
                left[payment.id] -= used
                due -= used  # noqa: PLW2901 - what is still open of this invoice
    session.flush()


def _open_invoices(session: Session, order_id: uuid.UUID) -> list[tuple[uuid.UUID, int]]:
    used = func.coalesce(func.sum(Allocation.amount_minor), 0)
    credited = select(CreditNote.id).where(CreditNote.invoice_id == Invoice.id).exists()
    statement = (
        select(Invoice.id, Invoice.gross_minor - used)
        .outerjoin(Allocation, Allocation.invoice_id == Invoice.id)
        .where(Invoice.work_order_id == order_id, Invoice.payer == "customer", ~credited)
        .group_by(Invoice.id)
        .having(used < Invoice.gross_minor)
        .order_by(Invoice.issued_at, Invoice.id)
    )
    return [(row[0], int(row[1])) for row in session.execute(statement)]
