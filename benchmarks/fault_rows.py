"""
Rows 1, 4, 6, 8, 10 and 12 of reliability.md §7, as often as that table asks.

Each row does a number of cases against the protocol on a real database and returns what it found; ``wrong``
counts what must not be. What is right is judged from the database, not from the code that decided.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatch import clock, db
from dispatch.errors import DispatchError
from dispatch.sync import protocol
from dispatch.sync.overdue import decide_overdue, overdue
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field
from tests.phone.direct import DirectPhone

CURRENCY = "EUR"
PAID = {"method": "card", "currency": CURRENCY, "amount": "5.00"}
BEGUN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)
APPLIED = {"applied", "applied_conflict"}
BATCH = 200
FACT_TABLES = ("finding", "part_use", "payment", "service_report", "visit_event")

Found = dict[str, int]
Op = dict[str, Any]


def row_1(cases: int, chance: random.Random) -> Found:
    """So many operations, then all of them three times more, shuffled: the same bytes, no new effect."""
    field = Field.prepared()
    ops = [op for _ in range(-(-cases // 6)) for op in field.whole_visit(field.visit())][:cases]
    receipts = _receipts(field, ops)
    before, other = _effects(field, ops), 0
    for _ in range(3):
        again = _receipts(field, chance.sample(ops, len(ops)))
        other += sum(receipts[op_id] != receipt for op_id, receipt in again.items())
    lost = len(ops) - len(receipts)
    changed = int(_effects(field, ops) != before)
    return {"receipts": 3 * len(ops), "lost": lost, "other_receipts": other, "wrong": lost + other + changed}


def _receipts(field: Field, ops: Sequence[Op]) -> dict[str, str]:
    """Final receipts by operation; what was held is told by a later one."""
    final: dict[str, str] = {}
    for batch in _batches(ops):
        for receipt in field.push_raw(batch):
            told = json.loads(receipt)
            if told["result"] != protocol.HELD:
                final[told["op_id"]] = receipt
    return final


def _batches(ops: Sequence[Op]) -> Iterator[Sequence[Op]]:
    return (ops[begin : begin + BATCH] for begin in range(0, len(ops), BATCH))


def _effects(field: Field, ops: Sequence[Op]) -> list[tuple[Any, ...]]:
    """How often each table of facts names these operations."""
    ids = [uuid.UUID(op["op_id"]) for op in ops]
    question = " union all ".join(
        f"select '{table}', count(*), count(distinct op_id) from {table} where op_id = any(:ids)"  # noqa: S608
        for table in FACT_TABLES
    )
    return field.ask(question, ids=ids)


def row_4(cases: int, chance: random.Random) -> Found:
    """A number is missing: what follows waits until it is there, or is decided after 72 hours with a case."""
    wrong = 0
    for number in range(cases):
        clock.set_source(frozen_clock())
        field = Field.prepared()
        visit = field.visit()
        ops = [field.op(kind, visit) for kind in (protocol.ACCEPT, *BEGUN)]
        ops.append(field.op(protocol.PAYMENT, visit, **PAID))
        missing = chance.randrange(3)
        sent = ops[:missing] + ops[missing + 1 :]
        told = field.push(*sent)
        wrong += any(one["result"] != protocol.HELD for one in told[missing:])
        if number % 2:
            final = {op["op_id"]: one["result"] for op in ops for one in field.push(op)}
            wrong += set(final.values()) != {"applied"} or field.state(visit) != "working"
        else:
            wrong += not _is_forced(field, visit)
    return {"gaps": cases, "wrong": wrong}


def _is_forced(field: Field, visit: uuid.UUID) -> bool:
    """Three days later everything is decided, the payment is there once, and a case names the gap."""
    clock.set_source(frozen_clock(MORNING + timedelta(hours=73)))
    with db.transaction() as session:
        places = [place for place in overdue(session) if place[0] == field.by.device_id]
    for device_id, name in places:
        with db.transaction() as session:
            decide_overdue(session, device_id, name, company_currency=CURRENCY)
    held = field.ask(
        "select count(*) from sync_operation where device_id = :id and state = 'held'", id=field.by.device_id
    )
    kinds = field.ask("select distinct kind from review_case where visit_id = :id", id=visit)
    paid = field.ask(
        "select count(*) from payment p join sync_operation o on o.op_id = p.op_id where o.visit_id = :id",
        id=visit,
    )
    return (held, kinds, paid) == ([(0,)], [("gap_forced",)], [(1,)])


def row_6(cases: int, chance: random.Random) -> Found:
    """The same identity with another content is refused with an alert; what was there stays."""
    field, wrong = Field.prepared(), 0
    visit = field.visit()
    for _ in range(cases):
        op = field.op(protocol.PAYMENT, visit, **PAID)
        [first] = field.push_raw([op])
        other = op | {"payload": PAID | {"amount": f"{chance.randint(6, 99)}.00"}}
        [told] = field.push(other)
        wrong += (told["result"], told.get("code")) != ("rejected", "id_reuse")
        wrong += field.push_raw([op]) != [first]
    paid = field.ask(
        "select count(*), sum(amount_minor) from payment p join sync_operation o using (op_id)"
        " where o.device_id = :id",
        id=field.by.device_id,
    )
    alerts = field.ask(
        "select count(*) from audit_entry a join sync_operation o on o.op_id::text = a.subject"
        " where a.outcome = 'alert' and o.device_id = :id",
        id=field.by.device_id,
    )
    wrong += paid != [(cases, 500 * cases)]
    wrong += alerts != [(cases,)]
    return {"reused": cases, "alerts": int(alerts[0][0]), "wrong": int(wrong)}


def row_8(cases: int, chance: random.Random) -> Found:
    """P14: clocks ten years off, jumping, without boot: steps are taken in the order of their numbers."""
    field, wrong = Field.prepared(), 0
    for _ in range(cases):
        visit = field.visit()
        ops = [field.op(kind, visit) | _clock(chance) for kind in (protocol.ACCEPT, *BEGUN)]
        now = _clock(chance)
        told = {"wall": now["occurred_at"], "mono_ms": now["mono_ms"], "boot_id": now["boot_id"]}
        field.pushed(ops, clock=told)
        steps = field.ask(
            "select o.seq, e.occurred_at <= :now from visit_event e join sync_operation o using (op_id)"
            " where e.visit_id = :id order by e.id",
            id=visit,
            now=clock.now(),
        )
        wrong += [seq for seq, _ in steps] != [op["seq"] for op in ops]
        wrong += not all(is_past for _, is_past in steps)
    return {"days": cases, "wrong": wrong}


def _clock(chance: random.Random) -> Op:
    off = timedelta(days=chance.randint(-3_650, 3_650), seconds=chance.randint(-86_400, 86_400))
    zone = chance.choice(("+02:00", "+01:00", "-05:00", "+08:00"))
    wall = (MORNING + off).replace(tzinfo=None).isoformat(timespec="seconds")
    return {
        "occurred_at": wall + zone,
        "mono_ms": chance.randint(0, 10**12),
        "boot_id": chance.choice(("b1", "b2")),
    }


def row_10(cases: int, chance: random.Random) -> Found:
    """P18: phones restored from an old backup lose nothing that they hold and collide with nothing."""
    lost = collided = 0
    for _ in range(cases):
        field = Field.prepared()
        visits = [str(field.visit()) for _ in range(2)]
        phone = DirectPhone(field.by, clock.now)
        phone.pull()
        _work(phone, visits, chance)
        if chance.random() < 0.5:
            phone.push()
        backup = phone.store.copy()
        _work(phone, visits, chance)
        phone.push()
        gone = {one.body["op_id"] for one in phone.store.operations()}
        backup.restored()
        phone.store = backup
        phone.pull()
        _work(phone, visits, chance)
        phone.push()
        phone.push()
        recorded = gone | {one.body["op_id"] for one in phone.store.operations()}
        decided = field.ask(
            "select op_id, receipt from sync_operation where device_id = :id", id=field.by.device_id
        )
        lost += len(recorded - {str(op_id) for op_id, _ in decided})
        collided += sum(
            json.loads(receipt).get("code") in {"seq_reuse", "id_reuse"} for _, receipt in decided
        )
        collided += len(phone.store.unsent(BATCH))
        phone.close()
    return {"restored": cases, "lost": lost, "collided": collided, "wrong": lost + collided}


def _work(phone: DirectPhone, visits: Sequence[str], chance: random.Random) -> None:
    held = {one["id"] for one in phone.store.visits()}
    for visit_id in visits:
        if visit_id in held:
            phone.record(chance.choice((protocol.ACCEPT, *BEGUN)), visit_id=visit_id)
            phone.record(protocol.PAYMENT, visit_id=visit_id, payload=PAID)


def row_12(cases: int, chance: random.Random) -> Found:
    """Called off or given away while the work was done offline: facts stay, a case names each step."""
    field, wrong = Field.prepared(), 0
    second = field.colleague()
    for _ in range(cases):
        visit = field.visit()
        work = _offline(field, visit, chance.randint(1, 5))
        with suppress(DispatchError):
            if chance.random() < 0.5:
                field.cancel(visit)
            else:
                second.reassign(visit)
                if chance.random() < 0.5:
                    second.push(second.op(protocol.TRAVEL, visit))
        told = field.push(*work)
        wrong += _is_silent(field, visit, work, told)
    return {"pairs": cases, "wrong": wrong}


def _offline(field: Field, visit: uuid.UUID, steps: int) -> list[Op]:
    """The first so many operations of a visit, and the payment."""
    work = [field.op(kind, visit) for kind in BEGUN[:steps]]
    if steps > len(BEGUN):
        work.append(field.op(protocol.FINDING, visit, **FINDINGS))
    if steps > len(BEGUN) + 1:
        work.append(field.signature(visit, work[-1]))
        work.append(field.op(protocol.FINISH, visit, is_solved=True))
    return [*work, field.op(protocol.PAYMENT, visit, **PAID)]


def _is_silent(field: Field, visit: uuid.UUID, work: Sequence[Op], told: Sequence[Op]) -> int:
    """Whether a fact is not there, or a step that could not be taken is in no case of the visit."""
    facts = {op["op_id"]: op["type"] for op in work if op["type"] in (protocol.FINDING, protocol.PAYMENT)}
    there = field.ask(
        "select op_id::text from finding where visit_id = :id union all select p.op_id::text from payment p"
        " join sync_operation o using (op_id) where o.visit_id = :id",
        id=visit,
    )
    named = {
        fact["op_id"]
        for (detail,) in field.ask("select detail from review_case where visit_id = :id", id=visit)
        for fact in detail.get("facts", [])
    }
    contradicted = {one["op_id"] for one in told if one["result"] == "applied_conflict"}
    is_kept = {row[0] for row in there} == set(facts)
    is_taken = all(one["result"] in APPLIED for one in told)
    return int(not (is_kept and is_taken and contradicted and contradicted <= named))


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A row of the table: what happens, how often it asks for, and how it is done."""

    number: int
    what: str
    cases: int
    run: Callable[[int, random.Random], Found]


ROWS = (
    FaultRow(1, "operations sent three times more, shuffled", 10_000, row_1),
    FaultRow(4, "gaps, filled later or never", 500, row_4),
    FaultRow(6, "identities used for another content", 1_000, row_6),
    FaultRow(8, "days by clocks up to ten years off", 2_000, row_8),
    FaultRow(10, "phones restored from a backup", 200, row_10),
    FaultRow(12, "visits called off or given away while they were done", 5_000, row_12),
)
