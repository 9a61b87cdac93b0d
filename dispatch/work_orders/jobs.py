"""Jobs of work orders: the signed record becomes a document."""

from __future__ import annotations

import uuid
from typing import cast

from sqlalchemy.orm import Session

from dispatch.customers.model import Customer
from dispatch.documents.words import Language
from dispatch.outbox import Lease
from dispatch.settings import Settings
from dispatch.work_orders.guards import current_report
from dispatch.work_orders.model import StoredDocument, Visit
from dispatch.work_orders.reporting import render_service_report


def render_report(lease: Lease, visit_id: str) -> None:
    """Render a visit's signed record in the customer's language and keep the document (R-509)."""
    with lease.finishing() as session:
        stored = _render(session, uuid.UUID(visit_id))
        lease.result = {"document_id": str(stored.id)} if stored else {"document_id": None}


def _render(session: Session, visit_id: uuid.UUID) -> StoredDocument | None:
    visit = session.get_one(Visit, visit_id)
    report = current_report(session, visit_id)
    if report is None:
        return None
    customer = session.get_one(Customer, visit.work_order.customer_id)
    language = cast("Language", customer.language)
    return render_service_report(session, visit, report, language, Settings.from_environment())
