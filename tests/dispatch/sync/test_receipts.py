"""Clauses Receipt 1 to 3 of docs/reference/sync.md: what the customer was given is what the office booked."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dispatch import db
from dispatch.billing.commands import record_payment
from dispatch.billing.queries import payments
from dispatch.money import Money
from dispatch.sync import commands, protocol, queries
from dispatch.sync.provisional import number_of, receipt_of
from dispatch.work_orders.model import Visit
from tests.builders import serial
from tests.dispatch.sync.field import FINDINGS, MORNING, Field, paid, results
from tests.money_world import a_tariff


def told_number(field: Field, op: dict[str, Any]) -> str:
    """The number that the phone gave."""
    return number_of(field.epoch, op["op_id"])


def numbers(field: Field, visit: uuid.UUID) -> list[tuple[Any, ...]]:
    """Provisional numbers of the payments of a visit's order."""
    return field.ask(
        "select provisional_number from payment p join visit v using (work_order_id) where v.id = :id",
        id=visit,
    )


def body_of(field: Field, visit: uuid.UUID, cursor: str | None = None) -> dict[str, Any]:
    """The visit as it is pulled."""
    return next(one["body"] for one in field.pull(cursor).changes if one["id"] == str(visit))


def test_receipt_clause_1_what_a_phone_gives_follows_from_what_it_was_told(field: Field) -> None:
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00"), reference="7")
    told = body_of(field, visit)
    receipt = receipt_of(op, told, told["record"], [], [])
    assert receipt is not None
    assert (receipt["number"], receipt["sheet"]) == (told_number(field, op), told["number"])
    assert receipt["lines"]["en"][1:3] == ["Cash: EUR 5.00", "Reference: 7"]
    assert receipt["lines"]["zh"][0] == f"临时收据 {receipt['number']}"
    assert receipt_of(op, None, None, [], []) == receipt | {
        "sheet": "",
        "order": "",
        "technician": "",
        "lines": {name: [*lines[:3], *lines[-2:]] for name, lines in receipt["lines"].items()},
    }


def test_receipt_clause_2_a_pull_tells_anew_what_was_paid_whoever_took_it(field: Field) -> None:
    """The rate comes with the catalogue; the office's money counts as the phone's does."""
    visit = field.visit()
    with db.transaction() as session:
        a_tariff(session, code=serial("R2"), valid_from=date(1999, 1, 1), tax_rate=Decimal("0.1000"))
        told = queries.pull(session, field.by, cursor=None, key=b"k", catalogue="none")
    rates = list(told.catalogue["tax_rates"]) if told.catalogue else []
    assert {"valid_from": "1999-01-01", "tax_rate": "0.1000"} in rates
    cursor = field.pull().cursor
    field.push(field.op(protocol.PAYMENT, visit, **paid("5.00")))
    assert body_of(field, visit, cursor)["paid_minor"] == 500
    cursor = field.pull().cursor
    with db.transaction() as session:
        order = session.get_one(Visit, visit).work_order
        money = {"method": "card", "amount": Money(250, "EUR"), "received_at": MORNING}
        record_payment(session, by=field.desk, order=order, **money)
    now = body_of(field, visit, cursor)
    assert now["paid_minor"] == 750
    op = field.op(protocol.PAYMENT, visit, **paid("1.00"))
    first = [{"valid_from": "1999-01-01", "tax_rate": "0.1000"}]
    receipt = receipt_of(op, now, now["record"], [paid("2.00")], first)
    gross = now["estimate_minor"] + (now["estimate_minor"] * 10 + 50) // 100
    assert receipt is not None
    assert receipt["left_minor"] == gross - 750 - 200 - 100


def test_receipt_clause_3_the_office_books_under_the_number_that_was_given(field: Field) -> None:
    """Twice in a push, again later, and at the end one payment whose receipt never changes."""
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00"))
    first, second = field.push_raw([op, op])
    assert first == second == field.push_raw([op])[0]
    (receipt,) = field.push(op)
    assert receipt["effect"]["provisional_number"] == told_number(field, op)
    assert receipt["effect"]["receipt_number"].startswith("RCT-")
    assert numbers(field, visit) == [(told_number(field, op),)]
    with db.transaction() as session:
        found = payments(session, field.desk, provisional_number=told_number(field, op)).items
        assert [one.receipt_number for one in found] == [receipt["effect"]["receipt_number"]]
        assert payments(session, field.desk, provisional_number="PR-0000-0000-0000").items == ()


def test_receipt_clause_3_a_rejected_payment_is_found_and_keeps_its_number_when_the_desk_applies_it(
    field: Field,
) -> None:
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00", "USD"))
    other = field.op(protocol.PAYMENT, visit, **paid("-1.00"))
    assert [one.partition(":")[0] for one in results(field.push(op, other))] == ["rejected", "rejected"]
    number = told_number(field, op)
    with db.transaction() as session:
        [view] = queries.rejections(session, field.desk, provisional_number=number).items
        assert (view.op_id, view.provisional_number) == (uuid.UUID(op["op_id"]), number)
        commands.apply_anyway(
            session,
            by=field.desk,
            rejection=queries.find_rejection(session, field.desk, view.id),
            payload=paid("5.00"),
            company_currency="EUR",
        )
    assert numbers(field, visit) == [(number,)]
    with db.transaction() as session:
        assert queries.rejections(session, field.desk, provisional_number=number).items == ()
        [gone] = queries.rejections(session, field.desk, provisional_number=number, only_open=False).items
        assert gone.decided_by == field.desk.user_id


@pytest.mark.parametrize("claims", ["seq", "op_id"])
def test_receipt_clause_3_the_number_is_the_customers_whatever_identity_was_claimed(
    field: Field, claims: str
) -> None:
    """A restored phone claims another operation's place or id; the customer holds the number it gave."""
    visit = field.visit()
    first = field.op(protocol.FINDING, visit, **FINDINGS)
    op = field.op(protocol.PAYMENT, visit, **paid("7.00")) | {claims: first[claims]}
    assert results(field.push(first)) == ["applied"]
    assert results(field.push(op)) == [f"rejected:{'seq' if claims == 'seq' else 'id'}_reuse"]
    number = told_number(field, op)
    with db.transaction() as session:
        [view] = queries.rejections(session, field.desk, provisional_number=number).items
        assert view.provisional_number == number
        commands.apply_anyway(
            session,
            by=field.desk,
            rejection=queries.find_rejection(session, field.desk, view.id),
            company_currency="EUR",
        )
    assert numbers(field, visit) == [(number,)]
