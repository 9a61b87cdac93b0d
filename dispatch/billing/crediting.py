"""
Taking back what was charged: a charge that is not invoiced yet is withdrawn, an invoice is credited (R-602).

An invoice is credited as a whole and once. Money that was paid for it stays allocated: the customer is owed
it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.billing.invoicing import digest, require_printable
from dispatch.billing.model import CREDITS, CreditNote, Invoice, Settlement
from dispatch.billing.numbering import take_number
from dispatch.events import CreditNoteIssued
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import WorkOrder


def take_back(session: Session, *, settlement_id: uuid.UUID, reason: str) -> list[CreditNote]:
    """
    Take back a settlement: void while it is not invoiced, its invoices credited afterwards.

    Returns the credit notes, none where the settlement was withdrawn; asked for twice, the same ones.
    """
    statement = select(Settlement).where(Settlement.id == settlement_id).with_for_update()
    settlement = session.scalars(statement, execution_options={"populate_existing": True}).one()
    if settlement.state != "invoiced":
        settlement.state = "void"
        session.flush()
        return []
    locked = select(WorkOrder).where(WorkOrder.id == settlement.work_order_id).with_for_update()
    order = session.scalars(locked, execution_options={"populate_existing": True}).one()
    invoices = session.scalars(
        select(Invoice).where(Invoice.settlement_id == settlement.id).order_by(Invoice.ordinal)
    )
    return [_credited(session, order, invoice, reason) for invoice in invoices]


def _credited(session: Session, order: WorkOrder, invoice: Invoice, reason: str) -> CreditNote:
    known = session.scalars(select(CreditNote).where(CreditNote.invoice_id == invoice.id)).one_or_none()
    if known is not None:
        return known
    today = clock.business_day(clock.now(), zone_of(session, order.territory_id))
    series = f"{CREDITS}{today.year}"
    ordinal = take_number(session, series)
    note = CreditNote(
        series=series,
        ordinal=ordinal,
        number=f"CRN-{today.year}-{ordinal:06d}",
        invoice_id=invoice.id,
        work_order_id=invoice.work_order_id,
        customer_id=invoice.customer_id,
        reason=reason,
        currency=invoice.currency,
        net_minor=invoice.net_minor,
        tax_minor=invoice.tax_minor,
        gross_minor=invoice.gross_minor,
        issued_on=_issue_day(session, series, today),
        issued_at=clock.now(),
        language=invoice.language,
    )
    note.snapshot = _snapshot(invoice, note)
    note.snapshot_sha256 = digest(note.snapshot)
    require_printable(note.snapshot)
    session.add(note)
    session.flush()
    outbox.record(session, CreditNoteIssued(credit_note_id=str(note.id)))
    return note


def _issue_day(session: Session, series: str, today: date) -> date:
    """Return the day to print, never earlier than that of the number before; the series is locked."""
    former = session.scalar(select(func.max(CreditNote.issued_on)).where(CreditNote.series == series))
    last_of_year = date(today.year, 12, 31)
    return min(last_of_year, max(today, former) if former else today)


def _snapshot(invoice: Invoice, note: CreditNote) -> dict[str, Any]:
    """Return the invoice's paper as its credit note: the same lines, to the customer's favour."""
    without = {"due_date", "payments", "payment_hints"}
    kept = {name: value for name, value in invoice.snapshot.items() if name not in without}
    return {
        **kept,
        "made_at": clock.now().isoformat(),
        "number": note.number,
        "document": "credit_note",
        "corrects": invoice.number,
        "issue_date": note.issued_on.isoformat(),
        "totals": {**invoice.snapshot["totals"], "paid_minor": 0, "due_minor": note.gross_minor},
        "payments": [],
    }


def credits_of(session: Session, invoice_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return what was taken back of several invoices, in minor units; nothing for the others."""
    statement = select(CreditNote.invoice_id, CreditNote.gross_minor)
    rows = session.execute(statement.where(CreditNote.invoice_id.in_(invoice_ids)))
    return {row[0]: int(row[1]) for row in rows}
