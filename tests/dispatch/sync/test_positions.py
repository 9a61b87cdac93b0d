"""Positions from the phone (R-903, docs/reference/sync.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.sync import protocol
from tests import builders
from tests.builders import at
from tests.dispatch.sync.field import Field, paid, results


@pytest.fixture
def on_duty(field: Field) -> Field:
    """A technician with a shift from eight to sixteen; it is noon."""
    with db.transaction() as session:
        builders.a_shift(session, session.get_one(builders.Technician, field.technician_id))
    clock.set_source(lambda: at(12))
    return field


def fix(moment: datetime, **more: Any) -> dict[str, Any]:
    """A position as the phone tells it."""
    return {"at": moment.isoformat(), "latitude": "60.17123", "longitude": "24.94123"} | more


def kept(field: Field) -> list[datetime]:
    """The moments of the stored positions."""
    rows = field.ask("select at from position where technician_id = :id order by at", id=field.technician_id)
    return [moment for (moment,) in rows]


def test_position_clause_1_only_what_was_measured_on_duty_is_kept(on_duty: Field) -> None:
    """R-903: the rest is dropped by name and never stored."""
    broken = [{"at": "?", "latitude": "60", "longitude": "24"}, fix(at(9), latitude="north"), {"x": 1}]
    fixes = [fix(at(7)), fix(at(9), accuracy_metres=12), fix(at(13)), *broken]
    [receipt] = on_duty.push(on_duty.op(protocol.POSITIONS, fixes=fixes))
    assert receipt["result"] == "applied"
    assert receipt["effect"] == {"kept": 1, "dropped": {"OFF_DUTY": 1, "IN_FUTURE": 1, "UNREADABLE": 3}}
    assert kept(on_duty) == [at(9)]


def test_position_clause_1_a_break_on_the_phone_hides_what_follows(on_duty: Field) -> None:
    rest = on_duty.op(protocol.BREAK_START)
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(11)), fix(at(12))])
    assert on_duty.push(rest, told)[1]["effect"] == {"kept": 1, "dropped": {"ON_BREAK": 1}}


def test_position_clause_2_the_operation_does_not_hold_what_was_measured(on_duty: Field) -> None:
    """R-903: neither when it is decided at once, nor after it waited; delivered again it has no effect."""
    early = on_duty.op(protocol.POSITIONS, fixes=[fix(at(9))])
    late = on_duty.op(protocol.POSITIONS, fixes=[fix(at(10))])
    assert results(on_duty.push(late)) == ["held:gap"]
    assert results(on_duty.push(early, late)) == ["applied", "applied"]
    assert [on_duty.stored(op).body["payload"] for op in (early, late)] == [{}, {}]
    assert kept(on_duty) == [at(9), at(10)]
    assert results(on_duty.push(early)) == ["applied"]
    wrong = on_duty.op(protocol.POSITIONS, places=[fix(at(9))])
    assert results(on_duty.push(wrong)) == ["rejected:FIELD_UNKNOWN"]
    assert on_duty.stored(wrong).body["payload"] == {}


def test_position_clause_2_times_are_corrected_like_the_operations(on_duty: Field) -> None:
    operation = on_duty.op(protocol.POSITIONS, fixes=[fix(at(10))])
    wrong = timedelta(minutes=30)
    operation |= {"occurred_at": (at(12) - wrong).isoformat()}
    assert results(on_duty.push(operation)) == ["applied"]
    assert kept(on_duty) == [at(10) + wrong]


def test_position_clause_3_positions_block_nothing_and_come_last(on_duty: Field) -> None:
    visit = on_duty.visit()
    told = on_duty.op(protocol.POSITIONS, fixes="no list")
    more = on_duty.op(protocol.PAYMENT, visit, **paid("5.00"))
    assert results(on_duty.push(told, more)) == ["rejected:OPERATION_INVALID", "applied"]


def test_position_clause_4_switching_off_needs_a_reason_and_lasts(on_duty: Field) -> None:
    """R-903: the technician's own switch."""
    off = on_duty.op(protocol.SWITCH_POSITIONS, is_on=False)
    assert results(on_duty.push(off)) == ["rejected:OPERATION_INVALID"]
    off = on_duty.op(protocol.SWITCH_POSITIONS, is_on=False, reason="doctor")
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(11)), fix(at(12))])
    receipts = on_duty.push(off, told)
    assert [one["effect"] for one in receipts] == [
        {"is_on": False},
        {"kept": 1, "dropped": {"SWITCHED_OFF": 1}},
    ]
    on = on_duty.op(protocol.SWITCH_POSITIONS, is_on=True)
    again = on_duty.op(protocol.SWITCH_POSITIONS, is_on=True)
    receipts = on_duty.push(on, again)
    assert [one["effect"] for one in receipts] == [{"is_on": True}, {"is_on": True, "unchanged": True}]


def test_positions_under_an_identity_used_before_are_kept_nowhere(on_duty: Field) -> None:
    """R-903: what is refused is kept for the desk, positions excepted."""
    told = on_duty.op(protocol.POSITIONS, fixes=[fix(at(9))])
    on_duty.push(told)
    assert results(on_duty.push(told | {"payload": {"fixes": [fix(at(10))]}})) == ["rejected:id_reuse"]
    bodies = on_duty.ask(
        "select body->'payload' from sync_operation where device_id = :id", id=on_duty.by.device_id
    )
    assert bodies == [({},), ({},)]
    assert kept(on_duty) == [at(9)]
