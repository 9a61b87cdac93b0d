"""R-603: "van counted against expected; differences booked to the keeper with two signatures"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access.rules import Principal, Role
from dispatch.errors import DispatchError
from dispatch.parts import counting, queries, rules
from dispatch.parts.model import Part, PartUnit, StockCount, StockMovement
from dispatch.parts.moving import held_at, move_at
from dispatch.parts.rules import STORE, VAN, Place
from dispatch.technicians.model import Technician
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock

DESK = b.a_principal()


class Van:
    """A van with five pieces of a part, its keeper, and somebody of the office."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.who: Technician = b.a_technician(session)
        self.part: Part = b.a_part(session)
        self.place = Place(VAN, self.who.id)
        self.keeper = b.of(self.who)
        b.van_stock(session, self.who, self.part, 5)

    def counted(self, by: Principal, pieces: int, **fields: Any) -> StockCount:
        """A count with a reason."""
        given = {"reason": "looked twice", "part": self.part} | fields
        return counting.count(self.session, by=by, place=self.place, counted=pieces, **given)

    def holds(self) -> int:
        """What the books say."""
        return held_at(self.session, self.place, self.part.id)

    def waiting(self) -> list[Any]:
        """Ids of the counts that wait."""
        return [row.id for row, _ in queries.open_counts(self.session, self.who.territory_id, self.who.id)]


@pytest.fixture
def van(session: Session, now: MovableClock) -> Van:
    """In the evening."""
    now.set(at(17))
    return Van(session)


@pytest.mark.parametrize("counted", [4, 7], ids=["shortage", "surplus"])
@pytest.mark.parametrize("first", ["keeper", "office"])
def test_a_difference_is_booked_when_keeper_and_office_have_signed(
    van: Van, counted: int, first: str
) -> None:
    """R-603: whoever counts first; until then the books are as they were, and the count is listed."""
    one, other = (van.keeper, DESK) if first == "keeper" else (DESK, van.keeper)
    row = van.counted(one, counted)
    assert (row.state, row.is_keepers, van.holds()) == ("open", first == "keeper", 5)
    assert van.waiting() == [row.id]
    counting.sign(van.session, by=other, row=row)
    assert (row.state, row.counted_by, row.decided_by) == ("booked", one.user_id, other.user_id)
    assert (van.holds(), van.waiting()) == (counted, [])
    [(moved, _)] = queries.movements_at(van.session, van.place)
    assert (moved.change, moved.reason, moved.note) == (counted - 5, "counted", "looked twice")
    with pytest.raises(rules.CountOver):
        counting.sign(van.session, by=other, row=row)
    assert van.holds() == counted


def test_what_agrees_with_the_books_needs_no_second_signature(van: Van) -> None:
    """R-603: there is no difference to book."""
    assert (van.counted(van.keeper, 5).state, van.waiting(), van.holds()) == ("even", [], 5)


def test_nobody_signs_twice_and_one_of_the_two_is_the_keeper(van: Van) -> None:
    """R-603: never the same person, neither two of the office nor a colleague for the keeper."""
    colleague = b.of(
        b.a_technician(van.session, territory=van.session.get_one(b.Territory, van.who.territory_id))
    )
    both = b.a_principal(technician_id=van.who.id)
    for first, wrong in (
        (van.keeper, (van.keeper, colleague, b.of(van.who))),
        (DESK, (DESK, b.a_principal(), b.a_principal(Role.ADMIN), colleague)),
        (both, (both, van.keeper)),
    ):
        row = van.counted(first, 4)
        for by in wrong:
            with pytest.raises(rules.NotYourSignature):
                counting.sign(van.session, by=by, row=row)
        assert (row.state, van.holds()) == ("open", 5)


def test_a_count_is_refused_with_a_reason_and_books_nothing(van: Van) -> None:
    """R-603: whoever would sign refuses, or whoever counted takes it back; the van is counted again."""
    row = van.counted(van.keeper, 4)
    with pytest.raises(DispatchError):
        counting.refuse(van.session, by=DESK, row=row, reason="  ")
    with pytest.raises(rules.NotYourSignature):
        counting.refuse(van.session, by=b.of(van.who), row=row, reason="no")
    counting.refuse(van.session, by=DESK, row=row, reason="one lies under the shelf")
    assert (row.state, row.refusal, row.decided_by) == ("refused", "one lies under the shelf", DESK.user_id)
    with pytest.raises(rules.CountOver):
        counting.sign(van.session, by=DESK, row=row)
    own = van.counted(van.keeper, 3)
    counting.refuse(van.session, by=van.keeper, row=own, reason="miscounted")
    assert (own.state, van.waiting(), van.holds()) == ("refused", [], 5)
    earlier = van.counted(van.keeper, 4, at=at(16))
    assert earlier.state == "open", "a refused count stands for nothing"


def test_a_newer_count_takes_the_place_of_one_that_waits(van: Van, now: MovableClock) -> None:
    """R-603: one shortage is booked once, in whichever order the counts are told."""
    first = van.counted(van.keeper, 4)
    now.set(at(18))
    second = van.counted(DESK, 4)
    assert (first.state, second.state, van.waiting()) == ("overtaken", "open", [second.id])
    late = van.counted(van.keeper, 2, at=at(17.5))
    assert late.state == "overtaken"
    for row in (first, late):
        with pytest.raises(rules.CountOver):
            counting.sign(van.session, by=DESK, row=row)
    counting.sign(van.session, by=van.keeper, row=second)
    assert van.holds() == 4
    now.set(at(19))
    third = van.counted(van.keeper, 3)
    assert (third.expected, van.counted(van.keeper, 4, at=at(20)).state, third.state) == (
        4,
        "even",
        "overtaken",
    )


def test_what_moves_before_the_second_signature_is_no_difference(van: Van, now: MovableClock) -> None:
    """R-603: two were fitted in between; a count told late holds against its own moment."""
    row = van.counted(van.keeper, 4)
    now.set(at(18))
    move_at(
        van.session, by=None, place=van.place, part_id=van.part.id, change=-2, reason="fitted", source="P1"
    )
    counting.sign(van.session, by=DESK, row=row)
    assert van.holds() == 2
    between = van.counted(van.keeper, 4, at=at(17.5))
    assert (between.expected, between.state) == (4, "even")


def test_pieces_are_where_they_were_until_both_have_signed(van: Van, now: MovableClock) -> None:
    """R-603: serial numbers that differ wait as well, even where the number of pieces is right."""
    pump = b.a_part(van.session, is_serialised=True)
    for serial in ("S1", "S2"):
        move_at(
            van.session, by=None, place=van.place, part_id=pump.id, change=1, reason="loaded",
            source=f"D{serial}", serial=serial,
        )  # fmt: skip

    def units() -> dict[str, Any]:
        found = van.session.scalars(select(PartUnit).where(PartUnit.part_id == pump.id))
        return {one.serial: one.technician_id or one.gone_to for one in found}

    given = {"part": pump, "reason": None}
    now.set(at(18))
    assert van.counted(van.keeper, 2, serials=["S2", "S1"], **given).state == "even"
    row = van.counted(van.keeper, 2, serials=["S2", "S9"], **given)
    assert (row.state, units()) == ("open", {"S1": van.who.id, "S2": van.who.id})
    now.set(at(19))
    move_at(
        van.session, by=None, place=van.place, part_id=pump.id, change=-1, reason="fitted", source="P2",
        serial="S2",
    )  # fmt: skip
    counting.sign(van.session, by=DESK, row=row)
    assert units() == {"S1": "count", "S2": "customer", "S9": van.who.id}
    assert held_at(van.session, van.place, pump.id) == 1
    fewer = van.counted(van.keeper, 0, serials=[], part=pump)
    counting.refuse(van.session, by=DESK, row=fewer, reason="it is in the drawer")
    assert units()["S9"] == van.who.id


def test_a_store_has_no_keeper_to_sign(van: Van) -> None:
    """R-511: the company keeps it; what its count finds is booked when it is told."""
    store = Place(STORE, van.who.territory_id)
    row = counting.count(van.session, by=DESK, place=store, part=van.part, counted=2, reason="found")
    assert (row.state, held_at(van.session, store, van.part.id)) == ("booked", 2)
    for step in (counting.sign, lambda *_, **given: counting.refuse(van.session, reason="no", **given)):
        with pytest.raises(rules.CountOver):
            step(van.session, by=b.a_principal(), row=row)


def test_the_database_takes_one_waiting_count_of_a_part_and_no_silent_refusal(van: Van) -> None:
    row = van.counted(van.keeper, 4)
    fields = {"part_id": van.part.id, "expected": 5, "counted": 4, "reason": "x", "is_keepers": True}
    fields |= {"counted_by": row.counted_by, "counted_at": at(17)}
    for wrong in (
        {"technician_id": van.who.id, "state": "open"},
        {"technician_id": van.who.id, "state": "refused"},
        {"territory_id": van.who.territory_id, "state": "open"},
    ):
        with pytest.raises(IntegrityError), van.session.begin_nested():
            van.session.execute(insert(StockCount).values(**fields, **wrong))


Answer = Callable[[Session, Principal, StockCount], object]


def signed(session: Session, by: Principal, row: StockCount) -> object:
    """One answer to a count."""
    return counting.sign(session, by=by, row=row)


def refused(session: Session, by: Principal, row: StockCount) -> object:
    """The other."""
    return counting.refuse(session, by=by, row=row, reason="not so")


@pytest.mark.parametrize("answers", [(signed,), (signed, refused)], ids=["sign", "sign or refuse"])
def test_of_many_who_sign_at_once_one_books(database_url: str, answers: tuple[Answer, ...]) -> None:
    """R-603: eight of the office answer a count at once; the shortage is booked once or never."""
    engine = db.connect(database_url, pool_size=8)
    sessions = db.sessions(engine)
    with sessions() as session:
        van = Van(session)
        row_id, place, part_id = van.counted(van.keeper, 4).id, van.place, van.part.id
        session.commit()

    def answer(number: int) -> str:
        with sessions() as session:
            row = session.get_one(StockCount, row_id)
            try:
                answers[number % len(answers)](session, b.a_principal(), row)
            except rules.CountOver:
                session.rollback()
                return "over"
            session.commit()
            return row.state

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(answer, range(8)))
    assert told["over"] == 7
    with sessions() as session:
        moved = select(StockMovement.change).where(StockMovement.part_id == part_id)
        changes = session.scalars(moved).all()
        assert changes == ([-1] if told["booked"] else [])
        assert held_at(session, place, part_id) == 5 + sum(changes)
    engine.dispose()
