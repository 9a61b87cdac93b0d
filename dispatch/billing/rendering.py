"""Invoice papers: the frozen snapshot becomes a PDF once per language and is kept for ever."""

from __future__ import annotations

import hashlib
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.billing.errors import InvoiceNotRendered
from dispatch.billing.model import Invoice
from dispatch.events import InvoiceRendered
from dispatch.work_orders.model import StoredDocument


def render(session: Session, *, invoice_id: uuid.UUID) -> None:
    """Make the PDF in the customer's language and keep it; a second run finds it made."""
    invoice = session.get_one(Invoice, invoice_id)
    if _stored(session, invoice.id, invoice.language) is None:
        session.add(_document(invoice, invoice.language))
        session.flush()
        outbox.record(session, InvoiceRendered(invoice_id=str(invoice.id)))


def pdf(session: Session, invoice: Invoice, language: str | None = None) -> StoredDocument:
    """
    Return the stored paper.

    Raises ``InvoiceNotRendered`` while the job has not made it yet.
    """
    found = _stored(session, invoice.id, language or invoice.language)
    if found is None:
        raise InvoiceNotRendered(f"invoice {invoice.number} has no {language or invoice.language} paper yet")
    return found


def _stored(session: Session, invoice_id: uuid.UUID, language: str) -> StoredDocument | None:
    statement = select(StoredDocument).where(
        StoredDocument.kind == "invoice",
        StoredDocument.subject_id == invoice_id,
        StoredDocument.language == language,
    )
    return session.scalars(statement).one_or_none()


def _document(invoice: Invoice, language: str) -> StoredDocument:
    from dispatch import documents

    content = documents.render("invoice", invoice.snapshot, "zh" if language == "zh" else "en")
    return StoredDocument(
        kind="invoice",
        subject_id=invoice.id,
        language=language,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=clock.now(),
    )
