"""Clause Time 9 of docs/reference/sync.md: a break inside a visit is neither way nor work."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from dispatch import clock, db
from dispatch.sync import protocol
from dispatch.work_orders.model import Visit
from dispatch.work_orders.resting import Rested, rested
from tests.builders import MORNING, frozen_clock
from tests.dispatch.sync.field import FINDINGS, Field, results


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
