"""Clause Conflict 20 of docs/reference/sync.md: a technician says how long work will still take."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.sync import protocol
from dispatch.work_orders import commands as visits
from dispatch.work_orders.model import Visit
from tests.dispatch.sync.field import Field

BEGIN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)


def told(field: Field, visit: uuid.UUID) -> Any:
    """When a visit is expected to be over."""
    return field.ask("select expected_end_at from visit where id = :id", id=visit)[0][0]


def longer(field: Field, visit: uuid.UUID, minutes: object, *, earlier: int = 0) -> dict[str, Any]:
    """The operation, recorded some minutes ago."""
    moment = clock.now() - timedelta(minutes=earlier)
    told = {"occurred_at": moment.isoformat(), "boot_id": "before the phone restarted"}
    return field.op(protocol.EXPECT, visit, remaining_minutes=minutes) | told


def at_work(field: Field) -> uuid.UUID:
    """A visit under way."""
    visit = field.visit()
    field.push(*(field.op(kind, visit) for kind in BEGIN))
    return visit


def by_the_desk(field: Field, visit: uuid.UUID, minutes: int, *, earlier: int) -> bool:
    """The office writes down what it heard by telephone some minutes ago."""
    with db.transaction() as session:
        found, at = session.get_one(Visit, visit), clock.now() - timedelta(minutes=earlier)
        return visits.expect_end(session, by=field.desk, visit=found, minutes=minutes, at=at)


def test_conflict_clause_20_of_one_technician_the_last_in_the_own_order_counts(field: Field) -> None:
    """R-503; §2.5: the phone's clock went back between the two, and once it was years ahead."""
    visit, now = at_work(field), clock.now()
    first = longer(field, visit, 45)
    (decided,) = field.push(first)
    assert (decided["result"], "effect" in decided) == (protocol.APPLIED, False)
    assert told(field, visit) == now + timedelta(minutes=45)
    (again,) = field.push(longer(field, visit, 5, earlier=10))
    assert "effect" not in again
    assert told(field, visit) == now - timedelta(minutes=5)
    assert field.push(first) == [decided]
    assert told(field, visit) == now - timedelta(minutes=5)
    ahead = field.op(protocol.EXPECT, visit, remaining_minutes=10) | {
        "occurred_at": (now + timedelta(days=2_000)).isoformat(),
        "mono_ms": None,
    }
    field.push(ahead, longer(field, visit, 180, earlier=1))
    assert told(field, visit) == now + timedelta(minutes=179)


def test_conflict_clause_20_of_technician_and_office_the_one_spoken_last(field: Field) -> None:
    visit, now = at_work(field), clock.now()
    field.push(longer(field, visit, 60, earlier=10))
    assert by_the_desk(field, visit, 30, earlier=5)
    assert told(field, visit) == now + timedelta(minutes=25)
    (late,) = field.push(longer(field, visit, 90, earlier=7))
    assert late["effect"] == {"unchanged": True}
    field.push(longer(field, visit, 20, earlier=2))
    assert told(field, visit) == now + timedelta(minutes=18)
    assert not by_the_desk(field, visit, 90, earlier=3)
    assert told(field, visit) == now + timedelta(minutes=18)
    words = field.ask("select technician_id, op_id is null from end_told where visit_id = :id", id=visit)
    assert {(who is None, is_desk) for who, is_desk in words} == {(True, True), (False, False)}


def test_conflict_clause_20_a_word_comes_with_the_next_pull_and_is_of_one_attendance(field: Field) -> None:
    """P7: going on by cursor gives what a new pull gives; the colleague begins without an end."""
    visit = at_work(field)
    cursor = field.pull().cursor
    field.push(longer(field, visit, 30))
    (change,) = [one for one in field.pull(cursor).changes if one["id"] == str(visit)]
    (anew,) = [one for one in field.pull().changes if one["id"] == str(visit)]
    assert change["body"]["version"] == anew["body"]["version"]
    other = field.colleague()
    other.reassign(visit)
    other.push(*(other.op(kind, visit) for kind in BEGIN))
    assert (other.state(visit), told(other, visit)) == ("working", None)


def test_conflict_clause_20_what_is_not_under_way_is_unchanged_and_blocks_nothing(field: Field) -> None:
    visit = field.visit()
    early = longer(field, visit, 45)
    begun = [field.op(kind, visit) for kind in BEGIN]
    receipts = field.push(early, *begun)
    assert {one["result"] for one in receipts} == {protocol.APPLIED}
    assert (receipts[0]["effect"], told(field, visit)) == ({"unchanged": True}, None)
    assert field.state(visit) == "working"
    other = field.colleague()
    (decided,) = other.push(longer(other, visit, 45))
    assert decided["result"] == protocol.REJECTED
    assert told(field, visit) is None


@pytest.mark.parametrize("minutes", [0, -5, 1441, "30", None, True, 2.5])
def test_conflict_clause_20_impossible_minutes_are_refused_and_block_nothing(
    field: Field, minutes: object
) -> None:
    visit = field.visit()
    begun = [field.op(kind, visit) for kind in BEGIN]
    receipts = field.push(*begun, longer(field, visit, minutes), longer(field, visit, 30))
    assert [one["result"] for one in receipts[3:]] == [protocol.REJECTED, protocol.APPLIED]
    assert told(field, visit) is not None
