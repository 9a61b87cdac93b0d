"""What a service report shows of times is decided before it is printed (reliability §2.5, R-509)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.settings import Settings
from dispatch.work_orders import jobs
from dispatch.work_orders.model import StoredDocument, Visit
from dispatch.work_orders.reporting import ReportWaits, service_report
from dispatch.work_orders.signing import waive
from dispatch.work_orders.timekeeping import confirm_times
from tests import builders as b
from tests.dispatch.conftest import MovableClock


@pytest.fixture
def visit(session: Session, now: MovableClock, recorded: list[object]) -> Visit:
    """A visit whose arrival only the phone knows, with a waived record."""
    found = b.a_visit(session, state="done", unverified={"arrived_at": b.at(9).isoformat()})
    b.findings(session, found)
    waive(session, by=None, visit=found, reason="had to leave")
    return found


def test_times_that_wait_for_a_look_are_not_printed(session: Session, visit: Visit) -> None:
    """The server's bound is nobody's arrival; once decided, the report shows what counts."""
    reader = b.a_principal(territory_ids=frozenset({visit.work_order.territory_id}))
    with pytest.raises(ReportWaits):
        service_report(session, reader, visit.id, "en", Settings())
    confirm_times(session, by=None, visit=visit, reason="asked the customer")
    assert service_report(session, reader, visit.id, "en", Settings()).content.startswith(b"%PDF-")


def test_the_job_prints_nothing_before_times_are_decided(
    session: Session, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUCKROLL_ENV", "test")
    assert jobs._render(session, visit.id) is None
    assert session.scalars(select(StoredDocument)).all() == []
    confirm_times(session, by=None, visit=visit, reason="asked the customer")
    stored = jobs._render(session, visit.id)
    assert stored is not None
    assert stored.subject_id == visit.id
