"""Any deliveries in any order have one effect per operation (reliability P1, P2, P3, P4)."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dispatch import clock, db
from dispatch.sync import protocol
from dispatch.sync.refusals import BatchTooLarge
from tests import builders
from tests.builders import frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field

SHORT = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HOUR_MS = 3_600_000
PAID = {"method": "card", "currency": "EUR"}


def a_day(field: Field) -> list[dict[str, Any]]:
    """Every kind of operation over two visits, one part and a payment that is refused."""
    with db.transaction() as session:
        sku = builders.a_part(session).sku
    first, second = field.visit(), field.visit()
    fitted = {"sku": sku, "direction": "in", "quantity": 1}
    return [
        field.op(protocol.ACCEPT, first),
        *field.whole_visit(first),
        field.op(protocol.PAYMENT, first, **PAID, amount="10.00"),
        field.op(protocol.TRAVEL, second),
        field.op(protocol.ARRIVE, second),
        field.op(protocol.PART, second, **fitted),
        field.op(protocol.PAYMENT, second, **PAID, amount="-1.00"),
        field.op(protocol.NO_ACCESS, second, reason="nobody opened"),
    ]


def effects(field: Field, ops: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the operations brought about, by operation."""
    ids = [uuid.UUID(op["op_id"]) for op in ops]
    question = " union all ".join(
        f"select op_id, '{table}' from {table} where op_id = any(:ids)"
        for table in ("visit_event", "finding", "part_use", "service_report", "payment", "sync_rejection")
    )
    order = {op_id: position for position, op_id in enumerate(ids)}
    return sorted((order[row[0]], row[1]) for row in field.ask(question, ids=ids))


EXPECTED = [
    (0, "visit_event"),
    (1, "visit_event"),
    (2, "visit_event"),
    (3, "visit_event"),
    (4, "finding"),
    (5, "service_report"),
    (6, "visit_event"),
    (7, "payment"),
    (8, "visit_event"),
    (9, "visit_event"),
    (10, "part_use"),
    (11, "sync_rejection"),
    (12, "visit_event"),
]


@example(deliveries=[[1]])
@example(deliveries=[[12, 3, 1], [0, 0], [5, 4, 3, 2, 1]])
@settings(SHORT, max_examples=8)
@given(deliveries=st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=20), max_size=6))
def test_push_clause_4_any_deliveries_in_any_order_have_one_effect_each(
    field: Field, deliveries: list[list[int]]
) -> None:
    """Row 1. P1 to P3: first whatever the link does, then everything once more; each counts once."""
    clock.set_source(frozen_clock())
    fresh = Field.prepared()
    ops = a_day(fresh)
    final: dict[str, str] = {}
    for delivery in [*deliveries, range(len(ops))]:
        for receipt in fresh.push_raw([ops[index] for index in delivery]):
            told = json.loads(receipt)
            if told["result"] != protocol.HELD:
                assert final.setdefault(told["op_id"], receipt) == receipt
    assert len(final) == len(ops)
    assert fresh.pushed([]).acked_seq == {"phone-1": len(ops)}
    assert effects(fresh, ops) == EXPECTED


@settings(SHORT, max_examples=4)
@given(order=st.permutations(range(3)))
def test_push_clause_3_batches_of_several_phones_in_any_order_give_the_same_facts(
    field: Field, order: list[int]
) -> None:
    """Row 3. P4."""
    clock.set_source(frozen_clock())
    phones = [Field.prepared() for _ in range(3)]
    days = [a_day(phone) for phone in phones]
    for index in order:
        phones[index].push(*days[index])
    assert [effects(phone, day) for phone, day in zip(phones, days, strict=True)] == [EXPECTED] * 3


@pytest.mark.slow
def test_push_clause_3_thirty_days_without_contact_drain_in_order_beside_others(field: Field) -> None:
    """Row 15, small: 210 operations of thirty days in one go; a colleague's are decided in between."""
    clock.set_source(frozen_clock())
    visit, other = field.visit(), field.colleague()
    theirs = other.visit()
    ops = [
        field.op(protocol.PAYMENT, visit, **PAID, amount=f"{number}.00")
        | {"mono_ms": 3 * number * HOUR_MS, "boot_id": "b1"}
        for number in range(1, 211)
    ]
    now = {"wall": None, "mono_ms": 720 * HOUR_MS, "boot_id": "b1"}
    for begin in range(0, len(ops), 70):
        batch = ops[begin : begin + 70]
        told = [json.loads(one) for one in field.pushed(batch, clock=now).receipts]
        assert [one["result"] for one in told] == ["applied"] * len(batch)
        [theirs_told] = other.push(other.op(protocol.PAYMENT, theirs, **PAID, amount="1.00"))
        assert theirs_told["result"] == "applied"
    rows = field.ask(
        "select amount_minor, o.occurred_at from payment p join sync_operation o on o.op_id = p.op_id"
        " where o.device_id = :id order by o.seq",
        id=field.by.device_id,
    )
    assert [amount for amount, _ in rows] == [100 * number for number in range(1, 211)]
    assert {at - rows[0][1] - timedelta(hours=3 * n) for n, (_, at) in enumerate(rows)} == {timedelta(0)}
    assert field.pushed([]).acked_seq == {"phone-1": 210}


def test_push_clause_14_the_same_batch_sent_eight_times_at_once_has_one_effect(field: Field) -> None:
    ops = a_day(field)
    answers: list[list[str]] = []

    def send() -> None:
        answers.append(field.push_raw(ops))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
    assert effects(field, ops) == EXPECTED


def test_push_clause_14_two_phones_at_the_same_order_wait_for_each_other(field: Field) -> None:
    """A technician works while the desk's other technician pays for the same order: nothing is lost."""
    visit = field.visit()
    second = field.colleague()
    second.reassign(visit)
    field.reassign(visit)
    batches = [
        (
            phone,
            [phone.op(protocol.PAYMENT, visit, **PAID, amount=f"{n}.00") for n in range(1, 9)]
            + [phone.op(protocol.FINDING, visit, **FINDINGS)],
        )
        for phone in (field, second)
    ]
    told: list[str] = []

    def send(phone: Field, ops: list[dict[str, Any]]) -> None:
        told.extend(receipt["result"] for receipt in phone.push(*ops))

    threads = [threading.Thread(target=send, args=batch) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["applied"] * 18


def test_push_clause_1_a_refused_batch_can_be_sent_again_in_halves(field: Field) -> None:
    visit = field.visit()
    ops = [field.op(protocol.ACCEPT, visit) for _ in range(201)]
    refused = False
    try:
        field.push(*ops)
    except BatchTooLarge:
        refused = True
    assert refused
    told = list(itertools.chain(field.push(*ops[:100]), field.push(*ops[100:])))
    assert [receipt["result"] for receipt in told] == ["applied"] * 201
