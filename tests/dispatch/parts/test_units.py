"""Pieces with serial numbers: each in one place (R-511)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch.parts import commands, counting, rules, transferring, units
from dispatch.parts.model import Part, PartUnit
from dispatch.parts.moving import held_at
from dispatch.parts.rules import STORE, VAN, Place
from dispatch.parts.transferring import Wish
from dispatch.parts.units import Unexplained
from dispatch.work_orders import commands as visits
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock

ME = b.a_principal()


@pytest.fixture
def pump(session: Session) -> Part:
    """A part whose pieces are told apart."""
    return b.a_part(session, is_serialised=True)


def received(session: Session, part: Part, territory: Any, serial: str | None, quantity: int = 1) -> None:
    """A piece from a supplier."""
    commands.receive(
        session, by=ME, territory_id=territory.id, part=part, quantity=quantity, source=f"D {serial}",
        serial=serial,
    )  # fmt: skip


def counted(session: Session, who: Any, part: Part, serials: list[str], reason: str) -> None:
    """What the office finds on a van, signed by the keeper."""
    row = counting.count(
        session, by=ME, place=Place(VAN, who.id), part=part, counted=len(serials), reason=reason,
        serials=serials,
    )  # fmt: skip
    counting.sign(session, by=b.of(who), row=row)


def handed(session: Session, part: Part, giver: Any, taker: Any, serial: str | None) -> None:
    """A piece from hand to hand."""
    ends = {"giver_id": giver.id if giver else None, "taker_id": taker.id if taker else None}
    territory = (giver or taker).territory_id
    wish = Wish(territory_id=territory, part=part, quantity=1, **ends)
    asked = transferring.ask(session, by=ME, wish=wish)
    transferring.hand_over(session, by=b.of(giver) if giver else ME, transfer=asked, serial=serial)
    transferring.confirm(session, by=b.of(taker) if taker else ME, transfer=asked)


def where(session: Session, part: Part) -> dict[str, Any]:
    """Who keeps each piece; what is gone by where it went."""
    rows = session.scalars(
        select(PartUnit).where(PartUnit.part_id == part.id).execution_options(populate_existing=True)
    )
    return {row.serial: row.gone_to or row.technician_id or row.territory_id for row in rows}


def test_a_piece_is_in_one_place_and_its_history_tells_the_way(
    session: Session, pump: Part, now: MovableClock
) -> None:
    """R-511: from the supplier to the store, two vans, and a customer."""
    ada = b.a_technician(session)
    territory = session.get_one(b.Territory, ada.territory_id)
    ben = b.a_technician(session, territory=territory)
    received(session, pump, territory, "S1")
    assert where(session, pump) == {"S1": territory.id}
    handed(session, pump, None, ada, "S1")
    handed(session, pump, ada, ben, "S1")
    assert where(session, pump) == {"S1": ben.id}
    assert [(unit.serial, sku) for unit, sku in units.units_in(session, territory.id, sku=pump.sku)] == [
        ("S1", pump.sku)
    ]
    commands.move(
        session, by=None, technician_id=ben.id, part_id=pump.id, change=-1, reason="fitted", source="u",
        serial="S1",
    )  # fmt: skip
    assert where(session, pump) == {"S1": "customer"}
    way = [row.other_end for row, _ in units.history(session, territory.id, pump, "S1")]
    assert (way[0], way[-1], sorted(way[1:-1])) == ("supplier", "customer", ["store", "van", "van", "van"])
    assert units.unexplained(session, territory.id) == []


def test_a_piece_without_its_number_or_from_elsewhere_does_not_change_hands(
    session: Session, pump: Part, now: MovableClock
) -> None:
    """R-511."""
    ada = b.a_technician(session)
    territory = session.get_one(b.Territory, ada.territory_id)
    for serial, quantity in ((None, 1), ("S1", 2)):
        with pytest.raises(rules.SerialNeeded):
            received(session, pump, territory, serial, quantity)
    received(session, pump, territory, "S1")
    with pytest.raises(rules.SerialElsewhere), session.begin_nested():
        commands.load_van(
            session, by=None, technician_id=ada.id, part=pump, quantity=1, source="D2", serial="S1"
        )
    for serial, refusal in ((None, rules.SerialNeeded), ("S2", rules.SerialElsewhere)):
        with pytest.raises(refusal), session.begin_nested():
            handed(session, pump, None, ada, serial)
    wish = Wish(territory_id=territory.id, part=pump, quantity=2, giver_id=None, taker_id=ada.id)
    with pytest.raises(rules.SerialNeeded):
        transferring.ask(session, by=ME, wish=wish)
    assert held_at(session, Place(STORE, territory.id), pump.id) == 1
    commands.scrap(
        session, by=ME, place=Place(STORE, territory.id), part=pump, quantity=1, reason="broken", serial="S1"
    )
    assert where(session, pump) == {"S1": "scrap"}


def test_a_fact_is_kept_and_what_it_contradicts_is_listed_until_it_is_counted(
    session: Session, pump: Part, now: MovableClock
) -> None:
    """R-511: Ada fitted a piece that the books have on Ben's van."""
    ada = b.a_technician(session)
    ben = b.a_technician(session, territory=session.get_one(b.Territory, ada.territory_id))
    commands.load_van(session, by=None, technician_id=ben.id, part=pump, quantity=1, source="D", serial="S1")
    commands.move(
        session, by=None, technician_id=ada.id, part_id=pump.id, change=-1, reason="fitted", source="u",
        serial="S1",
    )  # fmt: skip
    found = units.unexplained(session, ada.territory_id)
    assert set(found) == {Unexplained(ada.id, pump.sku, -1, 0), Unexplained(ben.id, pump.sku, 1, 0)}
    for who in (ada, ben):
        counted(session, who, pump, [], "S1 was lent")
    assert units.unexplained(session, ada.territory_id) == []
    place = Place(VAN, ben.id)
    with pytest.raises(rules.SerialNeeded):
        counting.count(session, by=ME, place=place, part=pump, counted=2, reason="x", serials=["S7"])
    counted(session, ben, pump, ["S7"], "found")
    assert where(session, pump) == {"S1": "customer", "S7": ben.id}


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=14)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_generated_pieces_are_where_a_list_by_hand_has_them(
    session: Session, now: MovableClock, steps: list[tuple[int, int, int]]
) -> None:
    """R-511: deliveries, transfers and fittings of three pieces; what is refused changes nothing."""
    part = b.a_part(session, is_serialised=True)
    ada = b.a_technician(session)
    territory = session.get_one(b.Territory, ada.territory_id)
    people = [None, ada, b.a_technician(session, territory=territory)]
    ids = [territory.id, people[1].id, people[2].id]  # type: ignore[union-attr]
    known: dict[str, Any] = {}
    for number, (kind, one, two) in enumerate(steps):
        serial = f"S{(number + one) % 3}"
        try:
            with session.begin_nested():
                if kind == 0:
                    commands.receive(
                        session, by=ME, territory_id=territory.id, part=part, quantity=1,
                        source=f"D{number}", serial=serial,
                    )  # fmt: skip
                elif kind in {1, 2} and one != two:
                    handed(session, part, people[one], people[two], serial)
                elif kind == 3 and one:
                    commands.move(
                        session, by=None, technician_id=ids[one], part_id=part.id, change=-1,
                        reason="fitted", source=f"{part.id} {number}", serial=serial,
                    )  # fmt: skip
        except rules.SerialElsewhere:
            expected = "nowhere" if kind == 0 else ids[one]
            at = known.get(serial, "customer" if kind else "nowhere")
            assert at != expected
            continue
        if kind == 0:
            assert known.get(serial, "customer") == "customer"
            known[serial] = ids[0]
        elif kind in {1, 2} and one != two:
            assert known[serial] == ids[one]
            known[serial] = ids[two]
        elif kind == 3 and one:
            known[serial] = "customer"
    assert where(session, part) == known


@pytest.mark.parametrize("since", ["fitted", "counted", "nothing"])
def test_a_voided_use_brings_no_piece_back_that_is_elsewhere_since(
    session: Session, pump: Part, now: MovableClock, since: str
) -> None:
    """R-511: the number was misread; the piece stays where it is, and the van is to be counted."""
    ada = b.a_technician(session)
    ben = b.a_technician(session, territory=session.get_one(b.Territory, ada.territory_id))
    commands.load_van(session, by=None, technician_id=ada.id, part=pump, quantity=1, source="D", serial="S1")
    wrong = b.a_visit(session, technician=ada, state="working", started_at=at(9))
    use = visits.use_part(
        session, by=b.of(ada), visit=wrong, sku=pump.sku, direction="in", quantity=1, serial="S1"
    )
    if since == "fitted":
        right = b.a_visit(session, technician=ben, state="working", started_at=at(9))
        visits.use_part(
            session, by=b.of(ben), visit=right, sku=pump.sku, direction="in", quantity=1, serial="S1"
        )
    elif since == "counted":
        counted(session, ben, pump, ["S1"], "found")
    visits.void_part_use(session, by=b.of(ada), visit=wrong, use=use, reason="misread")
    assert where(session, pump) == {"S1": {"fitted": "customer", "counted": ben.id, "nothing": ada.id}[since]}
    assert held_at(session, Place(VAN, ada.id), pump.id) == 1
    doubts = {one.technician_id for one in units.unexplained(session, ada.territory_id)}
    assert (ada.id in doubts) is (since != "nothing")


def test_a_history_is_looked_up_and_not_searched_for(session: Session, pump: Part) -> None:
    """R-511: however many movements there are."""
    session.execute(text("set local enable_seqscan = off"))
    asked = text("explain select id from stock_movement where part_id = :part and serial = 'S1'")
    plan = " ".join(session.scalars(asked, {"part": pump.id}))
    assert "ix_stock_movement_part_id_serial" in plan
