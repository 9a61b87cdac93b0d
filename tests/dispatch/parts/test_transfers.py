"""Parts between supplier, store, vans, customers and scrap: nothing is lost or doubled (R-511)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.errors import NotFound
from dispatch.parts import commands, counting, queries, rules, transferring
from dispatch.parts.model import PartTransfer
from dispatch.parts.moving import held_at
from dispatch.parts.rules import STORE, VAN, Place
from dispatch.parts.transferring import Wish
from tests import builders as b
from tests.dispatch.conftest import MovableClock
from tests.dispatch.sync.test_questions import asked


class Shelf:
    """One territory with a store and two vans, and pieces of one part."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.territory = b.a_territory(session)
        self.ada, self.ben = (b.a_technician(session, territory=self.territory) for _ in range(2))
        self.part = b.a_part(session)
        self.desk = b.a_principal(territory_ids=frozenset({self.territory.id}))
        self.store = Place(STORE, self.territory.id)
        self.vans = {1: self.ada, 2: self.ben}

    def holds(self) -> tuple[int, int, int]:
        """Pieces in the store, on Ada's van, on Ben's van."""
        places = (self.store, Place(VAN, self.ada.id), Place(VAN, self.ben.id))
        store, ada, ben = (held_at(self.session, place, self.part.id) for place in places)
        return store, ada, ben

    def received(self, quantity: int, source: str = "D1") -> None:
        """A delivery to the store."""
        commands.receive(
            self.session, by=self.desk, territory_id=self.territory.id, part=self.part, quantity=quantity,
            source=source,
        )  # fmt: skip

    def who(self, end: int) -> Any:
        """Who speaks for an end: 0 is the store."""
        return b.of(self.vans[end]) if end else self.desk

    def asked(self, giver: int, taker: int, quantity: int, **more: Any) -> PartTransfer:
        """A transfer between two ends; 0 is the store."""
        ends = {
            "giver_id": self.vans[giver].id if giver else None,
            "taker_id": self.vans[taker].id if taker else None,
        }
        wish = Wish(territory_id=self.territory.id, part=self.part, quantity=quantity, **ends)
        return transferring.ask(self.session, by=more.pop("by", self.desk), wish=wish, **more)


@pytest.fixture
def shelf(session: Session, now: MovableClock) -> Shelf:
    return Shelf(session)


def recounted(session: Session, part: Any) -> dict[tuple[str, str], int]:
    """Pieces by place, added up from the history alone."""
    rows = session.execute(
        text("select technician_id, territory_id, change from stock_movement where part_id = :part"),
        {"part": part.id},
    )
    found: Counter[tuple[str, str]] = Counter()
    for technician, territory, change in rows:
        found["van" if technician else "store", str(technician or territory)] += change
    return dict(found)


def test_a_transfer_moves_nothing_before_its_taker_confirms(shelf: Shelf) -> None:
    """R-511: one keeper at every moment."""
    shelf.received(5)
    asked = shelf.asked(0, 1, 3, by=b.of(shelf.ada))
    assert shelf.holds() == (5, 0, 0)
    transferring.hand_over(shelf.session, by=shelf.desk, transfer=asked)
    assert (asked.state, shelf.holds()) == ("handed", (5, 0, 0))
    for _ in range(2):
        transferring.confirm(shelf.session, by=b.of(shelf.ada), transfer=asked)
        assert (asked.state, shelf.holds()) == ("confirmed", (2, 3, 0))
    with pytest.raises(rules.TransferOver):
        transferring.decline(shelf.session, by=shelf.desk, transfer=asked, reason="too late")
    ends = {
        (row.change, row.other_end)
        for place in (shelf.store, Place(VAN, shelf.ada.id))
        for row, _ in queries.movements_at(shelf.session, place)
    }
    assert ends == {(5, "supplier"), (-3, "van"), (3, "store")}


def test_the_takers_word_may_come_before_the_givers(shelf: Shelf) -> None:
    """R-511: two phones without contact; whichever is heard first, the parts move once."""
    b.van_stock(shelf.session, shelf.ada, shelf.part, 4)
    asked = shelf.asked(1, 2, 2, by=b.of(shelf.ada))
    transferring.confirm(shelf.session, by=b.of(shelf.ben), transfer=asked)
    transferring.hand_over(shelf.session, by=b.of(shelf.ada), transfer=asked)
    assert (asked.state, shelf.holds()) == ("confirmed", (0, 2, 2))


def test_only_the_ends_speak_for_themselves(shelf: Shelf) -> None:
    """R-511: nobody makes somebody else the keeper."""
    asked = shelf.asked(1, 2, 1)
    for who, step in (
        (shelf.desk, transferring.hand_over),
        (b.of(shelf.ben), transferring.hand_over),
        (shelf.desk, transferring.confirm),
        (b.of(shelf.ada), transferring.confirm),
    ):
        with pytest.raises(rules.NotYourEnd):
            step(shelf.session, by=who, transfer=asked)
    third = b.a_technician(shelf.session, territory=shelf.territory)
    with pytest.raises(NotFound):
        queries.find_transfer(shelf.session, b.of(third), asked.id)
    with pytest.raises(rules.NotYourEnd):
        shelf.asked(0, 1, 1, by=b.of(third))
    with pytest.raises(rules.TransferEndsInvalid):
        shelf.asked(0, 0, 1)
    foreign = b.a_technician(shelf.session)
    shelf.vans[3] = foreign
    with pytest.raises(NotFound):
        shelf.asked(0, 3, 1)


def test_an_id_names_one_transfer(shelf: Shelf) -> None:
    """R-511: a request that is repeated asks once."""
    first = shelf.asked(0, 1, 2, transfer_id=b.a_principal().user_id)
    assert shelf.asked(0, 1, 2, transfer_id=first.id) is first
    with pytest.raises(rules.TransferDiffers):
        shelf.asked(0, 1, 3, transfer_id=first.id)


def test_what_is_scrapped_is_gone_with_its_reason(shelf: Shelf) -> None:
    shelf.received(2)
    commands.scrap(
        shelf.session, by=shelf.desk, place=shelf.store, part=shelf.part, quantity=1, reason="fell down"
    )
    row, sku = queries.movements_at(shelf.session, shelf.store)[0]
    assert (row.change, row.other_end, row.note, row.recorded_by) == (
        -1, "scrap", "fell down", shelf.desk.user_id,
    )  # fmt: skip
    assert (sku, shelf.holds()) == (shelf.part.sku, (1, 0, 0))


ENDS = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 3), st.integers(1, 9)),
    st.tuples(st.just("fit"), st.integers(1, 2), st.integers(1, 4)),
    st.tuples(st.just("scrap"), ENDS, st.integers(1, 3)),
    st.tuples(st.just("ask"), ENDS, ENDS),
    st.tuples(st.sampled_from(["hand", "confirm", "decline"]), st.integers(0, 3), st.just(0)),
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, max_size=14), again=st.integers(1, 2))
def test_stock_is_conserved_whatever_comes_in_whatever_order(
    session: Session, now: MovableClock, steps: list[tuple[str, int, int]], again: int
) -> None:
    """R-511: together they hold what was received less what was used, each what its history says."""
    shelf = Shelf(session)
    transfers: list[PartTransfer] = []
    received: set[int] = set()
    gained = lost = 0
    for number, (kind, first, second) in enumerate(steps):
        for _ in range(again):
            if kind == "receive":
                shelf.received(second, f"delivery {first}")
                gained += 0 if first in received else second
                received.add(first)
            elif kind == "fit":
                moved = commands.move(
                    session, by=None, technician_id=shelf.vans[first].id, part_id=shelf.part.id,
                    change=-second, reason="fitted", source=f"use {shelf.part.id} {number}",
                )  # fmt: skip
                lost += 0 if moved.is_repeated else second
            elif kind == "scrap":
                place = Place(VAN, shelf.vans[first].id) if first else shelf.store
                commands.scrap(
                    session, by=shelf.desk, place=place, part=shelf.part, quantity=second, reason="broken"
                )
                lost += second
            elif kind == "ask" and first != second:
                transfers.append(shelf.asked(first, second, number + 1))
            elif kind in STEP_OF and first < len(transfers):
                STEP_OF[kind](shelf, transfers[first])
    history = recounted(session, shelf.part)
    places = (shelf.store, Place(VAN, shelf.ada.id), Place(VAN, shelf.ben.id))
    assert shelf.holds() == tuple(history.get((place.kind, str(place.id)), 0) for place in places)
    assert sum(shelf.holds()) == gained - lost


def _step(shelf: Shelf, transfer: PartTransfer, kind: str) -> None:
    giver, taker = (
        next((end for end, who in shelf.vans.items() if who.id == one), 0)
        for one in (transfer.giver_id, transfer.taker_id)
    )
    try:
        if kind == "hand":
            transferring.hand_over(shelf.session, by=shelf.who(giver), transfer=transfer)
        elif kind == "confirm":
            transferring.confirm(shelf.session, by=shelf.who(taker), transfer=transfer)
        else:
            transferring.decline(shelf.session, by=shelf.desk, transfer=transfer, reason="not needed")
    except rules.TransferOver:
        assert transfer.state in {"confirmed", "declined"}


STEP_OF: dict[str, Callable[[Shelf, PartTransfer], None]] = {
    "hand": lambda shelf, one: _step(shelf, one, "hand"),
    "confirm": lambda shelf, one: _step(shelf, one, "confirm"),
    "decline": lambda shelf, one: _step(shelf, one, "decline"),
}


def test_transfers_that_cross_are_confirmed_at_once_without_waiting_for_each_other(database_url: str) -> None:
    """R-511, S5: forty confirmations on eight connections, each transfer confirmed twice."""
    engine = db.connect(database_url, pool_size=8)
    sessions = db.sessions(engine)
    with sessions() as session:
        shelf = Shelf(session)
        ids = [shelf.asked(*ends, 1 + ends[0]).id for ends in ((1, 2), (2, 1)) for _ in range(10)]
        people = {1: b.of(shelf.ada), 2: b.of(shelf.ben)}
        takers = {one: people[2 if place < 10 else 1] for place, one in enumerate(ids)}
        part_id, ada, ben = shelf.part.id, shelf.ada.id, shelf.ben.id
        session.commit()

    def confirm(number: int) -> None:
        with sessions() as session:
            one = ids[number * 7 % 20]
            row = session.get_one(PartTransfer, one)
            transferring.confirm(session, by=takers[one], transfer=row)
            session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(confirm, range(40)))
    with sessions() as session:
        assert [held_at(session, Place(VAN, who), part_id) for who in (ada, ben)] == [10, -10]
    engine.dispose()


def test_a_delivery_of_several_lines_is_booked_line_by_line(shelf: Shelf) -> None:
    """R-511: one delivery note, two part numbers, said twice."""
    other = b.a_part(shelf.session)
    for part, quantity in ((shelf.part, 2), (other, 5)) * 2:
        commands.receive(
            shelf.session, by=shelf.desk, territory_id=shelf.territory.id, part=part, quantity=quantity,
            source="LS-4711",
        )  # fmt: skip
    assert [held_at(shelf.session, shelf.store, part.id) for part in (shelf.part, other)] == [2, 5]


def test_a_count_between_handing_over_and_confirming_loses_nothing(shelf: Shelf) -> None:
    """R-511: what was handed out has left the shelf, though the taker has not confirmed it."""
    shelf.received(5)
    transfer = shelf.asked(0, 1, 1)
    transferring.hand_over(shelf.session, by=shelf.desk, transfer=transfer)
    row = counting.count(shelf.session, by=shelf.desk, place=shelf.store, part=shelf.part, counted=4)
    assert (row.expected, row.reason) == (4, None)
    transferring.confirm(shelf.session, by=b.of(shelf.ada), transfer=transfer)
    assert shelf.holds() == (4, 1, 0)


def test_open_transfers_come_with_their_parts_in_one_question(session: Session) -> None:
    """However many parts are on their way."""
    who, desk = b.a_technician(session), b.a_principal()
    for _ in range(4):
        wish = Wish(
            territory_id=who.territory_id, part=b.a_part(session), quantity=1, giver_id=None, taker_id=who.id
        )
        transferring.ask(session, by=desk, wish=wish)
    session.expunge_all()
    with asked() as found:
        rows = queries.open_transfers(session, desk, who.territory_id)
        assert all(row.part_id == part.id for row, part in rows)
    assert (len(rows), len(found)) == (4, 1)
