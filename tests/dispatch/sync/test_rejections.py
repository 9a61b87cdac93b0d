"""Clauses Push 10 to 13 of docs/reference/sync.md: what is rejected is kept, and decided by people."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch import db
from dispatch.errors import NotFound
from dispatch.sync import commands, protocol, queries
from dispatch.sync.model import Rejection
from dispatch.sync.refusals import OperationInvalid, RejectionDecided
from dispatch.work_orders.model import Visit
from tests import builders
from tests.dispatch.sync.field import FINDINGS, Field, paid, payments, results

LONG = "n" * 10_000


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (protocol.PART, {"sku": "NONE", "direction": "in", "quantity": 1}, "PART_UNKNOWN"),
        (protocol.PART, {"sku": "", "direction": "in", "quantity": 1}, "TEXT_INVALID"),
        (protocol.FINDING, FINDINGS | {"fault": "f" * 5_000}, "TEXT_INVALID"),
        (protocol.FINDING, FINDINGS | {"is_solved": "yes"}, "OPERATION_INVALID"),
        (protocol.PAYMENT, paid("5.00", "USD"), "CURRENCY_MISMATCH"),
        (protocol.PAYMENT, paid("-5.00"), "PAYMENT_INVALID"),
        (protocol.PAYMENT, paid("0.001"), "AMOUNT_INVALID"),
        (protocol.PAYMENT, paid("5.00") | {"reference": LONG}, "TEXT_INVALID"),
        (
            protocol.APPROVAL,
            {"amount": "9.00", "currency": "EUR", "approved_by_name": LONG, "method": "phone"},
            "TEXT_INVALID",
        ),
        (protocol.WAIVE, {"reason": LONG}, "TEXT_INVALID"),
        (protocol.FINISH, {"rating": 6}, "OPERATION_INVALID"),
        (protocol.NO_ACCESS, {}, "TRANSITION_REFUSED"),
    ],
)
def test_push_clause_10_what_cannot_be_applied_is_rejected_by_name_and_kept(
    field: Field, kind: str, payload: dict[str, Any], code: str
) -> None:
    op = field.op(kind, field.visit(), **payload)
    (receipt,) = field.push(op)
    if kind == protocol.NO_ACCESS:  # it happened: kept as a case, not rejected
        assert receipt["result"] == "applied_conflict"
        return
    assert results([receipt]) == [f"rejected:{code}"]
    assert field.stored(op).body["payload"] == payload
    kept = field.ask("select code from sync_rejection where op_id = :id", id=op["op_id"])
    assert kept == [(code,)]


@pytest.mark.parametrize("together", [False, True])
def test_push_clause_10_a_visit_that_was_never_the_technicians_does_not_exist_for_the_phone(
    field: Field, together: bool
) -> None:
    """Alone and in a batch, which are looked up differently; what the phone's own visits say is applied."""
    visit, own = field.colleague().visit(), field.visit()
    foreign = [
        field.op(protocol.TRAVEL, visit),
        field.op(protocol.FINDING, visit, **FINDINGS),
        field.op(protocol.PAYMENT, visit, **paid("5.00")),
    ]
    batches = [[*foreign, field.op(protocol.TRAVEL, own)]] if together else [[one] for one in foreign]
    told = [result for batch in batches for result in results(field.push(*batch))]
    assert told[0] == told[2] == "rejected:NOT_FOUND"
    assert told[1] in {"rejected:NOT_FOUND", "rejected:blocked"}
    assert told[3:] == ["applied"] * together
    assert field.state(visit) == "published"
    assert payments(field, visit) == []
    assert field.ask("select 1 from finding where visit_id = :id", id=visit) == []


@pytest.mark.parametrize("quantity", [-1, 0, 10**15, True, "2", 1.5, None])
def test_push_clause_10_an_unusable_quantity_is_rejected(field: Field, quantity: Any) -> None:
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    visit = field.visit()
    (receipt,) = field.push(field.op(protocol.PART, visit, sku=sku, direction="in", quantity=quantity))
    assert receipt["code"] in {"QUANTITY_INVALID", "OPERATION_INVALID"}
    assert field.ask("select 1 from part_use where visit_id = :id", id=visit) == []


def open_rejections(field: Field) -> list[queries.RejectionView]:
    """What the desk sees."""
    with db.transaction() as session:
        return list(queries.rejections(session, field.desk).items)


def apply_anyway(
    field: Field,
    rejection_id: uuid.UUID,
    payload: dict[str, Any] | None = None,
    visit: uuid.UUID | None = None,
) -> int:
    """The desk applies a rejected operation; return how many took effect."""
    with db.transaction() as session:
        rejection = queries.find_rejection(session, field.desk, rejection_id)
        named = session.get_one(Visit, visit) if visit else None
        return len(
            commands.apply_anyway(
                session,
                by=field.desk,
                rejection=rejection,
                payload=payload,
                visit=named,
                company_currency="EUR",
            )
        )


def test_push_clause_10_the_desk_applies_it_as_a_new_operation_in_its_own_name(field: Field) -> None:
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00", "USD"))
    field.push(op)
    (rejection,) = open_rejections(field)
    apply_anyway(field, rejection.id, paid("5.00"))
    ((op_id, by, collected),) = field.ask(
        "select p.op_id, p.recorded_by, p.collected_by_technician_id from payment p"
        " join visit v on v.work_order_id = p.work_order_id where v.id = :id",
        id=visit,
    )
    assert (by, collected) == (field.desk.user_id, field.technician_id)
    ((body,),) = field.ask("select body from sync_operation where op_id = :id", id=op_id)
    assert (body["instead_of"], body["decided_by"]) == (op["op_id"], str(field.desk.user_id))
    assert results(field.push(op)) == ["rejected:CURRENCY_MISMATCH"]
    with pytest.raises(RejectionDecided):
        apply_anyway(field, rejection.id, paid("5.00"))
    assert payments(field, visit) == [(500,)]


def test_push_clause_16_the_desk_says_who_helped_at_a_visit_that_was_never_theirs(field: Field) -> None:
    """The work of a helping colleague is kept: money and parts are theirs, attributed to who decided."""
    colleague = field.colleague()
    visit = colleague.visit()
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    first = field.op(protocol.PART, visit, sku=sku, direction="in", quantity=1)
    field.push(
        first,
        field.op(protocol.FINDING, visit, **FINDINGS),
        field.op(protocol.PAYMENT, visit, **paid("5.00")),
    )
    by_op = {one.op_id: one for one in open_rejections(field)}
    assert sorted(one.code for one in by_op.values()) == ["NOT_FOUND", "NOT_FOUND", "blocked"]
    root = by_op[uuid.UUID(first["op_id"])]
    with pytest.raises(NotFound):
        apply_anyway(field, root.id)
    assert apply_anyway(field, root.id, visit=visit) == 2
    vans = field.ask("select quantity from van_stock where technician_id = :id", id=field.technician_id)
    assert vans == [(-1,)]
    (paying,) = open_rejections(field)
    assert apply_anyway(field, paying.id) == 1
    assert payments(field, visit) == [(500,)]
    assert results(field.push(field.op(protocol.FINDING, visit, **FINDINGS))) == ["applied"]
    who = field.ask("select technician_id, attached_by from visit_helper where visit_id = :id", id=visit)
    assert who == [(field.technician_id, field.desk.user_id)]
    holder = field.ask("select technician_id, state from visit where id = :id", id=visit)
    assert holder == [(colleague.technician_id, "published")]
    assert [change for page in [field.pull()] for change in page.changes if change["id"] == str(visit)] == []


def test_push_clause_16_what_a_helper_did_is_kept_beside_the_holders_visit(field: Field) -> None:
    """Steps of a helper are facts in a case: the visit stays its holder's. A wrong visit is corrected too."""
    visit, wrong = field.colleague().visit(), uuid.uuid4()
    arrive = field.op(protocol.ARRIVE, wrong)
    field.push(arrive)
    (root,) = open_rejections(field)
    assert apply_anyway(field, root.id, visit=visit) == 1
    assert field.state(visit) == "published"
    kinds = field.ask("select kind, detail->>'technician_id' from review_case where visit_id = :id", id=visit)
    assert kinds == [("illegal_transition", str(field.technician_id))]
    ((kept, body),) = field.ask(
        "select visit_id, body from sync_operation where body->>'instead_of' = :id", id=arrive["op_id"]
    )
    assert (kept, body["visit_id"], body["decided_by"]) == (visit, str(visit), str(field.desk.user_id))


def test_push_clause_16_what_belongs_to_a_day_is_given_to_no_visit(field: Field) -> None:
    field.push(field.op(protocol.COUNT, sku="NONE", counted=1))
    (root,) = open_rejections(field)
    with pytest.raises(OperationInvalid):
        apply_anyway(field, root.id, visit=field.visit())


def test_push_clause_10_the_technician_sees_own_rejections_and_no_others(field: Field) -> None:
    field.push(field.op("photo.add", field.visit()))
    with db.transaction() as session:
        assert len(queries.rejections(session, field.by).items) == 1
        other = field.colleague().by
        assert queries.rejections(session, other).items == ()
        with pytest.raises(NotFound):
            queries.find_rejection(session, other, session.query(Rejection.id).first()[0])


def test_push_clause_10_the_desk_puts_it_aside_and_the_payload_stays(field: Field) -> None:
    op = field.op("photo.add", field.visit(), shape="round")
    field.push(op)
    (rejection,) = open_rejections(field)
    with db.transaction() as session:
        found = queries.find_rejection(session, field.desk, rejection.id)
        commands.dismiss(session, by=field.desk, rejection=found, reason="a test of the app")
    assert open_rejections(field) == []
    assert field.stored(op).body["payload"] == {"shape": "round"}


def test_push_clause_11_a_rejected_operation_blocks_its_own_visit_until_the_phone_knows(
    field: Field,
) -> None:
    visit, other = field.visit(), field.visit()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    bad = field.op(protocol.PART, visit, sku="NONE", direction="in", quantity=1)
    pause = field.op(protocol.PAUSE, visit, reason="part")
    payment = field.op(protocol.PAYMENT, visit, **paid("1.00"))
    elsewhere = field.op(protocol.ACCEPT, other)
    receipts = field.push(*begun, bad, pause, payment, elsewhere)
    assert results(receipts)[3:] == ["rejected:PART_UNKNOWN", "rejected:blocked", "applied", "applied"]
    assert receipts[4]["blocked_by"] == bad["op_id"]
    ignorant = field.op(protocol.PAUSE, visit, reason="part") | {"known_seq": 3}
    knowing = field.op(protocol.PAUSE, visit, reason="part") | {"known_seq": 7}
    assert results(field.push(ignorant, knowing)) == ["rejected:blocked", "applied"]


@pytest.mark.parametrize("kind", [protocol.DECLINE, "photo.add", protocol.PAYMENT])
def test_push_clause_11_what_nothing_depends_on_blocks_nothing(field: Field, kind: str) -> None:
    visit = field.visit()
    receipts = field.push(field.op(kind, visit), field.op(protocol.TRAVEL, visit))
    assert [receipt["result"] for receipt in receipts] == ["rejected", "applied"]


def test_push_clause_12_applying_the_rejected_one_applies_what_it_blocked(field: Field) -> None:
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)]
    bad = field.op(protocol.PART, visit, sku="NONE", direction="in", quantity=1)
    blocked = [
        field.op(protocol.PAUSE, visit, reason="part"),
        field.op(protocol.RESUME, visit),
        field.op(protocol.PAUSE, visit, reason="lunch"),
    ]
    field.push(*begun, bad, *blocked)
    root = next(one for one in open_rejections(field) if one.op_id == uuid.UUID(bad["op_id"]))
    assert apply_anyway(field, root.id, {"sku": sku, "direction": "in", "quantity": 1}) == 4
    assert field.state(visit) == "paused"
    assert open_rejections(field) == []
    steps = field.ask(
        "select user_id, technician_id from visit_event where visit_id = :id and to_state = 'paused'",
        id=visit,
    )
    assert steps == [(field.desk.user_id, field.technician_id)] * 2


def test_push_clause_13_an_unknown_type_is_kept_whole(field: Field) -> None:
    """Row 11: kept, and decided anew later."""
    op = field.op("photo.add", field.visit(), anything={"deep": [1, 2]})
    assert results(field.push(op)) == ["rejected:OPERATION_UNKNOWN"]
    stored = field.stored(op)
    assert (stored.type, stored.state) == ("photo.add", "rejected")
    assert stored.body == op
