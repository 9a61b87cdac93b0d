"""Invoice papers: the frozen snapshot becomes a PDF once per language and is kept for ever."""

from __future__ import annotations

import hashlib
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.billing.errors import InvoiceNotRendered
from dispatch.billing.model import CreditNote, Invoice
from dispatch.events import CreditNoteRendered, InvoiceRendered
from dispatch.work_orders.model import StoredDocument

Paper = Invoice | CreditNote


def render(session: Session, *, invoice_id: uuid.UUID) -> None:
    """Make the PDF in the customer's language and keep it; a second run finds it made."""
    if _made(session, session.get_one(Invoice, invoice_id)):
        outbox.record(session, InvoiceRendered(invoice_id=str(invoice_id)))


def render_credit_note(session: Session, *, credit_note_id: uuid.UUID) -> None:
    """Make the PDF of a credit note in the customer's language; a second run finds it made."""
    if _made(session, session.get_one(CreditNote, credit_note_id)):
        outbox.record(session, CreditNoteRendered(credit_note_id=str(credit_note_id)))


def pdf(session: Session, paper: Paper, language: str | None = None) -> StoredDocument:
    """
    Return the stored paper.

    Raises ``InvoiceNotRendered`` while the job has not made it yet.
    """
    found = _stored(session, paper, language or paper.language)
    if found is None:
        raise InvoiceNotRendered(f"{paper.number} has no {language or paper.language} paper yet")
    return found


def _made(session: Session, paper: Paper) -> bool:
    """Make a paper in its own language; whether it was not there before."""
    if _stored(session, paper, paper.language) is not None:
        return False
    session.add(_document(paper, paper.language))
    session.flush()
    return True


def _kind(paper: Paper) -> str:
    return "credit_note" if isinstance(paper, CreditNote) else "invoice"


def _stored(session: Session, paper: Paper, language: str) -> StoredDocument | None:
    statement = select(StoredDocument).where(
        StoredDocument.kind == _kind(paper),
        StoredDocument.subject_id == paper.id,
        StoredDocument.language == language,
    )
    return session.scalars(statement).one_or_none()


def _document(paper: Paper, language: str) -> StoredDocument:
    from dispatch import documents

    content = documents.render("invoice", paper.snapshot, "zh" if language == "zh" else "en")
    return StoredDocument(
        kind=_kind(paper),
        subject_id=paper.id,
        language=language,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=clock.now(),
    )
