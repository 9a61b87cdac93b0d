"""What the reference phone gives a customer who pays while there is no contact (Receipt 1)."""

from __future__ import annotations

from typing import Any

from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from tests.phone.vectors import VISIT, phone_with

PAID = {"method": "cash", "amount": "50.00", "currency": "EUR"}
EVICT = {"kind": "evict", "id": VISIT}


def pay(phone: PhoneClient, **changes: Any) -> str:
    """Money is taken; the op_id."""
    return phone.record(protocol.PAYMENT, visit_id=VISIT, payload=PAID | changes)


def given(phone: PhoneClient, op_id: str) -> dict[str, Any]:
    """What the customer was given."""
    receipt = phone.provisional_receipt(op_id)
    assert receipt is not None
    return receipt


def pull(phone: PhoneClient, *changes: dict[str, Any], acked: int) -> None:
    """A complete pull that includes the operations up to a number."""
    phone.store.apply_pull(changes, cursor="d", acked_seq={phone.store.install_epoch: acked}, is_whole=False)


def test_a_receipt_is_there_at_once_and_stays_as_it_was_given() -> None:
    """The pull tells of more money since; what the customer holds does not change."""
    phone = phone_with([], 0)
    op_id = pay(phone)
    first = given(phone, op_id)
    assert first["lines"]["en"][1] == "Cash: EUR 50.00"
    assert first["left_minor"] == 8_268
    phone.store.take_receipts([{"op_id": op_id, "result": "applied"}])
    body = phone.store.visit(VISIT) or {}
    pull(phone, {"kind": "put", "id": VISIT, "body": body | {"paid_minor": 9_000}}, acked=1)
    assert given(phone, op_id) == first


def test_the_next_receipt_counts_what_was_taken_before() -> None:
    """Receipt 2: own money that the office has not told of yet, once; then the office's word."""
    phone = phone_with([], 0)
    assert [given(phone, pay(phone))["left_minor"] for _ in range(3)] == [8_268, 3_268, 0]
    assert (phone.visit(VISIT) or {})["paid_minor"] == 15_000
    body = phone.store.visit(VISIT) or {}
    pull(phone, {"kind": "put", "id": VISIT, "body": body | {"paid_minor": 5_000}}, acked=3)
    assert given(phone, pay(phone))["left_minor"] == 3_268


def test_what_cannot_be_money_gets_no_receipt_and_counts_nothing() -> None:
    phone = phone_with([], 0)
    for amount in ("-1.00", "0", "ten", "1.234"):
        assert phone.provisional_receipt(pay(phone, amount=amount)) is None
    assert given(phone, pay(phone))["left_minor"] == 8_268


def test_a_receipt_goes_with_the_words_of_its_operation() -> None:
    """P9: the visit was withdrawn; what is not acknowledged yet keeps both."""
    phone = phone_with([], 0)
    gone, kept = pay(phone), pay(phone)
    phone.store.take_receipts([{"op_id": op_id, "result": "applied"} for op_id in (gone, kept)])
    pull(phone, EVICT, acked=1)
    assert phone.provisional_receipt(gone) is None
    assert given(phone, kept)["sheet"] == "DS-005000"


def test_an_approval_that_cannot_be_read_hinders_neither_the_record_nor_a_receipt() -> None:
    """Record 4: the server refuses it, and whoever pays meanwhile is given a receipt."""
    phone = phone_with([], 0)
    agreed = {"currency": "no money", "amount": "900.00", "approved_by_name": "B", "method": "phone"}
    named = phone.record(protocol.APPROVAL, visit_id=VISIT, payload=agreed)
    assert phone.shown(VISIT)["approvals"] == []
    assert given(phone, pay(phone))["left_minor"] == 8_268
    phone.record(protocol.APPROVAL_VOID, visit_id=VISIT, payload={"of": named, "reason": "mistyped"})
    assert phone.shown(VISIT)["approvals"] == []
