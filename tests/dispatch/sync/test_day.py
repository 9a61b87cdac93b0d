"""The day handed in from the phone, and the cashier's count answered (R-603, docs/reference/sync.md)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.access.rules import Role
from dispatch.hand_ins import chasing, owing, queries, receiving
from dispatch.hand_ins.model import HandIn
from dispatch.sync import protocol
from tests import builders
from tests.builders import DAY, at
from tests.dispatch.sync.field import Field, paid, results
from tests.phone.direct import DirectPhone

DRAWN = {"signed_by_name": "Ada", "signature_path": "M0 0L9 9"}


@pytest.fixture
def worked(field: Field) -> uuid.UUID:
    """A finished visit with fifty euros in cash."""
    visit = field.visit()
    pushed = field.push(*field.whole_visit(visit), field.op(protocol.PAYMENT, visit, **paid("50.00")))
    assert set(results(pushed)) == {"applied"}
    return visit


def handed(field: Field, counted: str | None = "50.00", **more: Any) -> dict[str, Any]:
    """The operation that hands in what is owed, signed."""
    with db.transaction() as session:
        due = owing.owed_in(session, field.territory_id, DAY, DAY, field.technician_id)
    payload: dict[str, Any] = {
        "day": DAY.isoformat(),
        "sheets": due[0].sheets if due else [],
        "counted": {"cash": counted} if counted else {},
        "currency": "EUR",
        **more,
    }
    sha256 = protocol.record_digest(protocol.handed_in_shown(payload))
    return field.op(protocol.HAND_IN, **payload, **({"shown_sha256": sha256} | DRAWN))


def counted(field: Field, hand_in_id: str, cents: int) -> str:
    """The cashier counts; return the hash of the count."""
    with db.transaction() as session:
        receipt = receiving.receive(
            session,
            by=field.desk,
            hand_in=session.get_one(HandIn, uuid.UUID(hand_in_id)),
            counted_minor={"cash": cents},
            currency="EUR",
            reasons={"cash": "counted twice"},
        )
        return receipt.shown_sha256


def answered(field: Field, hand_in_id: str, sha256: str, **payload: Any) -> dict[str, Any]:
    """The technician's word about the count."""
    return field.op(
        protocol.ANSWER_COUNT, **({"hand_in_id": hand_in_id, "shown_sha256": sha256} | DRAWN | payload)
    )


def state_of(field: Field, hand_in_id: str) -> str:
    """Where a hand-in stands."""
    return str(field.ask("select state from hand_in where id = :id", id=uuid.UUID(hand_in_id))[0][0])


def test_day_clause_1_a_signature_counts_for_exactly_what_is_handed_in(
    field: Field, worked: uuid.UUID
) -> None:
    """R-603: the technician's own signature, without contact."""
    voucher = {"number": "P-1", "kind": "parking", "amount": "2.50"}
    forged = handed(field)
    forged["payload"]["counted"] = {"cash": "40.00"}
    assert results(field.push(forged)) == ["rejected:HAND_IN_SIGNATURE_INVALID"]
    [receipt] = field.push(handed(field, vouchers=[voucher]))
    assert receipt["result"] == "applied"
    kept = field.ask(
        "select signed_by_name, vouchers from hand_in where id = :id",
        id=uuid.UUID(receipt["effect"]["hand_in_id"]),
    )
    assert kept == [("Ada", [{"number": "P-1", "kind": "parking", "amount_minor": 250}])]


def test_day_clause_1_a_phone_of_before_does_not_sign(field: Field, worked: uuid.UUID) -> None:
    operation = handed(field)
    for name in ("shown_sha256", *DRAWN):
        del operation["payload"][name]
    [receipt] = field.push(operation)
    assert (receipt["result"], receipt["effect"]["supplement"]) == ("applied", 0)


def test_day_clause_2_what_comes_later_is_a_supplement(field: Field, worked: uuid.UUID) -> None:
    """R-603: payments are never refused, nothing is lost, nothing is counted twice."""
    first = handed(field)
    assert results(field.push(first, handed(field, counted=None))) == [
        "applied",
        "rejected:ALREADY_HANDED_IN",
    ]
    late = field.op(protocol.PAYMENT, worked, **paid("7.00"))
    assert results(field.push(late, first)) == ["applied", "applied"]
    more = handed(field, counted="7.00", stock={"PUMP": 1})
    assert results(field.push(more)) == ["rejected:DAY_CLOSED"]
    [receipt] = field.push(handed(field, counted="7.00"))
    assert (receipt["result"], receipt["effect"]["supplement"]) == ("applied", 1)
    assert [row["expected_minor"] for row in receipt["effect"]["money"]] == [700]
    with db.transaction() as session:
        assert owing.owed_in(session, field.territory_id, DAY, DAY, field.technician_id) == []


def test_day_clause_3_a_count_is_accepted_or_disputed(field: Field, worked: uuid.UUID) -> None:
    """R-603: both sign what is booked."""
    [receipt] = field.push(handed(field))
    hand_in_id = receipt["effect"]["hand_in_id"]
    early = answered(field, hand_in_id, "0" * 64, accepts=True)
    assert results(field.push(early)) == ["rejected:NOT_RECEIVED"]
    sha256 = counted(field, hand_in_id, 4000)
    assert state_of(field, hand_in_id) == "received"
    wrong = answered(field, hand_in_id, "0" * 64, accepts=True)
    silent = answered(field, hand_in_id, sha256, accepts=False)
    assert results(field.push(wrong, silent)) == [
        "rejected:HAND_IN_SIGNATURE_INVALID",
        "rejected:TEXT_INVALID",
    ]
    yes = answered(field, hand_in_id, sha256, accepts=True)
    again = answered(field, hand_in_id, sha256, accepts=False, reason="no")
    assert results(field.push(yes, again)) == ["applied", "rejected:DAY_CLOSED"]
    booked = field.ask(
        "select kind, amount_minor from keeper_entry where hand_in_id = :id order by 1",
        id=uuid.UUID(hand_in_id),
    )
    assert booked == [("difference", 1000), ("handed_in", 4000)]


def test_day_clause_3_nobody_answers_for_a_colleague(field: Field, worked: uuid.UUID) -> None:
    [receipt] = field.push(handed(field))
    hand_in_id = receipt["effect"]["hand_in_id"]
    sha256 = counted(field, hand_in_id, 4000)
    other = field.colleague()
    assert results(other.push(answered(other, hand_in_id, sha256, accepts=True))) == ["rejected:NOT_FOUND"]


def test_day_clause_4_the_phone_reminds_in_the_own_language(field: Field, worked: uuid.UUID) -> None:
    """R-603: missing hand-ins are chased on the phone, and the reminder ends by itself."""
    assert field.pull().notices == []
    clock.set_source(lambda: at(21))
    with db.transaction() as session:
        chasing.chase(session, field.territory_id)
    [notice] = field.pull().notices
    assert (notice["kind"], notice["day"]) == ("hand_in", DAY.isoformat())
    assert DAY.isoformat() in notice["text"]
    phone = DirectPhone(field.by, clock.now)
    phone.pull()
    assert phone.store.notices() == [notice]
    with db.transaction() as session:
        session.get_one(builders.Technician, field.technician_id).language = "zh"
    assert "请上交" in field.pull().notices[0]["text"]
    [receipt] = field.push(handed(field))
    with db.transaction() as session:
        chasing.chase(session, field.territory_id)
    assert field.pull().notices == []
    phone.pull()
    assert phone.store.notices() == []
    phone.close()
    counted(field, receipt["effect"]["hand_in_id"], 4000)
    [notice] = field.pull().notices
    assert (notice["kind"], notice["hand_in_id"]) == ("open_hand_in", receipt["effect"]["hand_in_id"])


def test_a_hand_in_is_read_by_its_own_technician(field: Field, worked: uuid.UUID) -> None:
    [receipt] = field.push(handed(field))
    with db.transaction() as session:
        own = queries.find_hand_in(session, field.by, uuid.UUID(receipt["effect"]["hand_in_id"]))
        assert own.technician_id == field.technician_id
        assert field.by.role is Role.TECHNICIAN
