"""Clause Conflict 20 of docs/reference/sync.md: a technician says how long work will still take."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from dispatch import clock
from dispatch.sync import protocol
from tests.dispatch.sync.field import Field

BEGIN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START)


def told(field: Field, visit: uuid.UUID) -> Any:
    """When a visit is expected to be over."""
    return field.ask("select expected_end_at from visit where id = :id", id=visit)[0][0]


def longer(field: Field, visit: uuid.UUID, minutes: object, *, earlier: int = 0) -> dict[str, Any]:
    """The operation, recorded some minutes ago."""
    moment = clock.now() - timedelta(minutes=earlier)
    return field.op(protocol.EXPECT, visit, remaining_minutes=minutes) | {"occurred_at": moment.isoformat()}


def test_conflict_clause_20_the_word_told_last_counts_however_late_others_come(field: Field) -> None:
    """R-503."""
    visit, now = field.visit(), clock.now()
    field.push(*(field.op(kind, visit) for kind in BEGIN))
    first = longer(field, visit, 45)
    (decided,) = field.push(first)
    assert (decided["result"], "effect" in decided) == (protocol.APPLIED, False)
    assert told(field, visit) == now + timedelta(minutes=45)
    (late,) = field.push(longer(field, visit, 5, earlier=10))
    assert late["effect"] == {"unchanged": True}
    assert field.push(first) == [decided]
    assert told(field, visit) == now + timedelta(minutes=45)


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
