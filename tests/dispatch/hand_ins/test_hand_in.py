"""Day-end hand-in: sheets complete or explained, money and stock counted against the books (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Role
from dispatch.billing.commands import record_payment
from dispatch.errors import NotFound
from dispatch.hand_ins import queries, rules
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.model import HandIn
from dispatch.hand_ins.rules import (
    AlreadyHandedIn,
    CountInvalid,
    DayNotBegun,
    SheetsIncomplete,
    VisitUnderWay,
)
from dispatch.money import METHODS, CurrencyUnknown, Money
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_part, a_principal, a_technician, a_visit, at, of, van_stock
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds


@pytest.fixture
def who(session: Session, now: MovableClock) -> Iterator[Technician]:
    """A technician at the end of the test day."""
    register_kinds()
    now.set(at(17))
    yield a_technician(session)
    outbox.register((), {})


def close_day(session: Session, who: Technician, **fields: Any) -> HandIn:
    """Hand in everything unless told otherwise."""
    sheets = queries.expected(session, who, DAY).sheets
    defaults: dict[str, Any] = {"day": DAY, "sheets": sheets, "reasons": {}, "counted_minor": {}}
    return hand_in(session, by=None, technician=who, currency="EUR", **{**defaults, **fields})


def collect(session: Session, who: Technician, visit: Visit, cents: int, method: str = "cash") -> None:
    """Take money on site."""
    record_payment(
        session,
        by=None,
        order=visit.work_order,
        method=method,
        amount=Money(cents, "EUR"),
        received_at=at(11),
        technician_id=who.id,
    )


def test_sheets_are_those_of_the_days_attended_visits(session: Session, who: Technician) -> None:
    """R-603: done visits and closed doors; not what is only planned, nor another day's, nor a colleague's."""
    done = a_visit(session, technician=who, state="done")
    closed_door = a_visit(session, technician=who, state="no_access")
    a_visit(session, technician=who, state="published")
    a_visit(session, technician=who, state="done", finished_at=at(10, days=-1))
    a_visit(session, state="done")
    record = close_day(session, who)
    assert record.sheets_expected == [done.number, closed_door.number]
    assert record.sheets_missing == []


def test_a_missing_sheet_needs_its_reason(session: Session, who: Technician) -> None:
    visit = a_visit(session, technician=who, state="done")
    with pytest.raises(SheetsIncomplete) as refusal:
        close_day(session, who, sheets=[])
    assert refusal.value.detail["sheets"] == [visit.number]
    with pytest.raises(SheetsIncomplete):
        close_day(session, who, sheets=[], reasons={visit.number: "  "})
    record = close_day(session, who, sheets=[], reasons={visit.number: "left on site"})
    assert record.sheets_missing == [{"sheet": visit.number, "reason": "left on site"}]


def test_money_is_counted_against_what_was_collected_by_method(session: Session, who: Technician) -> None:
    visit = a_visit(session, technician=who, state="done")
    collect(session, who, visit, 5000)
    collect(session, who, visit, 2500)
    collect(session, who, visit, 900, method="card")
    record = close_day(session, who, counted_minor={"cash": 7400, "card": 900})
    rows = [(row["method"], row["expected_minor"], row["difference_minor"]) for row in record.money]
    assert rows == [("card", 900, 0), ("cash", 7500, -100)]


def test_money_of_another_day_or_keeper_is_not_expected(session: Session, who: Technician) -> None:
    visit = a_visit(session, technician=who, state="done")
    collect(session, a_technician(session), visit, 100)
    collect(session, who, visit, 200)
    assert queries.expected(session, who, DAY).money_minor == {"cash": 200}
    assert queries.expected(session, who, DAY + timedelta(days=1)).money_minor == {}


def test_counted_stock_differences_stay_with_the_keeper(session: Session, who: Technician) -> None:
    """R-511: nothing is adjusted silently."""
    part, other = a_part(session), a_part(session)
    van_stock(session, who, part, 5)
    van_stock(session, who, other, 2)
    record = close_day(session, who, counted_stock={part.sku: 4})
    assert record.stock == [{"sku": part.sku, "expected": 5, "counted": 4, "difference": -1}]
    assert queries.expected(session, who, DAY).stock[part.sku] == 5


@pytest.mark.parametrize("counted", [{"cash": -1}, {"shells": 1}])
def test_counts_that_mean_nothing_are_refused(
    session: Session, who: Technician, counted: dict[str, int]
) -> None:
    with pytest.raises(CountInvalid):
        close_day(session, who, counted_minor=counted)
    with pytest.raises(CountInvalid):
        close_day(session, who, counted_stock={"SKU": -1})


def test_another_currency_is_refused(session: Session, who: Technician) -> None:
    collect(session, who, a_visit(session, technician=who, state="done"), 100)
    sheets = queries.expected(session, who, DAY).sheets
    words: dict[str, Any] = {"technician": who, "day": DAY, "sheets": sheets, "reasons": {}}
    with pytest.raises(CountInvalid):
        hand_in(session, by=None, counted_minor={"cash": 100}, currency="CNY", **words)
    with pytest.raises(CurrencyUnknown):
        hand_in(session, by=None, counted_minor={"cash": 100}, currency="?", **words)


@pytest.mark.parametrize("state", ["travelling", "on_site", "working", "paused"])
def test_a_day_with_a_visit_under_way_stays_open(session: Session, who: Technician, state: str) -> None:
    """R-603: its sheet would escape."""
    visit = a_visit(session, technician=who, state=state)
    with pytest.raises(VisitUnderWay) as refusal:
        close_day(session, who)
    assert refusal.value.detail["sheets"] == [visit.number]


def test_a_day_is_handed_in_once_and_a_repetition_finds_it(session: Session, who: Technician) -> None:
    """S7: the phone sends again."""
    op_id = uuid.uuid4()
    record = close_day(session, who, op_id=op_id)
    assert close_day(session, who, op_id=op_id) is record
    with pytest.raises(AlreadyHandedIn):
        close_day(session, who, op_id=uuid.uuid4())
    with pytest.raises(AlreadyHandedIn):
        close_day(session, who)
    assert len(session.scalars(select(HandIn)).all()) == 1


def test_tomorrow_cannot_be_handed_in(session: Session, who: Technician) -> None:
    with pytest.raises(DayNotBegun):
        close_day(session, who, day=DAY + timedelta(days=1))


def test_the_day_is_the_territorys(session: Session, who: Technician, now: MovableClock) -> None:
    """Half past midnight in Helsinki belongs to the new day, though it is still yesterday in UTC."""
    now.set(at(24.5))
    late = a_visit(session, technician=who, state="done", finished_at=at(24.4))
    assert close_day(session, who, day=DAY + timedelta(days=1), sheets=[late.number]).day == date(2026, 3, 3)


def test_technicians_see_their_own_hand_ins_only(session: Session, who: Technician) -> None:
    record = close_day(session, who)
    other = of(a_technician(session, territory=None))
    assert queries.find_hand_in(session, of(who), record.id) is record
    assert [item.id for item in queries.hand_ins(session, of(who), day=DAY).items] == [record.id]
    with pytest.raises(NotFound):
        queries.find_hand_in(session, other, record.id)
    finance = a_principal(Role.FINANCE, territory_ids=frozenset({uuid.uuid4()}))
    assert queries.hand_ins(session, finance).items == ()


def test_a_hand_in_cannot_be_removed(session: Session, who: Technician) -> None:
    close_day(session, who)
    with pytest.raises(IntegrityError, match="never changed"), session.begin_nested():
        session.execute(text("delete from hand_in"))


@given(
    st.dictionaries(st.sampled_from(sorted(METHODS)), st.integers(0, 10**9)),
    st.dictionaries(st.sampled_from(sorted(METHODS)), st.integers(0, 10**9)),
)
def test_the_differences_are_what_is_missing_in_the_whole(
    expected: dict[str, int], counted: dict[str, int]
) -> None:
    """R-603: Σ differences = Σ counted − Σ expected, one row per method."""
    rows = rules.count_money(expected, counted, "EUR")
    assert [row["method"] for row in rows] == sorted({*expected, *counted})
    difference = sum(int(str(row["difference_minor"])) for row in rows)
    assert difference == sum(counted.values()) - sum(expected.values())
