"""Printing a service report once and keeping its bytes for ever (R-509)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, documents
from dispatch.access.rules import Principal
from dispatch.customers.model import Customer
from dispatch.documents.words import Language
from dispatch.errors import Conflict, NotFound
from dispatch.settings import Settings
from dispatch.work_orders.model import ServiceReport, StoredDocument, Visit
from dispatch.work_orders.papers import service_report_snapshot
from dispatch.work_orders.queries import find_visit, reports_of

KIND: Literal["service_report"] = "service_report"


class ReportMissing(NotFound):
    """The visit's record was neither signed nor waived yet, so there is no report (R-509)."""

    code = "REPORT_MISSING"
    remedy = "Have the record signed first."


class ReportWaits(Conflict):
    """Times of the visit were told by a clock that nobody could verify, and are still to be looked at."""

    code = "REPORT_WAITS"
    remedy = "Decide the case, or amend the times; then the report is printed."


def service_report(
    session: Session, principal: Principal, visit_id: uuid.UUID, language: Language | None, settings: Settings
) -> StoredDocument:
    """Return the report of a visit's newest signed record, in the customer's language by default."""
    visit = find_visit(session, principal, visit_id)
    signed = reports_of(session, visit.id)
    if not signed:
        raise ReportMissing(f"visit {visit.number} has no signed record")
    if visit.unverified:
        raise ReportWaits(f"times of visit {visit.number} wait for a look", times=sorted(visit.unverified))
    customer = session.get_one(Customer, visit.work_order.customer_id)
    spoken = language or cast("Language", customer.language)
    return render_service_report(session, visit, signed[-1], spoken, settings)


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
