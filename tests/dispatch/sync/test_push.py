"""Clauses Push 1 to 9 of docs/reference/sync.md."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dispatch import clock, db
from dispatch.access import commands as access
from dispatch.access.model import Device
from dispatch.sync import commands, protocol, queries
from dispatch.sync.refusals import (
    BatchInvalid,
    BatchTooLarge,
    DeviceNeeded,
    DeviceRevoked,
)
from dispatch.work_orders.model import Visit
from tests.builders import MORNING, a_principal, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field, paid, payments, results


def test_identity_clause_1_a_login_without_a_phone_cannot_push(field: Field) -> None:
    visit = field.visit()
    with pytest.raises(DeviceNeeded):
        field.push(field.op(protocol.ACCEPT, visit), by=a_principal(technician_id=field.technician_id))


def test_identity_clause_2_a_revoked_phone_has_no_effect(field: Field) -> None:
    visit = field.visit()
    with db.transaction() as session:
        device = session.get_one(Device, field.by.device_id)
        access.revoke_device(session, by=None, device=device, expected_version=None)
    with pytest.raises(DeviceRevoked):
        field.push(field.op(protocol.ACCEPT, visit))
    assert field.state(visit) == "published"
    assert field.ask("select 1 from sync_operation where device_id = :id", id=field.by.device_id) == []


def test_identity_clause_5_a_restored_phone_counts_anew_and_hides_nothing(field: Field) -> None:
    """Row 10: a new installation; the numbers of before neither collide nor hide anything."""
    visit, other = field.visit(), field.visit()
    field.push(field.op(protocol.ACCEPT, visit))
    field.epoch, field._seq = "phone-2", itertools.count(1)
    (receipt,) = field.push(field.op(protocol.ACCEPT, other))
    assert receipt["result"] == "applied"
    assert field.pushed([]).acked_seq == {"phone-1": 1, "phone-2": 1}


def test_push_clause_1_more_than_two_hundred_operations_decide_nothing(field: Field) -> None:
    visit = field.visit()
    with pytest.raises(BatchTooLarge):
        field.push(*[field.op(protocol.ACCEPT, visit) for _ in range(201)])
    assert field.state(visit) == "published"


@pytest.mark.parametrize(
    "broken",
    [
        {"op_id": "7"},
        {"op_id": None},
        {"install_epoch": ""},
        {"install_epoch": "a b"},
        {"seq": 0},
        {"seq": True},
        {"seq": "1"},
        {"seq": 2**31},
    ],
)
def test_push_clause_2_an_operation_without_identity_decides_nothing(
    field: Field, broken: dict[str, Any]
) -> None:
    visit = field.visit()
    good, bad = field.op(protocol.ACCEPT, visit), field.op(protocol.TRAVEL, visit)
    with pytest.raises(BatchInvalid):
        field.push(good, bad | broken)
    assert field.state(visit) == "published"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"payload": None}, "OPERATION_INVALID"),
        ({"payload": []}, "OPERATION_INVALID"),
        ({"payload": {"shoe": 1}}, "FIELD_UNKNOWN"),
        ({"visit_id": None}, "OPERATION_INVALID"),
        ({"visit_id": "x"}, "OPERATION_INVALID"),
        ({"visit_id": str(uuid.uuid4())}, "NOT_FOUND"),
        ({"type": 7}, "OPERATION_UNKNOWN"),
        ({"schema": 99}, "OPERATION_UNKNOWN"),
        ({"occurred_at": "2026-03-02T09:00:00"}, "TIME_WITHOUT_ZONE"),
        ({"occurred_at": None}, "TIME_UNREADABLE"),
    ],
)
def test_push_clause_2_anything_else_that_is_wrong_rejects_that_operation_alone(
    field: Field, change: dict[str, Any], code: str
) -> None:
    broken = field.op(protocol.ACCEPT, field.visit()) | change
    good = field.op(protocol.ACCEPT, field.visit())
    assert results(field.push(broken, good)) == [f"rejected:{code}", "applied"]


def test_push_clause_2_a_database_that_does_not_answer_in_time_decides_nothing(field: Field) -> None:
    visit = field.visit()
    op = field.op(protocol.ACCEPT, visit)
    with db.transaction() as somebody:
        somebody.get_one(Visit, visit, with_for_update=True)
        with db.open_session() as impatient:
            impatient.execute(text("set local statement_timeout = '200ms'"))
            with pytest.raises(DBAPIError) as refused:
                commands.push(impatient, by=field.by, batch={"ops": [op]}, company_currency="EUR")
            impatient.rollback()
    assert isinstance(db.refusal_of(refused.value), db.Unavailable)
    assert field.state(visit) == "published"
    assert results(field.push(op)) == ["applied"]


def test_push_clause_3_one_poison_among_two_hundred_leaves_the_others_decided(field: Field) -> None:
    """Reliability §1 row 4: 1 poison in 200, 199 applied."""
    visit = field.visit()
    good = [field.op(protocol.ACCEPT, visit) for _ in range(120)]
    poison = field.op(protocol.FINDING, field.visit(), **(FINDINGS | {"fault": 7}))
    more = [field.op(protocol.ACCEPT, visit) for _ in range(79)]
    told = results(field.push(*good, poison, *more))
    assert told.count("applied") == 199
    assert told[120] == "rejected:OPERATION_INVALID"


def test_push_clause_3_a_fault_of_the_server_rejects_one_operation_and_keeps_it(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    visit = field.visit()
    monkeypatch.setattr("dispatch.sync.facts.record_payment", broken)
    bad, good = field.op(protocol.PAYMENT, visit, **paid("1.00")), field.op(protocol.ACCEPT, visit)
    assert results(field.push(bad, good)) == ["rejected:server_fault", "applied"]
    assert field.stored(bad).body["payload"] == paid("1.00")


def test_push_clause_3_what_is_refused_leaves_nothing_of_itself(field: Field) -> None:
    """The result is noted before the rating is looked at; both go."""
    visit = field.visit()
    field.push(*[field.op(kind, visit) for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START)])
    (receipt,) = field.push(field.op(protocol.FINISH, visit, is_solved=True, rating=6))
    assert results([receipt]) == ["rejected:OPERATION_INVALID"]
    assert field.ask("select is_solved, rating, state from visit where id = :id", id=visit) == [
        (None, None, "working")
    ]


def test_push_clause_4_the_same_batch_three_times_shuffled_gets_the_same_bytes(field: Field) -> None:
    """Reliability §7 row 1."""
    ops = [op for visit in (field.visit(), field.visit()) for op in field.whole_visit(visit)]
    first = field.push_raw(ops)
    by_op = {json.loads(receipt)["op_id"]: receipt for receipt in first}
    question = (
        "select (select count(*) from visit_event), (select count(*) from finding),"
        " (select count(*) from service_report), (select count(*) from job_run),"
        " (select count(*) from feed_row)"
    )
    effects = field.ask(question)
    for turn in range(3):
        shuffled = random.Random(turn).sample(ops, len(ops))
        assert field.push_raw(shuffled) == [by_op[op["op_id"]] for op in shuffled]
    assert field.ask(question) == effects


def test_push_clause_4_one_operation_twice_in_one_batch_counts_once(field: Field) -> None:
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00"))
    first, second = field.push_raw([op, op])
    assert first == second
    assert payments(field, visit) == [(500,)]


def test_push_clause_5_another_content_under_the_same_id_is_refused_with_an_alert(field: Field) -> None:
    """Row 6: rejected, and somebody is alerted."""
    visit = field.visit()
    op = field.op(protocol.PAYMENT, visit, **paid("5.00"))
    field.push(op)
    assert results(field.push(op | {"payload": paid("9.00")})) == ["rejected:id_reuse"]
    assert payments(field, visit) == [(500,)]
    alerts = field.ask(
        "select detail->>'reason' from audit_entry where subject = :id and outcome = 'alert'", id=op["op_id"]
    )
    assert alerts == [("id_reuse",)]
    assert results(field.push(op)) == ["applied"]
    assert results(field.push(op | {"payload": paid("9.00")})) == ["rejected:id_reuse"]
    assert kept(field, visit) == [("id_reuse", "9.00")]


def test_push_clause_5_an_id_of_another_technicians_phone_is_refused(field: Field) -> None:
    op = field.op(protocol.ACCEPT, field.visit())
    field.push(op)
    assert results(field.colleague().push(op)) == ["rejected:id_reuse"]


def kept(field: Field, visit: uuid.UUID) -> list[tuple[object, ...]]:
    """Rejected payments of a visit: code and amount."""
    return field.ask(
        "select r.code, o.body->'payload'->>'amount' from sync_rejection r"
        " join sync_operation o on o.op_id = r.op_id where o.visit_id = :id and r.decided_at is null"
        " order by r.id",
        id=visit,
    )


def test_push_clause_6_what_a_restored_phone_recorded_again_is_kept_for_the_desk(field: Field) -> None:
    """The place is taken, the work is not lost: seen once by both, and applied in the desk's name."""
    visit = field.visit()
    first = field.op(protocol.PAYMENT, visit, **paid("5.00"))
    second = field.op(protocol.PAYMENT, visit, **paid("7.00")) | {"seq": first["seq"]}
    field.push(first)
    for _ in range(2):
        assert results(field.push(second)) == ["rejected:seq_reuse"]
    assert kept(field, visit) == [("seq_reuse", "7.00")]
    with db.transaction() as session:
        (seen,) = queries.rejections(session, field.by).items
        rejection = queries.find_rejection(session, field.desk, seen.id)
        commands.apply_anyway(session, by=field.desk, rejection=rejection, company_currency="EUR")
    assert payments(field, visit) == [(500,), (700,)]
    assert (kept(field, visit), field.pushed([]).acked_seq) == ([], {"phone-1": 1})


def test_push_clause_6_another_operation_under_the_same_seq_is_refused(field: Field) -> None:
    visit = field.visit()
    first = field.op(protocol.ACCEPT, visit)
    second = field.op(protocol.TRAVEL, visit) | {"seq": first["seq"]}
    field.push(first)
    assert results(field.push(second)) == ["rejected:seq_reuse"]
    third = field.op(protocol.TRAVEL, visit)
    fourth = field.op(protocol.ARRIVE, visit) | {"seq": third["seq"], "op_id": str(uuid.uuid4())}
    third["seq"] = fourth["seq"] = 2
    assert results(field.push(third, fourth)) == ["applied", "rejected:seq_reuse"]


def test_push_clause_7_what_comes_after_a_gap_waits_until_the_gap_is_filled(field: Field) -> None:
    """Row 4: held until the gap is filled."""
    visit = field.visit()
    accept, travel, arrive = (
        field.op(kind, visit) for kind in (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE)
    )
    assert results(field.push(travel, arrive)) == ["held:gap", "held:gap"]
    assert field.state(visit) == "published"
    assert results(field.push(travel)) == ["held:gap"]
    assert results(field.push(accept)) == ["applied"]
    assert field.state(visit) == "on_site"
    assert results(field.push(travel, arrive)) == ["applied", "applied"]


def test_push_clause_8_acked_seq_never_passes_an_undecided_operation(field: Field) -> None:
    visit = field.visit()
    ops = [field.op(protocol.PAYMENT, visit, **paid("1.00")) for _ in range(4)]
    assert field.pushed([ops[0], ops[2]]).acked_seq == {"phone-1": 1}
    assert field.pushed([ops[3]]).acked_seq == {"phone-1": 1}
    assert field.pushed([ops[1]]).acked_seq == {"phone-1": 4}


def test_push_clause_9_after_72_hours_a_held_operation_is_decided_without_the_missing_one(
    field: Field,
) -> None:
    """Row 4: never filled, decided after 72 hours with a case."""
    visit = field.visit()
    missing, travel = field.op(protocol.ACCEPT, visit), field.op(protocol.TRAVEL, visit)
    payment = field.op(protocol.PAYMENT, visit, **paid("3.00"))
    field.push(travel, payment)
    clock.set_source(frozen_clock(MORNING + timedelta(hours=73)))
    assert field.pushed([]).acked_seq == {"phone-1": 0}
    late = field.op(protocol.PAYMENT, visit, **paid("4.00"))
    assert field.pushed([late]).acked_seq == {"phone-1": 4}
    assert results(field.push(travel, payment)) == ["applied_conflict", "applied"]
    assert payments(field, visit) == [(300,), (400,)]
    cases = field.ask("select kind from review_case where visit_id = :id", id=visit)
    assert cases == [("gap_forced",)]
    assert results(field.push(missing)) == ["applied"]
