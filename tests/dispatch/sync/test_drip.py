"""Clause Pull 12 of docs/reference/sync.md: drip-feed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.contracts.house_rules import change_house_rules
from dispatch.errors import DispatchError
from dispatch.sync import protocol
from dispatch.sync.refusals import Resync
from tests.builders import at, frozen_clock
from tests.dispatch.sync.field import Field
from tests.dispatch.sync.test_pull import apply, held


def drip(field: Field, *, is_on: bool) -> None:
    """Set the rule of the house."""
    with db.transaction() as session:
        change_house_rules(session, by=field.desk, changes={"drip_feed": is_on})


@pytest.fixture(autouse=True)
def _afterwards(field: Field) -> Iterator[None]:
    """The database is shared: leave the rule as it was."""
    yield
    drip(field, is_on=False)


def not_begun(phone: dict[str, Any]) -> list[str]:
    """Visits on the phone that have not begun."""
    return [name for name, body in phone.items() if body["state"] in {"published", "accepted"}]


def test_pull_clause_12_the_next_visit_alone_is_held_and_the_following_comes_when_it_begins(
    field: Field,
) -> None:
    drip(field, is_on=True)
    later, first, second = (field.visit(planned_start=at(hour)) for hour in (15, 9, 12))
    phone = held(field)
    assert set(phone) == {str(first)}
    cursor = field.pull().cursor
    field.push(field.op(protocol.TRAVEL, first))
    pulled = field.pull(cursor)
    apply(phone, pulled.changes)
    assert set(phone) == {str(first), str(second)}
    field.cancel(second)
    apply(phone, field.pull(pulled.cursor).changes)
    assert set(phone) == {str(first), str(later)}


def test_pull_clause_12_work_for_a_visit_that_is_held_back_is_taken(field: Field) -> None:
    drip(field, is_on=True)
    field.visit(planned_start=at(9))
    other = field.visit(planned_start=at(12))
    decided = field.push(field.op(protocol.TRAVEL, other))
    assert [one["result"] for one in decided] == [protocol.APPLIED]
    assert str(other) in held(field)


def test_pull_clause_12_switching_the_rule_starts_anew(field: Field) -> None:
    both = {str(field.visit(planned_start=at(hour))) for hour in (9, 12)}
    cursor = field.pull().cursor
    drip(field, is_on=True)
    with pytest.raises(Resync):
        field.pull(cursor)
    cursor = field.pull().cursor
    drip(field, is_on=False)
    with pytest.raises(Resync):
        field.pull(cursor)
    assert set(held(field)) == both


@pytest.mark.parametrize("seed", range(4))
def test_pull_clause_12_going_on_by_cursors_is_the_same_as_starting_anew(field: Field, seed: int) -> None:
    """And never more than one visit that has not begun is held, whatever happens in whatever order."""
    chance, other = random.Random(seed), field.colleague()
    drip(field, is_on=True)
    mine = [field.visit(planned_start=at(hour)) for hour in chance.sample(range(8, 18), 5)]
    phone, cursor = held(field), field.pull().cursor
    acts: list[Callable[[Any], object]] = [
        field.cancel,
        other.reassign,
        field.reassign,
        lambda visit: field.push(field.op(protocol.TRAVEL, visit)),
        lambda visit: field.push(field.op(protocol.ACCEPT, visit)),
        lambda visit: field.push(field.op(protocol.DECLINE, visit, reason="ill")),
        lambda _: mine.append(field.visit(planned_start=at(chance.randrange(8, 18)))),
    ]
    for _ in range(8):
        with suppress(DispatchError):  # what the office may not do changes nothing
            chance.choice(acts)(chance.choice(mine))
        pulled = field.pull(cursor)
        apply(phone, pulled.changes)
        cursor = pulled.cursor
        assert phone == held(field)
        assert len(not_begun(phone)) <= 1


def test_pull_clause_12_a_visit_left_behind_keeps_no_other_back(field: Field) -> None:
    drip(field, is_on=True)
    left = field.visit(planned_start=at(9, days=-1))
    today = field.visit(planned_start=at(9))
    clock.set_source(frozen_clock(at(8, days=-1)))
    phone, cursor = held(field), field.pull().cursor
    assert set(phone) == {str(left)}
    clock.set_source(frozen_clock(at(8)))
    apply(phone, field.pull(cursor).changes)
    assert set(phone) == {str(today)}
