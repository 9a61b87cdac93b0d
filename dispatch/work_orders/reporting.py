"""Printing a service report once and keeping its bytes for ever (R-509)."""

from __future__ import annotations

import hashlib
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, documents
from dispatch.documents.words import Language
from dispatch.settings import Settings
from dispatch.work_orders.model import ServiceReport, StoredDocument, Visit
from dispatch.work_orders.papers import service_report_snapshot

KIND: Literal["service_report"] = "service_report"


def render_service_report(
    session: Session, visit: Visit, report: ServiceReport, language: Language, settings: Settings
) -> StoredDocument:
    """Return the document of one signed revision in one language; it is printed only the first time."""
    printed = select(StoredDocument).where(
        StoredDocument.kind == KIND,
        StoredDocument.subject_id == visit.id,
        StoredDocument.revision == report.revision,
        StoredDocument.language == language,
    )
    known = session.scalars(printed).first()
    if known is not None:
        return known
    snapshot = service_report_snapshot(session, visit, report, language, settings)
    content = documents.render(KIND, snapshot, language)
    stored = StoredDocument(
        kind=KIND,
        subject_id=visit.id,
        revision=report.revision,
        language=language,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=clock.now(),
    )
    session.add(stored)
    db.flush(session)
    return stored
