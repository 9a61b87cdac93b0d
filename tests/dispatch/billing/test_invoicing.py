"""Issued once, numbered without gaps, never changed, printable for ever (R-602)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import clock, db, documents, outbox
from dispatch.billing.commands import issue, render
from dispatch.billing.errors import InvoiceNotRendered, SettlementNotApproved
from dispatch.billing.invoicing import asset_row, digest, missing_numbers
from dispatch.billing.model import Invoice
from dispatch.billing.rendering import pdf
from dispatch.customers.model import Asset, Customer
from dispatch.documents.errors import SnapshotInvalid
from dispatch.work_orders.model import StoredDocument
from tests.builders import a_territory, at, frozen_clock
from tests.dispatch.conftest import MovableClock
from tests.invariants import broken
from tests.money_world import a_tariff, a_verified_order, invoiced, settled
from tests.planning_world import register_kinds, runs_of


def test_an_approved_settlement_becomes_one_invoice(books: Session) -> None:
    a_tariff(books, payment_days=14)
    order = a_verified_order(books)
    [invoice] = invoiced(books, order)
    assert (invoice.number, invoice.net_minor, invoice.tax_minor, invoice.gross_minor) == (
        "INV-2026-000001",
        9250,
        2220,
        11470,
    )
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 3, 2), date(2026, 3, 16))
    assert order.state == "invoiced"
    [run] = runs_of(books, "billing.render_invoice")
    assert run.payload["invoice_id"] == str(invoice.id)


def test_a_second_run_issues_nothing_new(books: Session) -> None:
    """I9."""
    a_tariff(books)
    order = a_verified_order(books)
    assert invoiced(books, order) == invoiced(books, order)
    assert missing_numbers(books, "invoice:2026") == []


def test_equipment_is_printed_in_words() -> None:
    asset = Asset(product_kind="heat_pump", model="HP-08", serial="1")
    assert asset_row(asset) == {"name": "heat pump", "model": "HP-08", "serial": "1"}


def test_inside_the_makers_warranty_the_maker_is_billed(books: Session) -> None:
    """R-405: inside the maker's warranty the customer gets no document at all."""
    a_tariff(books)
    order = a_verified_order(books, asset={"maker_warranty_until": date(2026, 12, 31)})
    [invoice] = invoiced(books, order)
    assert (invoice.payer, invoice.snapshot["billed_to"]) == ("maker", "maker")
    assert "warranty" in invoice.snapshot["buyer"]["name"]


def test_two_payers_make_two_invoices_with_two_numbers(books: Session) -> None:
    """R-601."""
    a_tariff(books)
    order = a_verified_order(books)
    settlement = settled(books, order)
    books.execute(text("alter table settlement_line disable trigger refuse_change"))
    books.execute(
        text("update settlement_line set payer = 'maker' where kind = 'part' and settlement_id = :id"),
        {"id": settlement.id},
    )
    books.execute(text("alter table settlement_line enable trigger refuse_change"))
    books.expire_all()
    invoices = issue(books, settlement_id=settlement.id)
    assert [(i.payer, i.ordinal, i.net_minor) for i in invoices] == [
        ("customer", 1, 8000),
        ("maker", 2, 1250),
    ]
    for invoice in invoices:
        documents.check_snapshot("invoice", invoice.snapshot)


def test_only_an_approved_settlement_is_invoiced(books: Session) -> None:
    """R-204: what waits for review gets no number."""
    a_tariff(books)
    settlement = settled(books, a_verified_order(books, minutes=180))
    with pytest.raises(SettlementNotApproved):
        issue(books, settlement_id=settlement.id)
    assert books.scalars(select(Invoice)).all() == []


@pytest.mark.parametrize(
    "change",
    ["update invoice set gross_minor = 1", "update invoice set snapshot = '{}'", "delete from invoice"],
)
def test_the_database_refuses_to_change_an_issued_invoice(books: Session, change: str) -> None:
    """R-602, I2."""
    a_tariff(books)
    invoiced(books, a_verified_order(books))
    with pytest.raises(IntegrityError, match="never changed"), books.begin_nested():
        books.execute(text(change))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_paper_is_printed_once_from_the_frozen_snapshot(books: Session, language: str) -> None:
    """R-602, I11: a customer's new name changes neither hash nor paper; a second run prints nothing."""
    a_tariff(books)
    name = {"en": "Ada $name & Co", "zh": "王小明"}[language]
    order = a_verified_order(books, language=language, name=name)
    [invoice] = invoiced(books, order)
    with pytest.raises(InvoiceNotRendered):
        pdf(books, invoice)
    render(books, invoice_id=invoice.id)
    paper = pdf(books, invoice)
    assert paper.content.startswith(b"%PDF")
    books.get_one(Customer, order.customer_id).name = "Renamed"
    books.flush()
    render(books, invoice_id=invoice.id)
    books.expire_all()
    assert digest(invoice.snapshot) == invoice.snapshot_sha256
    assert invoice.snapshot["buyer"]["name"] == name
    assert documents.render("invoice", invoice.snapshot, language) == paper.content  # type: ignore[arg-type]
    assert len(books.scalars(select(StoredDocument)).all()) == 1
    assert len(runs_of(books, "messages.write")) == 1
    labour = invoice.snapshot["lines"][0]["description"]
    assert ("工时" in labour) is (language == "zh")


def test_what_cannot_be_printed_is_not_issued_and_burns_no_number(books: Session) -> None:
    a_tariff(books)
    bad = settled(books, a_verified_order(books, name="bell \x07"))
    with pytest.raises(SnapshotInvalid), books.begin_nested():
        issue(books, settlement_id=bad.id)
    books.expire_all()
    [good] = invoiced(books, a_verified_order(books))
    assert good.ordinal == 1


def test_days_never_go_back_within_a_series(books: Session, now: MovableClock) -> None:
    """I1: an office further west, where it is still yesterday, takes the day of the number before."""
    a_tariff(books)
    now.set(at(24.5))
    [east] = invoiced(books, a_verified_order(books, territory=a_territory(books)))
    west_of_here = a_territory(books, timezone="Europe/London")
    [west] = invoiced(books, a_verified_order(books, territory=west_of_here))
    assert (east.ordinal, west.ordinal) == (1, 2)
    assert east.issued_on == west.issued_on == date(2026, 3, 3)


def test_a_new_year_begins_a_new_series(books: Session, now: MovableClock) -> None:
    a_tariff(books)
    now.set(datetime(2026, 12, 31, 21, 59, tzinfo=UTC))
    [old] = invoiced(books, a_verified_order(books))
    now.set(now.moment + timedelta(minutes=2))
    [new] = invoiced(books, a_verified_order(books))
    assert (old.number, new.number) == ("INV-2026-000001", "INV-2027-000001")


@pytest.fixture
def committed(database_url: str) -> Iterator[db.Sessions]:
    """Sessions that really commit."""
    engine = db.connect(database_url, pool_size=10)
    db.configure(db.sessions(engine))
    register_kinds()
    clock.set_source(frozen_clock())
    yield db.sessions(engine)
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def test_numbers_have_no_gap_under_eight_threads_and_random_rollbacks(committed: db.Sessions) -> None:
    """R-602, I1: a quarter of the attempts fails after the number was taken; each is tried again."""
    with committed.begin() as session:
        a_tariff(session)
        place = a_territory(session)
        wanted = [settled(session, a_verified_order(session, territory=place)).id for _ in range(60)]
    chance = random.Random(7)
    failing = {settlement_id: chance.randrange(1, 3) for settlement_id in wanted if chance.random() < 0.3}

    def work(settlement_id: uuid.UUID) -> int:
        attempts = 0
        while True:
            attempts += 1
            try:
                with db.transaction() as session:
                    [invoice] = issue(session, settlement_id=settlement_id)
                    return invoice.ordinal // int(attempts > failing.get(settlement_id, 0))
            except ZeroDivisionError:
                continue

    with ThreadPoolExecutor(8) as pool:
        twice = [*pool.map(work, [*wanted, *wanted[:20]])]
    assert sorted(twice[:60]) == list(range(1, 61))
    assert twice[60:] == twice[:20]
    with committed() as session:
        assert missing_numbers(session, "invoice:2026") == []
        assert broken(session.connection()) == {}


def test_an_invoice_bears_the_customers_own_order_number_and_keeps_it(books: Session) -> None:
    """R-103, R-602: frozen with the rest; the maker's papers do not bear it."""
    a_tariff(books)
    order = a_verified_order(books, customer_reference="PO-4711")
    [invoice] = invoiced(books, order)
    assert invoice.snapshot["customer_reference"] == "PO-4711"
    order.customer_reference = "PO-4712"
    books.flush()
    books.refresh(invoice)
    assert invoice.snapshot["customer_reference"] == "PO-4711"
    plain = a_verified_order(books)
    assert "customer_reference" not in invoiced(books, plain)[0].snapshot
    makers = a_verified_order(
        books, asset={"maker_warranty_until": date(2026, 12, 31)}, customer_reference="PO-1"
    )
    assert "customer_reference" not in invoiced(books, makers)[0].snapshot
