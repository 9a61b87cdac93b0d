"""Facts on site: findings, parts, approvals, and what they do to a signature and to a van."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.model import AuditEntry
from dispatch.access.rules import Principal, Role
from dispatch.money import CurrencyMismatch, Money
from dispatch.parts.model import StockMovement, VanStock
from dispatch.parts.rules import PartUnknown, QuantityInvalid
from dispatch.text import TextInvalid
from dispatch.work_orders import refusals
from dispatch.work_orders.commands import (
    Findings,
    note_times,
    record_approval,
    record_findings,
    use_part,
    void_part_use,
)
from dispatch.work_orders.model import Approval, Finding, PartUse, Visit
from dispatch.work_orders.queries import findings_of, part_uses_of
from tests import builders as b
from tests.dispatch.conftest import MovableClock

FOUND = Findings(fault="Pump blocked", cause="Lime", action="Cleaned", is_solved=True)


@pytest.fixture
def visit(session: Session, now: MovableClock) -> Visit:
    """A visit that is being worked on."""
    return b.a_visit(session, state="working")


@pytest.fixture
def ada(session: Session, visit: Visit) -> Principal:
    """The technician on site."""
    assert visit.technician_id is not None
    return b.a_principal(Role.TECHNICIAN, technician_id=visit.technician_id)


def stock_of(session: Session, keeper: uuid.UUID | None) -> list[int]:
    """The quantities on a van."""
    statement = select(VanStock.quantity).where(VanStock.technician_id == keeper)
    return list(session.scalars(statement))


def test_a_record_holds_everything_the_rule_book_asks_for(
    session: Session, visit: Visit, ada: Principal
) -> None:
    """R-509 and R-505: fault, cause, action, measurements, advice, explanation, documents, test."""
    finding = record_findings(
        session,
        by=ada,
        visit=visit,
        findings=Findings(
            fault=" Pump blocked ",
            cause="Lime",
            action="Cleaned",
            is_solved=False,
            measurements=[{"name": "pressure", "value": "1.5", "unit": "bar"}],
            advised=["Flue is rusty"],
            use_explained=True,
            documents_handed_over=["manual"],
            is_tested=True,
        ),
    )
    assert (finding.fault, finding.advised, finding.is_tested) == ("Pump blocked", ["Flue is rusty"], True)
    assert finding.measurements == [{"name": "pressure", "value": "1.5", "unit": "bar"}]
    assert visit.is_solved is False


def test_a_fact_sent_twice_counts_once(session: Session, visit: Visit, ada: Principal) -> None:
    op, part = uuid.uuid4(), b.a_part(session)
    for _ in range(2):
        record_findings(session, by=ada, visit=visit, findings=FOUND, op_id=op)
        use_part(session, by=ada, visit=visit, sku=part.sku, direction="in", quantity=2, op_id=op)
        record_approval(
            session, by=ada, order=visit.work_order, amount=Money(9900, "EUR"),
            approved_by_name="Customer", method="phone", op_id=op,
        )  # fmt: skip
    for kind in (Finding, PartUse, Approval, StockMovement):
        assert len(session.scalars(select(kind)).all()) == 1, kind
    assert stock_of(session, visit.technician_id) == [-2]


def test_a_correction_replaces_and_both_are_kept(
    session: Session, now: MovableClock, visit: Visit, ada: Principal
) -> None:
    record_findings(session, by=ada, visit=visit, findings=FOUND)
    now.set(b.at(9))
    better = Findings(fault="Fan blocked", cause="Leaf", action="Removed", is_solved=True)
    record_findings(session, by=ada, visit=visit, findings=better)
    assert [finding.fault for finding in findings_of(session, [visit.id])[visit.id]] == [
        "Pump blocked",
        "Fan blocked",
    ]


@pytest.mark.parametrize("wrong", ["", "   ", "x" * 10_000, "nul\x00", "\ud800"])
def test_texts_that_no_paper_can_hold_are_refused(
    session: Session, visit: Visit, ada: Principal, wrong: str
) -> None:
    with pytest.raises(TextInvalid):
        record_findings(
            session, by=ada, visit=visit, findings=Findings(fault=wrong, cause="", action="a", is_solved=True)
        )
    assert session.scalars(select(Finding)).all() == []


def test_a_fact_after_signing_makes_the_signature_old(session: Session, visit: Visit, ada: Principal) -> None:
    """R-509: sign again or waive."""
    report = b.a_report(session, visit)
    use_part(session, by=ada, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=1)
    session.refresh(report)
    assert report.is_current is False


def test_a_verified_record_takes_no_more_facts(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session, state="verified")
    with pytest.raises(refusals.RecordLocked):
        record_findings(session, by=None, visit=visit, findings=FOUND)
    with pytest.raises(refusals.RecordLocked):
        use_part(session, by=None, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=1)


def test_only_whoever_holds_or_held_the_visit_records_facts(session: Session, visit: Visit) -> None:
    ben = b.a_technician(session)
    with pytest.raises(refusals.NotYourVisit):
        record_findings(session, by=b.of(ben), visit=visit, findings=FOUND)
    b.a_visit_event(session, visit, technician_id=ben.id)
    assert record_findings(session, by=b.of(ben), visit=visit, findings=FOUND).visit_id == visit.id


def test_a_fitted_part_leaves_the_van_of_whoever_fitted_it(
    session: Session, visit: Visit, ada: Principal
) -> None:
    """R-511: the van has one keeper; what is fitted beyond the books turns the stock negative."""
    part = b.a_part(session)
    b.van_stock(session, session.get_one(b.Technician, visit.technician_id), part, 1)
    use_part(session, by=ada, visit=visit, sku=part.sku, direction="in", quantity=3, lot="L1")
    assert stock_of(session, visit.technician_id) == [-2]
    use_part(session, by=ada, visit=visit, sku=part.sku, direction="out", quantity=1)
    assert stock_of(session, visit.technician_id) == [-2], "an old part is no stock"


def test_a_part_recorded_by_mistake_returns_to_the_van_once(
    session: Session, visit: Visit, ada: Principal
) -> None:
    part = b.a_part(session)
    use = use_part(session, by=ada, visit=visit, sku=part.sku, direction="in", quantity=2)
    for _ in range(2):
        void_part_use(session, by=ada, visit=visit, use=use, reason="wrong pump")
    assert stock_of(session, visit.technician_id) == [0]
    assert part_uses_of(session, [visit.id]) == {}
    assert session.get(PartUse, use.id) is not None, "both facts are kept"
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "void_part_use"))
    assert (entry.subject, entry.detail) == (str(use.id), {"reason": "wrong pump"})


@pytest.mark.parametrize("quantity", [0, -1, 10_001, True])
def test_no_quantity_but_a_positive_one_is_taken(
    session: Session, visit: Visit, ada: Principal, quantity: int
) -> None:
    with pytest.raises(QuantityInvalid):
        use_part(session, by=ada, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=quantity)


def test_an_unknown_part_is_refused_by_name(session: Session, visit: Visit, ada: Principal) -> None:
    with pytest.raises(PartUnknown) as refused:
        use_part(session, by=ada, visit=visit, sku="NO-SUCH", direction="in", quantity=1)
    assert refused.value.detail["parts"] == ["NO-SUCH"]


def test_a_serial_belongs_to_one_piece(session: Session, visit: Visit, ada: Principal) -> None:
    with pytest.raises(refusals.SerialNeedsOne):
        use_part(
            session, by=ada, visit=visit, sku=b.a_part(session).sku, direction="in", quantity=2, serial="S1"
        )


def test_a_lot_that_failed_here_is_not_fitted_again(session: Session, now: MovableClock) -> None:
    """R-508: the overrule demands another part lot."""
    visit = b.a_visit(session, order=b.an_order(session, refused_part_lots=["L1"]), state="working")
    part = b.a_part(session)
    with pytest.raises(refusals.PartLotRefused):
        use_part(session, by=None, visit=visit, sku=part.sku, direction="in", quantity=1, lot="L1")
    assert (
        use_part(session, by=None, visit=visit, sku=part.sku, direction="in", quantity=1, lot="L2").lot
        == "L2"
    )


def test_a_part_of_the_kind_that_failed_says_of_which_lot_it_is(session: Session, now: MovableClock) -> None:
    """R-508: another part has no need of it."""
    former = b.a_visit(session, state="working")
    failed, other = b.a_part(session), b.a_part(session)
    use_part(session, by=None, visit=former, sku=failed.sku, direction="in", quantity=1)
    use_part(
        session, by=None, visit=b.a_visit(session, state="working"), sku=other.sku, direction="in", quantity=1
    )
    order = b.an_order(session, refused_part_lots=["L9"], repeat_of_id=former.work_order_id)
    visit = b.a_visit(session, order=order, state="working")
    for lot in (None, " "):
        with pytest.raises(refusals.PartLotNeeded):
            use_part(session, by=None, visit=visit, sku=failed.sku, direction="in", quantity=1, lot=lot)
    use_part(session, by=None, visit=visit, sku=failed.sku, direction="out", quantity=1)
    assert use_part(session, by=None, visit=visit, sku=other.sku, direction="in", quantity=1).lot is None
    assert use_part(session, by=None, visit=visit, sku=failed.sku, direction="in", quantity=1, lot="L2").lot


def test_the_customers_approval_is_in_the_orders_currency(
    session: Session, visit: Visit, ada: Principal
) -> None:
    """R-204: work beyond the estimate is agreed to on record, and an earlier signature stays good."""
    order = visit.work_order
    report = b.a_report(session, visit)
    with pytest.raises(CurrencyMismatch):
        record_approval(
            session, by=ada, order=order, amount=Money(100, "USD"), approved_by_name="C", method="phone"
        )
    kept = record_approval(
        session, by=ada, order=order, amount=Money(20000, "EUR"), approved_by_name="C", method="phone"
    )
    assert (kept.amount_minor, kept.recorded_by, kept.method) == (20000, ada.user_id, "phone")
    session.refresh(report)
    assert report.is_current


def test_a_technicians_own_times_fill_gaps_and_change_nothing_known(
    session: Session, visit: Visit, ada: Principal
) -> None:
    visit.arrived_at = b.at(9)
    note_times(session, by=ada, visit=visit, arrived_at=b.at(10), started_at=b.at(9.5))
    assert (visit.arrived_at, visit.started_at) == (b.at(9), b.at(9.5))
    report = b.a_report(session, visit)
    note_times(session, by=ada, visit=visit, arrived_at=b.at(10))
    assert report.is_current, "nothing changed"
