"""Elderly and disabled customers are helped to pay: by somebody who calls, not by a letter alone (R-106)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing import helping
from dispatch.billing.commands import record_payment
from dispatch.billing.crediting import take_back
from dispatch.billing.model import Invoice
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.money import Money
from dispatch.promises.model import OfficeReminder
from dispatch.settings import Settings
from dispatch.work_orders.model import WorkOrder
from tests.builders import ZONE, a_contract, a_principal
from tests.dispatch.conftest import MovableClock
from tests.money_world import a_tariff, a_verified_order, invoiced


def billed(books: Session, *, needs_help: bool = True, **fields: object) -> tuple[WorkOrder, Invoice]:
    """An order of a customer who is helped, or not, and its invoice."""
    order = a_verified_order(books, **fields)  # type: ignore[arg-type]
    books.get_one(Customer, order.customer_id).needs_home_service = needs_help
    books.flush()
    [invoice] = invoiced(books, order)
    return order, invoice


def reminders(books: Session, order: WorkOrder) -> list[OfficeReminder]:
    """What the office is reminded of after a round, by level."""
    helping.remind(books, order.territory_id)
    statement = select(OfficeReminder).where(OfficeReminder.ended_at.is_(None))
    return list(books.scalars(statement.order_by(OfficeReminder.level)))


def paid(books: Session, order: WorkOrder, minor: int) -> None:
    """Money in cash."""
    record_payment(
        books, by=None, order=order, method="cash", amount=Money(minor, "EUR"), received_at=clock.now()
    )


def test_an_invoice_is_somebodys_call_until_the_last_cent_is_paid(books: Session) -> None:
    """R-106: once, for a call taker, about that invoice."""
    a_tariff(books)
    order, invoice = billed(books)
    [reminder] = reminders(books, order)
    assert (reminder.kind, reminder.subject) == ("help_to_pay", str(invoice.id))
    assert (reminder.role, reminder.level, reminder.territory_id) == ("call_taker", 1, order.territory_id)
    assert helping.remind(books, order.territory_id) == []
    paid(books, order, invoice.gross_minor - 1)
    assert reminders(books, order) == [reminder]
    paid(books, order, 1)
    assert reminders(books, order) == []


def test_the_person_above_is_reminded_once_it_is_overdue(books: Session, now: MovableClock) -> None:
    """R-106: from the midnight after the last day to pay, in the territory's own time."""
    a_tariff(books)
    order, invoice = billed(books)
    overdue = clock.local_midnight(invoice.due_on + timedelta(days=1), ZONE)
    now.set(overdue - timedelta(seconds=1))
    assert [each.level for each in reminders(books, order)] == [1]
    now.set(overdue)
    assert [(each.level, each.role) for each in reminders(books, order)] == [
        (1, "call_taker"),
        (2, "supervisor"),
    ]


def test_an_invoice_taken_back_is_nobodys_call(books: Session) -> None:
    """R-106, R-602."""
    a_tariff(books)
    order, invoice = billed(books)
    assert len(reminders(books, order)) == 1
    take_back(books, settlement_id=invoice.settlement_id, reason="our fault")
    assert reminders(books, order) == []


@pytest.mark.parametrize("why", ["no mark", "the house", "the contract", "another territory"])
def test_nobody_is_called_without_mark_or_rule(books: Session, why: str) -> None:
    """R-106: a switch of the house and of one contract."""
    a_tariff(books)
    off = {"help_to_pay": False}
    if why == "the house":
        change_house_rules(books, by=a_principal(), changes=off)
    order, _ = billed(books, needs_help=why != "no mark")
    if why == "the contract":
        customer = books.get_one(Customer, order.customer_id)
        order.contract_id = a_contract(books, customer=customer, house_rules=off).id
        books.flush()
    if why == "another territory":
        assert helping.remind(books, a_verified_order(books).territory_id) == []
        return
    assert reminders(books, order) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("needs_help", [True, False])
def test_the_customer_is_told_that_somebody_calls(books: Session, language: str, *, needs_help: bool) -> None:
    """R-106: with the invoice."""
    a_tariff(books)
    _, invoice = billed(books, needs_help=needs_help, language=language)
    ids = {"invoice_id": str(invoice.id)}
    message_id = write(books, event="InvoiceRendered", ids=ids, settings=Settings())
    assert message_id is not None
    words = {"en": "we call you and help you to pay", "zh": "我们会致电并协助您付款"}
    assert (words[language] in books.get_one(Message, message_id).body) is needs_help


def test_each_invoice_is_a_call_of_its_own(books: Session) -> None:
    """R-106."""
    a_tariff(books)
    first, invoice = billed(books)
    second, other = billed(books)
    second.territory_id = first.territory_id
    books.flush()
    assert {each.subject for each in reminders(books, first)} == {str(invoice.id), str(other.id)}
    paid(books, second, other.gross_minor)
    assert [each.subject for each in reminders(books, first)] == [str(invoice.id)]
