"""Counts and their differences (R-511)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from dispatch.parts import counting, queries, rules
from dispatch.parts.moving import held_at
from dispatch.parts.rules import VAN, Place
from tests import builders as b
from tests.dispatch.conftest import MovableClock


def test_a_difference_is_a_movement_with_its_reason_and_who_counted(
    session: Session, now: MovableClock
) -> None:
    """R-511: without a reason nothing is changed."""
    ada, part, me = b.a_technician(session), b.a_part(session), b.a_principal()
    place = Place(VAN, ada.id)
    b.van_stock(session, ada, part, 5)
    given = {"by": me, "place": place, "part": part}
    with pytest.raises(rules.CountUnexplained) as refused:
        counting.count(session, **given, counted=3)
    assert (refused.value.detail["expected"], held_at(session, place, part.id)) == (5, 5)
    row = counting.count(session, **given, counted=3, reason="fell out")
    assert (row.expected, row.counted, row.counted_by) == (5, 3, me.user_id)
    [(moved, sku)] = queries.movements_at(session, place)
    assert (moved.change, moved.other_end, moved.note, sku) == (-2, "count", "fell out", part.sku)
    again = counting.count(session, **given, counted=3)
    assert (again.expected, len(queries.movements_at(session, place))) == (3, 1)
    assert [one.id for one, _ in queries.counts_at(session, place)] == [again.id, row.id]


def test_what_was_never_there_can_be_counted(session: Session, now: MovableClock) -> None:
    """R-511."""
    place, part = Place(VAN, b.a_technician(session).id), b.a_part(session)
    assert counting.count(session, by=b.a_principal(), place=place, part=part, counted=0).expected == 0
    counting.count(session, by=b.a_principal(), place=place, part=part, counted=2, reason="found")
    assert held_at(session, place, part.id) == 2
    for counted in (-1, 10_001):
        with pytest.raises(rules.QuantityInvalid):
            counting.count(session, by=b.a_principal(), place=place, part=part, counted=counted)


@pytest.mark.parametrize(("minimum", "target"), [(-1, 2), (3, 2), (1, 10_001)])
def test_a_level_can_be_reached(session: Session, minimum: int, target: int) -> None:
    place, part = Place(VAN, b.a_technician(session).id), b.a_part(session)
    with pytest.raises(rules.LevelInvalid):
        counting.set_level(
            session, by=b.a_principal(), place=place, part=part, minimum=minimum, target=target
        )
