"""What was charged is taken back: withdrawn before its invoice, credited after it (R-402, R-602)."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from dispatch.access.rules import Role
from dispatch.billing.charging import charge
from dispatch.billing.commands import issue
from dispatch.billing.crediting import take_back
from dispatch.billing.model import CreditNote, Invoice, Settlement
from dispatch.billing.paying import record_payment
from dispatch.billing.queries import find_invoice
from dispatch.billing.rendering import pdf, render_credit_note
from dispatch.money import Money
from dispatch.simulation.papers import _journal
from dispatch.work_orders.model import WorkOrder
from tests.builders import a_principal, at, frozen_clock, serial
from tests.dispatch.conftest import MovableClock
from tests.invariants import broken
from tests.money_world import a_tariff, a_verified_order
from tests.planning_world import register_kinds, runs_of

BACK = "R-402: it came back"
FINANCE = a_principal(Role.FINANCE)


def a_charge(session: Session, order: WorkOrder, net_minor: int = 50_000) -> Settlement:
    """Something lent and lost."""
    return charge(
        session,
        order=order,
        source=f"loan:{serial('x')}",
        description_en="Loaner not given back",
        description_zh="备用机未归还",
        net_minor=net_minor,
        currency="EUR",
        explanation="R-402",
    )


def balance(session: Session) -> dict[str, int]:
    """Debit less credit by account, from the journal; the whole must come to nothing."""
    sums: dict[str, int] = {}
    for _, _, account, debit, credit, _, _ in _journal(session, "Europe/Helsinki"):
        minor = [round(100 * float(amount or 0)) for amount in (debit, credit)]
        sums[account] = sums.get(account, 0) + minor[0] - minor[1]
    assert sum(sums.values()) == 0
    return sums


def test_what_is_not_invoiced_yet_is_withdrawn_and_invoiced_by_nobody(books: Session) -> None:
    """R-402."""
    a_tariff(books)
    found = a_charge(books, a_verified_order(books))
    assert take_back(books, settlement_id=found.id, reason=BACK) == []
    assert found.state == "void"
    assert issue(books, settlement_id=found.id) == []
    assert take_back(books, settlement_id=found.id, reason=BACK) == []
    assert books.scalars(select(Invoice)).all() == []


def test_an_invoice_is_credited_once_and_the_ledger_comes_to_nothing(books: Session) -> None:
    """R-402, R-602: the same net, tax and gross; nothing is owed, nothing earned, no tax due."""
    a_tariff(books)
    found = a_charge(books, a_verified_order(books))
    [invoice] = issue(books, settlement_id=found.id)
    before = dict(invoice.snapshot)
    [note] = take_back(books, settlement_id=found.id, reason=BACK)
    assert take_back(books, settlement_id=found.id, reason=BACK) == [note]
    assert (note.number, note.net_minor, note.tax_minor, note.gross_minor) == (
        "CRN-2026-000001",
        50_000,
        12_000,
        62_000,
    )
    assert (invoice.snapshot, found.state) == (before, "invoiced")
    assert find_invoice(books, FINANCE, invoice.id).due_minor == 0
    assert set(balance(books).values()) == {0}
    assert len(runs_of(books, "billing.render_credit_note")) == 1


def test_what_was_paid_before_is_owed_to_the_customer_and_new_money_is_not_swallowed(books: Session) -> None:
    """R-602: a later payment of the order goes to what is open, never to what was credited."""
    a_tariff(books)
    order = a_verified_order(books)
    found = a_charge(books, order)
    [invoice] = issue(books, settlement_id=found.id)

    def pay(minor: int) -> None:
        record_payment(
            books, by=None, order=order, method="transfer", amount=Money(minor, "EUR"), received_at=at(9)
        )

    pay(20_000)
    take_back(books, settlement_id=found.id, reason=BACK)
    assert find_invoice(books, FINANCE, invoice.id).due_minor == -20_000
    other = a_charge(books, order, net_minor=10_000)
    [second] = issue(books, settlement_id=other.id)
    pay(12_400)
    assert find_invoice(books, FINANCE, second.id).due_minor == 0
    assert find_invoice(books, FINANCE, invoice.id).paid_minor == 20_000
    assert balance(books)["Receivable:Customers"] == -20_000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_paper_names_what_it_corrects_and_never_changes(books: Session, language: str) -> None:
    """R-602."""
    a_tariff(books)
    found = a_charge(books, a_verified_order(books, language=language))
    [invoice] = issue(books, settlement_id=found.id)
    [note] = take_back(books, settlement_id=found.id, reason=BACK)
    assert (note.snapshot["corrects"], note.snapshot["document"]) == (invoice.number, "credit_note")
    assert note.snapshot["totals"]["due_minor"] == note.gross_minor
    assert not {"due_date", "payment_hints"} & note.snapshot.keys()
    render_credit_note(books, credit_note_id=note.id)
    render_credit_note(books, credit_note_id=note.id)
    assert pdf(books, note).content.startswith(b"%PDF")
    assert len([run for run in runs_of(books, "messages.write") if "CreditNoteRendered" in run.key]) == 1


@pytest.mark.parametrize("change", ["update credit_note set net_minor = 1", "delete from credit_note"])
def test_the_database_refuses_to_change_a_credit_note(books: Session, change: str) -> None:
    """R-602."""
    a_tariff(books)
    found = a_charge(books, a_verified_order(books))
    issue(books, settlement_id=found.id)
    take_back(books, settlement_id=found.id, reason=BACK)
    with pytest.raises(IntegrityError, match="never changed"), books.begin_nested():
        books.execute(text(change))


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_leaves_the_books_in_order(books: Session, now: MovableClock, seed: int) -> None:
    """R-602, I1, I5, I7: generated; what customers owe is reckoned anew from what happened."""
    chance = random.Random(seed)
    a_tariff(books)
    orders = [a_verified_order(books) for _ in range(2)]
    charges = [a_charge(books, orders[0])]
    billed = {invoice.id: invoice.gross_minor for invoice in issue(books, settlement_id=charges[0].id)}
    credited: set[uuid.UUID] = set()
    paid = 0
    for _ in range(40):
        now.set(now.moment + timedelta(hours=chance.randint(0, 30)))
        what = chance.choice(("charge", "issue", "take back", "take back", "pay"))
        if what == "charge":
            charges.append(a_charge(books, chance.choice(orders), chance.randint(1, 99_999)))
            continue
        found = chance.choice(charges)
        if what == "issue":
            billed |= {invoice.id: invoice.gross_minor for invoice in issue(books, settlement_id=found.id)}
        elif what == "take back":
            credited |= {note.invoice_id for note in take_back(books, settlement_id=found.id, reason=BACK)}
        else:
            minor = chance.randint(1, 50_000)
            amount = Money(minor, "EUR")
            record_payment(
                books,
                by=None,
                order=chance.choice(orders),
                method="cash",
                amount=amount,
                received_at=now.moment,
            )
            paid += minor
        assert broken(books.connection()) == {}
    credited |= {note.invoice_id for note in take_back(books, settlement_id=charges[0].id, reason=BACK)}
    owed = sum(gross for invoice_id, gross in billed.items() if invoice_id not in credited) - paid
    assert balance(books).get("Receivable:Customers", 0) == owed
    assert len(books.scalars(select(CreditNote)).all()) == len(credited) > 0


def test_eight_threads_take_one_invoice_back_once(database_url: str) -> None:
    """R-602, I1: every one gets the same note, and its number is the only one."""
    engine = db.connect(database_url, pool_size=10)
    db.configure(db.sessions(engine))
    register_kinds()
    clock.set_source(frozen_clock())
    with db.transaction() as session:
        a_tariff(session)
        found = a_charge(session, a_verified_order(session)).id
        issue(session, settlement_id=found)

    def work(_: int) -> str:
        with db.transaction() as session:
            [note] = take_back(session, settlement_id=found, reason=BACK)
            return note.number

    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(work, range(16)))
    with engine.connect() as connection:
        assert broken(connection) == {}
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()
    assert numbers == {"CRN-2026-000001"}
