"""Jobs of work orders: signed records become documents, seats nobody took are given up, phones are told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from sqlalchemy.orm import Session

from dispatch.customers.model import Customer
from dispatch.documents.words import Language
from dispatch.outbox import Lease, one_by_one
from dispatch.settings import Settings
from dispatch.work_orders.announcing import announce_customer
from dispatch.work_orders.crews import idle_crews, release_idle
from dispatch.work_orders.guards import current_report
from dispatch.work_orders.model import StoredDocument, Visit
from dispatch.work_orders.reporting import render_service_report


def render_report(leases: Sequence[Lease]) -> None:
    """Render signed records in their customers' languages, many in one work-horse (R-509)."""
    for lease in leases:
        try:
            with lease.finishing() as session:
                stored = _render(session, uuid.UUID(lease.ids["visit_id"]))
                lease.result = {"document_id": str(stored.id)} if stored else {"document_id": None}
        except Exception as error:  # noqa: BLE001 - one bad paper must not keep the others from being printed
            lease.error = error


def _render(session: Session, visit_id: uuid.UUID) -> StoredDocument | None:
    """Print what is signed; what waits for a look at its times is printed once they are decided."""
    visit = session.get_one(Visit, visit_id)
    report = current_report(session, visit_id)
    if report is None or visit.unverified:
        return None
    customer = session.get_one(Customer, visit.work_order.customer_id)
    language = cast("Language", customer.language)
    return render_service_report(session, visit, report, language, Settings.from_environment())


def tell_phones(lease: Lease, *, customer_id: str, **_: str) -> None:
    """Tell phones that a file which they show was corrected."""
    with lease.finishing() as session:
        lease.result = {"visits": announce_customer(session, uuid.UUID(customer_id))}


def release_seats(lease: Lease, **_: str) -> None:
    """Call off members who never set out, crew by crew; one that fails holds no other back."""
    released = one_by_one(lease, idle_crews, release_idle)
    with lease.finishing():
        lease.result = {"released": released}
