"""Clause Time 9 of docs/reference/sync.md: a break inside a visit is neither way nor work."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from dispatch import clock, db
from dispatch.billing.commands import settle
from dispatch.sync import protocol
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.resting import Rested, rested
from dispatch.work_orders.verifying import decide_case
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field, results
from tests.money_world import a_tariff

HEARD_LATE = [
    (protocol.BREAK_START, 45),
    (protocol.BREAK_END, 60),
    (protocol.BREAK_START, 95),
    (protocol.BREAK_END, 100),
]
"""Minutes after eight: a break at work, and one after it, which changes nothing."""


def settled(field: Field, visit_id: uuid.UUID) -> list[tuple[str, int]]:
    """Settle the visit's order; return kind and net of the lines of labour."""
    with db.transaction() as session:
        visit = session.get_one(Visit, visit_id)
        found = settle(session, work_order_id=visit.work_order_id)
        assert found is not None
        return [(line.kind, line.net_minor) for line in found.lines if line.kind == "labour"]


def tell(field: Field, minutes: int, kind: str, visit: uuid.UUID | None = None, **payload: Any) -> None:
    """Something happens so many minutes after eight, and is heard at once."""
    clock.set_source(frozen_clock(MORNING + timedelta(minutes=minutes)))
    assert results(field.push(field.op(kind, visit, **payload))) == ["applied"]


def test_time_clause_9_a_break_is_left_out_of_way_and_work_and_once_within_a_pause(field: Field) -> None:
    visit = field.visit()
    tell(field, 0, protocol.TRAVEL, visit)
    tell(field, 5, protocol.BREAK_START)
    tell(field, 15, protocol.BREAK_END)
    tell(field, 30, protocol.ARRIVE, visit)
    tell(field, 30, protocol.START, visit)
    tell(field, 40, protocol.BREAK_START)
    tell(field, 55, protocol.BREAK_END)
    tell(field, 60, protocol.PAUSE, visit, reason="part is in the depot")
    tell(field, 60, protocol.BREAK_START)
    tell(field, 90, protocol.RESUME, visit)
    tell(field, 95, protocol.BREAK_END)
    tell(field, 110, protocol.BREAK_START)
    tell(field, 120, protocol.FINDING, visit, **FINDINGS)
    assert results(field.push(field.signature(visit), field.op(protocol.FINISH, visit))) == ["applied"] * 2
    clock.set_source(frozen_clock(MORNING + timedelta(hours=9)))
    with db.transaction() as session:
        held = session.get_one(Visit, visit)
        assert held.paused_seconds == 30 * 60
        assert rested(session, [held]) == {visit: Rested(10 * 60, (15 + 5 + 10) * 60)}


def test_time_clause_9_a_break_heard_of_when_the_visit_is_settled_is_looked_at(field: Field) -> None:
    """Conflict 16: an hour was settled; of a quarter's break in it somebody hears later and decides."""
    visit = field.visit()
    with db.transaction() as session:
        a_tariff(session, valid_from=date(2020, 1, 1))
    tell(field, 0, protocol.TRAVEL, visit)
    tell(field, 30, protocol.ARRIVE, visit)
    tell(field, 30, protocol.START, visit)
    tell(field, 90, protocol.FINDING, visit, **FINDINGS)
    assert results(field.push(field.signature(visit), field.op(protocol.FINISH, visit))) == ["applied"] * 2
    assert settled(field, visit) == [("labour", 6000)]
    clock.set_source(frozen_clock(MORNING + timedelta(hours=3)))
    told = [field.op(kind) | {"mono_ms": 1000 - (180 - at) * 60_000} for kind, at in HEARD_LATE]
    assert results(field.push(*told)) == ["applied_conflict"] * 2 + ["applied"] * 2
    question = "select id, kind from review_case where visit_id = :id and decided_at is null"
    [(case_id, kind)] = field.ask(question, id=visit)
    assert kind == "late_fact"
    with db.transaction() as session:
        assert session.get_one(Visit, visit).billing_hold
        decide_case(session, by=field.desk, case=session.get_one(ReviewCase, case_id), decision="rested")
    assert settled(field, visit) == [("labour", 4500)]
