"""Money received: numbered, never refused for the order's state, used for what is open, to the last cent."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.billing.commands import record_payment
from dispatch.billing.errors import PaymentInvalid, PaymentRepeated
from dispatch.billing.model import Allocation, Payment
from dispatch.billing.paying import unallocated
from dispatch.billing.queries import find_invoice, payments
from dispatch.money import CurrencyMismatch, Money
from dispatch.work_orders.model import WorkOrder
from tests.builders import a_principal, at
from tests.money_world import a_tariff, a_verified_order, invoiced
from tests.planning_world import runs_of

GROSS = 11470


def pay(session: Session, order: WorkOrder, cents: int, **fields: Any) -> Payment:
    """Money in euro cents, in cash unless told otherwise."""
    defaults: dict[str, Any] = {"method": "cash", "amount": Money(cents, "EUR"), "received_at": at(10)}
    return record_payment(session, by=None, order=order, **{**defaults, **fields})


def used(session: Session) -> int:
    """Sum of all allocations."""
    return session.scalar(select(func.coalesce(func.sum(Allocation.amount_minor), 0))) or 0


def test_money_after_the_invoice_is_used_for_it(books: Session) -> None:
    a_tariff(books)
    order = a_verified_order(books)
    [invoice] = invoiced(books, order)
    first, second = pay(books, order, 5000), pay(books, order, GROSS - 5000)
    view = find_invoice(books, a_principal(), invoice.id)
    assert (view.paid_minor, view.due_minor) == (GROSS, 0)
    assert (first.receipt_number, second.receipt_number) == ("RCT-000001", "RCT-000002")
    assert [run.payload["event"] for run in runs_of(books, "messages.write")] == ["PaymentReceived"] * 2
    assert {item.id for item in payments(books, a_principal()).items} == {first.id, second.id}


def test_money_before_the_invoice_is_printed_on_it_and_used_when_it_is_issued(books: Session) -> None:
    """Decision 13: collected on site before anything is verified."""
    a_tariff(books)
    order = a_verified_order(books)
    payment = pay(books, order, 5000)
    [invoice] = invoiced(books, order)
    assert invoice.snapshot["totals"]["paid_minor"] == 5000
    assert invoice.snapshot["totals"]["due_minor"] == GROSS - 5000
    assert invoice.snapshot["payments"][0]["reference"] == payment.receipt_number
    assert find_invoice(books, a_principal(), invoice.id).due_minor == GROSS - 5000


def test_what_is_paid_too_much_stays_the_customers_credit(books: Session) -> None:
    """I7."""
    a_tariff(books)
    order = a_verified_order(books)
    invoiced(books, order)
    payment = pay(books, order, GROSS + 300)
    [left] = unallocated(books, order.id)
    assert (left.id, left.open_minor) == (payment.id, 300)


def test_money_never_pays_the_makers_invoice(books: Session) -> None:
    """R-405: the customer's credit is the customer's."""
    a_tariff(books)
    order = a_verified_order(books, asset={"maker_warranty_until": date(2026, 12, 31)})
    invoiced(books, order)
    pay(books, order, 1000)
    assert used(books) == 0


def test_another_currency_is_refused(books: Session) -> None:
    order = a_verified_order(books)
    with pytest.raises(CurrencyMismatch):
        pay(books, order, 0, amount=Money(100, "CNY"))


@pytest.mark.parametrize(("amount", "method"), [(0, "cash"), (-1, "cash"), (100, "barter")])
def test_amounts_and_methods_that_mean_nothing_are_refused(books: Session, amount: int, method: str) -> None:
    with pytest.raises(PaymentInvalid):
        pay(books, a_verified_order(books), amount, method=method)
    assert books.scalars(select(Payment)).all() == []


@pytest.mark.parametrize("key", [{"op_id": uuid.UUID(int=1)}, {"idempotency_key": "k"}])
def test_a_repeated_payment_is_recorded_once(books: Session, key: dict[str, Any]) -> None:
    """I9: the phone sends again; another amount under the same key is a mistake."""
    order = a_verified_order(books)
    assert pay(books, order, 100, **key) is pay(books, order, 100, **key)
    for other in ({"amount": Money(101, "EUR")}, {"method": "card"}):
        with pytest.raises(PaymentRepeated):
            pay(books, order, 100, **key, **other)
    assert len(runs_of(books, "messages.write")) == 1


@pytest.mark.parametrize("change", ["update payment set amount_minor = 1", "delete from payment"])
def test_the_database_refuses_to_change_a_payment(books: Session, change: str) -> None:
    pay(books, a_verified_order(books), 100)
    with pytest.raises(IntegrityError, match="never changed"), books.begin_nested():
        books.execute(text(change))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.integers(1, GROSS), max_size=3),
    after=st.lists(st.integers(1, GROSS), max_size=4),
)
def test_any_payments_before_and_after_are_used_exactly(
    books: Session, before: list[int], after: list[int]
) -> None:
    """I7: used is the smaller of what was paid and what was billed; the rest is credit."""
    if books.scalar(text("select count(*) from tariff")) == 0:
        a_tariff(books)
    order = a_verified_order(books)
    for amount in before:
        pay(books, order, amount)
    [invoice] = invoiced(books, order)
    for amount in after:
        pay(books, order, amount)
    paid = sum(before) + sum(after)
    view = find_invoice(books, a_principal(), invoice.id)
    assert view.paid_minor == min(paid, GROSS)
    credit = sum(payment.open_minor for payment in unallocated(books, order.id))
    assert credit == max(0, paid - GROSS)
