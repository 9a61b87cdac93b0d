"""Counts and their differences (R-511)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.parts import counting, queries, rules
from dispatch.parts.model import PartTransfer, PartUnit
from dispatch.parts.moving import held_at, move_at
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
    counting.sign(session, by=b.of(ada), row=row)
    [(moved, sku)] = queries.movements_at(session, place)
    assert (moved.change, moved.other_end, moved.note, sku) == (-2, "count", "fell out", part.sku)
    again = counting.count(session, **given, counted=3)
    assert (again.expected, len(queries.movements_at(session, place))) == (3, 1)
    assert [one.id for one, _ in queries.counts_at(session, place)] == [again.id, row.id]


def test_what_was_never_there_can_be_counted(session: Session, now: MovableClock) -> None:
    """R-511."""
    who, part = b.a_technician(session), b.a_part(session)
    place = Place(VAN, who.id)
    assert counting.count(session, by=b.a_principal(), place=place, part=part, counted=0).expected == 0
    row = counting.count(session, by=b.a_principal(), place=place, part=part, counted=2, reason="found")
    counting.sign(session, by=b.of(who), row=row)
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


def test_a_count_told_late_leaves_out_what_has_moved_since(session: Session, now: MovableClock) -> None:
    """R-511: five at eight, two fitted at nine; that four were there at half past eight is told at noon."""
    ada, part, me = b.a_technician(session), b.a_part(session), b.a_principal()
    place = Place(VAN, ada.id)
    b.van_stock(session, ada, part, 5)
    now.set(b.at(9))
    move_at(session, by=me, place=place, part_id=part.id, change=-2, reason="fitted", source="work")
    now.set(b.at(12))
    given = {"by": me, "place": place, "part": part}
    assert counting.count(session, **given, counted=5, at=b.at(8.5)).expected == 5
    row = counting.count(session, **given, counted=4, at=b.at(8.75), reason="fell out")
    counting.sign(session, by=b.of(ada), row=row)
    assert (row.expected, row.counted_at, held_at(session, place, part.id)) == (5, b.at(8.75), 2)
    assert counting.count(session, **given, counted=2).expected == 2


def test_a_count_told_after_a_later_one_changes_nothing(session: Session, now: MovableClock) -> None:
    """R-511: the piece that is missing is booked once, in whichever order the counts arrive."""
    ada, part, me = b.a_technician(session), b.a_part(session), b.a_principal()
    place = Place(VAN, ada.id)
    b.van_stock(session, ada, part, 5)
    now.set(b.at(12))
    given = {"by": me, "place": place, "part": part, "reason": "fell out"}
    stands = counting.count(session, **given, counted=4)
    row = counting.count(session, **given, counted=4, at=b.at(9))
    assert (row.expected, row.state, stands.state) == (5, "overtaken", "open")
    counting.sign(session, by=b.of(ada), row=stands)
    assert held_at(session, place, part.id) == 4


def test_pieces_that_came_and_went_after_a_count_are_where_they_are(
    session: Session, now: MovableClock
) -> None:
    """R-511: exactly one piece was there at nine; another has come since, and that one has been fitted."""
    ada, me = b.a_technician(session), b.a_principal()
    part = b.a_part(session, is_serialised=True)
    place = Place(VAN, ada.id)
    for hour, serial, change, reason in (
        (8, "A", 1, "loaded"),
        (10, "B", 1, "loaded"),
        (11, "A", -1, "fitted"),
    ):
        now.set(b.at(hour))
        source = f"{serial}{change}"
        move_at(
            session,
            by=me,
            place=place,
            part_id=part.id,
            change=change,
            reason=reason,
            source=source,
            serial=serial,
        )
    now.set(b.at(12))
    row = counting.count(session, by=me, place=place, part=part, counted=1, serials=["A"], at=b.at(9))
    assert (row.expected, held_at(session, place, part.id)) == (1, 1)
    here = select(PartUnit.serial).where(PartUnit.technician_id == ada.id)
    assert session.scalars(here).all() == ["B"]


def test_what_was_under_way_when_it_was_counted_is_not_missing(session: Session, now: MovableClock) -> None:
    """R-511: two were handed over at eight and confirmed at ten; three were there at nine."""
    ada, part, me = b.a_technician(session), b.a_part(session), b.a_principal()
    place = Place(VAN, ada.id)
    b.van_stock(session, ada, part, 5)
    session.add(
        PartTransfer(
            territory_id=ada.territory_id, part_id=part.id, quantity=2, giver_id=ada.id, state="confirmed",
            asked_at=b.at(8), handed_at=b.at(8), ended_at=b.at(10),
        )
    )  # fmt: skip
    now.set(b.at(10))
    move_at(session, by=me, place=place, part_id=part.id, change=-2, reason="transferred", source="t")
    now.set(b.at(12))
    assert counting.count(session, by=me, place=place, part=part, counted=3, at=b.at(9)).expected == 3
    assert held_at(session, place, part.id) == 3
