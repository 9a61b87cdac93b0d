"""A window is held for one caller, takes its room meanwhile, and frees itself (decision 18)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.planning.commands import book, hold, offer, offer_wanted
from dispatch.planning.model import PlanStop
from dispatch.planning.rules import OfferPolicy, SlotGone, WindowImpossible
from dispatch.planning.wanting import Wanted
from dispatch.promises import holding
from dispatch.promises.model import Promise, SlotHold
from dispatch.promises.rules import HoldMismatch, HoldOver, HoldTaken
from dispatch.work_orders.rules import EMERGENCY, Needs
from tests.builders import DAY, a_customer, a_shift, a_site, at, van_stock
from tests.builders import a_part as part_of
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, violations

ALL = OfferPolicy(least_chance=0.0)


def somebody() -> Principal:
    """A call taker."""
    return Principal(user_id=uuid.uuid4(), role=Role.CALL_TAKER, territory_ids=None)


def wanted(town: Town, *, minutes: int = 110, priority: int = 3, **needs: object) -> Wanted:
    """A job at a place of its own."""
    site = a_site(town.session, customer=a_customer(town.session), territory=town.territory,
                  latitude=60.17, longitude=24.94, parking_minutes=0, access_minutes=0)  # fmt: skip
    return Wanted(site, Needs(duration_minutes=minutes, **needs), priority)  # type: ignore[arg-type]


def held(town: Town, asked: Wanted, hour: int = 8, *, by: Principal | None = None) -> SlotHold:
    """Hold two hours for five minutes."""
    return hold(town.session, by=by, wanted=asked, start=at(hour), end=at(hour + 2), minutes=5)


def free(town: Town) -> None:
    """Nothing is kept for emergencies."""
    town.territory.emergency_reserve_percent = 0
    town.session.flush()


def test_what_is_asked_for_needs_no_visit_and_writes_nothing(town: Town) -> None:
    """R-303."""
    town.technician((8, 16))
    offers = offer_wanted(town.session, wanted(town, minutes=60), days=1, policy=ALL)
    assert sorted(window.start for window in offers.windows) == [at(8), at(10), at(12), at(14)]
    assert town.session.scalar(select(func.count()).select_from(SlotHold)) == 0


def test_a_held_window_is_not_offered_to_the_next_caller(town: Town) -> None:
    free(town)
    town.technician((8, 10), break_minutes=0)
    held(town, wanted(town))
    second = wanted(town)
    offers = offer_wanted(town.session, second, days=1, policy=ALL)
    assert offers.windows == ()
    assert "CAPACITY" in {slot.code for slot in offers.hidden}
    with pytest.raises(SlotGone) as refusal:
        held(town, second)
    assert refusal.value.detail["fresh"] == []


def test_an_existing_visit_respects_holds_as_well(town: Town) -> None:
    free(town)
    town.technician((8, 10), break_minutes=0)
    held(town, wanted(town))
    visit = town.visit(duration_minutes=110)
    assert offer(town.session, visit, days=1, policy=ALL).windows == ()
    with pytest.raises(SlotGone):
        book(town.session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    assert town.session.scalar(select(func.count()).select_from(Promise)) == 0


def test_an_unused_hold_frees_itself(town: Town, now: MovableClock) -> None:
    free(town)
    town.technician((8, 11), break_minutes=0)
    held(town, wanted(town))
    assert offer_wanted(town.session, wanted(town), days=1, policy=ALL).windows == ()
    now.set(now.moment + timedelta(minutes=5))
    assert offer_wanted(town.session, wanted(town), days=1, policy=ALL).windows


def test_a_hold_that_is_given_back_frees_its_room(town: Town) -> None:
    free(town)
    town.technician((8, 10), break_minutes=0)
    me = somebody()
    kept = held(town, wanted(town), by=me)
    holding.release(town.session, by=me, hold=kept)
    assert held(town, wanted(town)).technician_id == kept.technician_id


def test_the_promise_uses_the_hold_once(town: Town) -> None:
    """R-309: the window held is the window promised."""
    free(town)
    town.technician((8, 10), break_minutes=0)
    me, asked = somebody(), wanted(town)
    kept = held(town, asked, by=me)
    visit = town.visit(duration_minutes=110)
    visit.work_order.site_id = asked.site.id
    town.session.flush()
    words = {"start": at(8), "end": at(10), "channel": "phone", "hold_id": kept.id}
    told = book(town.session, by=me, visit=visit, **words)  # type: ignore[arg-type]
    assert (told.window_start, told.window_end) == (at(8), at(10))
    assert kept.visit_id == visit.id
    plan = town.in_force()
    assert plan is not None
    assert [stop.visit_id for stop in plan.stops] == [visit.id]
    assert violations(town, plan) == []
    with pytest.raises(HoldTaken):
        book(town.session, by=me, visit=visit, **words)  # type: ignore[arg-type]


def test_a_booking_beside_a_hold_leaves_the_hold_its_room_and_stores_no_stop_for_it(town: Town) -> None:
    free(town)
    town.technician((8, 16), break_minutes=0)
    kept = held(town, wanted(town, minutes=60), hour=10)
    visit = town.visit(duration_minutes=60)
    book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []
    assert [row.visit_id for row in town.session.scalars(select(PlanStop))] == [visit.id]
    me = kept.held_by
    assert me is None
    other = town.visit(duration_minutes=60)
    other.work_order.site_id = kept.site_id
    town.session.flush()
    book(town.session, by=None, visit=other, start=at(10), end=at(12), channel="phone", hold_id=kept.id)
    after = town.in_force()
    assert after is not None
    assert {stop.visit_id for stop in after.stops} == {visit.id, other.id}
    assert violations(town, after) == []


def test_a_part_on_the_van_is_held_too(town: Town) -> None:
    """R-511."""
    free(town)
    who = town.technician((8, 16))
    part = part_of(town.session)
    van_stock(town.session, who, part, 1)
    held(town, wanted(town, minutes=30, parts={part.sku: 1}))
    offers = offer_wanted(town.session, wanted(town, minutes=30, parts={part.sku: 1}), days=1, policy=ALL)
    assert offers.windows == ()
    assert {slot.code for slot in offers.hidden if slot.code != "CAPACITY"} == {"PARTS"}


def test_a_hold_is_good_for_its_place_its_window_its_owner_and_its_time(
    town: Town, now: MovableClock
) -> None:
    free(town)
    town.technician((8, 16))
    me, asked = somebody(), wanted(town, minutes=60)
    kept = held(town, asked, hour=10, by=me)
    elsewhere, here = town.visit(), town.visit()
    here.work_order.site_id = asked.site.id
    town.session.flush()
    words = {"channel": "phone", "hold_id": kept.id}
    with pytest.raises(HoldMismatch):
        book(town.session, by=me, visit=elsewhere, start=at(10), end=at(12), **words)  # type: ignore[arg-type]
    with pytest.raises(HoldMismatch):
        book(town.session, by=me, visit=here, start=at(12), end=at(14), **words)  # type: ignore[arg-type]
    with pytest.raises(HoldMismatch):
        book(town.session, by=somebody(), visit=here, start=at(10), end=at(12), **words)  # type: ignore[arg-type]
    abroad = Principal(user_id=uuid.uuid4(), role=Role.CALL_TAKER, territory_ids=frozenset())
    with pytest.raises(NotFound):
        holding.find_hold(town.session, abroad, kept.id)
    now.set(now.moment + timedelta(minutes=5))
    with pytest.raises(HoldOver):
        book(town.session, by=me, visit=here, start=at(10), end=at(12), **words)  # type: ignore[arg-type]


def test_where_nobody_is_on_duty_nothing_is_held(town: Town) -> None:
    with pytest.raises(SlotGone) as refusal:
        held(town, wanted(town))
    assert refusal.value.detail["fresh"] == []


def test_a_window_that_is_over_is_not_held(town: Town) -> None:
    town.technician((8, 16))
    with pytest.raises(WindowImpossible):
        held(town, wanted(town), hour=4)


def test_the_last_part_of_a_day_is_for_emergencies(town: Town, now: MovableClock) -> None:
    """R-308: hidden from others with the reason, released as the day goes on."""
    town.technician((8, 12), break_minutes=0)
    held(town, wanted(town, minutes=150))
    usual = offer_wanted(town.session, wanted(town, minutes=60), days=1, policy=ALL)
    assert usual.windows == ()
    assert {slot.code for slot in usual.hidden} == {"EMERGENCY_RESERVE"}
    with pytest.raises(SlotGone, match="kept for emergencies"):
        held(town, wanted(town, minutes=60), hour=10)
    urgent = offer_wanted(town.session, wanted(town, minutes=60, priority=EMERGENCY), days=1, policy=ALL)
    assert urgent.windows
    now.set(now.moment + timedelta(hours=1))
    assert offer_wanted(town.session, wanted(town, minutes=60), days=1, policy=ALL).windows


@pytest.mark.parametrize("name", [DAY.isoformat(), str(DAY.isoweekday())])
def test_a_day_may_keep_more_for_emergencies_than_others(town: Town, name: str) -> None:
    """R-308: half of this day, nothing of the next; the reason says so, holds are refused alike."""
    who = town.technician((8, 12), break_minutes=0)
    a_shift(town.session, who, starts_at=at(8, days=1), ends_at=at(12, days=1), break_minutes=0)
    town.territory.emergency_reserve_percent = 0
    town.territory.emergency_reserve_days = {name: 50}
    town.session.flush()
    asked = wanted(town, minutes=150)
    found = offer_wanted(town.session, asked, days=2, policy=ALL)
    assert {window.day for window in found.windows} == {DAY + timedelta(days=1)}
    hidden = {slot.sentence for slot in found.hidden if slot.code == "EMERGENCY_RESERVE"}
    assert len(hidden) == 1
    assert "50" in hidden.pop()
    with pytest.raises(SlotGone, match="50"):
        held(town, asked, hour=8)
    town.territory.emergency_reserve_days = {name: 50, DAY.isoformat(): 0}
    town.session.flush()
    assert held(town, asked, hour=8).technician_id == who.id


@pytest.mark.parametrize(
    ("minutes", "priority", "is_covered"),
    [(60, 3, True), (45, 3, True), (61, 3, False), (60, EMERGENCY, False)],
)
def test_a_hold_covers_the_reserve_for_as_much_work_and_no_lesser_claim(
    town: Town, minutes: int, priority: int, *, is_covered: bool
) -> None:
    """R-308: the visit takes an hour at most and is no emergency, whatever was said when it was held."""
    town.technician((8, 12), break_minutes=0)
    me, asked = somebody(), wanted(town, minutes=60, priority=priority)
    kept = held(town, asked, hour=10, by=me)
    town.territory.emergency_reserve_percent = 50
    filler = town.visit(duration_minutes=80)
    book(town.session, by=None, visit=filler, start=at(8), end=at(9), channel="phone")
    visit = town.visit(duration_minutes=minutes)
    visit.work_order.site_id = asked.site.id
    town.session.flush()
    words: dict[str, Any] = {"visit": visit, "start": at(10), "end": at(12), "hold_id": kept.id}
    if is_covered:
        assert book(town.session, by=me, channel="phone", **words).visit_id == visit.id
    else:
        with pytest.raises(SlotGone, match="kept for emergencies"):
            book(town.session, by=me, channel="phone", **words)


def test_every_window_of_the_grid_is_offered_or_hidden_with_its_reason(town: Town, now: MovableClock) -> None:
    town.technician((8, 16))
    now.set(now.moment + timedelta(hours=3))
    offers = offer_wanted(town.session, wanted(town, minutes=60), days=2, policy=ALL)
    seen = [(slot.day, slot.end) for slot in offers.hidden] + [(w.day, w.end) for w in offers.windows]
    assert len(seen) == len(set(seen)) == 14
    today = {slot.end: slot.code for slot in offers.hidden if slot.day == DAY}
    assert today[at(10)] == "PAST"
    assert {slot.code for slot in offers.hidden if slot.day != DAY} == {"NO_TECHNICIAN"}
    assert all(slot.sentence for slot in offers.hidden)


def test_the_price_is_split_and_adds_up(town: Town) -> None:
    """R-303: driving, overtime, and what others lose."""
    free(town)
    town.technician((8, 16), break_minutes=0, overtime_minutes=60)
    for hour in (8, 10):
        book(town.session, by=None, visit=town.visit(60.2, 24.99, duration_minutes=90), start=at(hour),
             end=at(hour + 1), channel="phone")  # fmt: skip
    offers = offer_wanted(town.session, wanted(town, minutes=60), days=1, policy=ALL)
    assert offers.windows
    for window in offers.windows:
        parts = window.price.travel_minor, window.price.overtime_minor, window.price.displacement_minor
        assert sum(parts) == window.cost_minor
        assert window.price.travel_minor >= 0
        assert window.price.displacement_minor >= 0
        assert 0 <= window.chance <= 1
        assert 0 <= window.load <= 1
    assert len({window.load for window in offers.windows}) > 1


def test_an_unlikely_window_is_hidden(town: Town) -> None:
    free(town)
    town.technician((8, 16), break_minutes=0)
    book(
        town.session,
        by=None,
        visit=town.visit(duration_minutes=110),
        start=at(8),
        end=at(8.5),
        channel="phone",
    )
    asked = wanted(town, minutes=60)
    strict = offer_wanted(town.session, asked, days=1, policy=OfferPolicy(least_chance=0.999999))
    assert "UNLIKELY" in {slot.code for slot in strict.hidden}
    assert all(window.chance >= 0.999999 for window in strict.windows)


def test_cheap_keepable_and_empty_slots_come_first(town: Town) -> None:
    """R-303."""
    policy = OfferPolicy(broken_promise_minor=10_000, full_slot_minor=1_000)

    class Seen:
        def __init__(self, cost: int, chance: float, load: float, *, meets: bool = True) -> None:
            self.cost_minor, self.chance, self.load, self.meets_response = cost, chance, load, meets
            self.start, self.meets_resolution = at(8), True

    late, dear, risky, full, best = (
        Seen(0, 1.0, 0.0, meets=False), Seen(900, 1.0, 0.0), Seen(100, 0.9, 0.0), Seen(100, 1.0, 0.7),
        Seen(100, 1.0, 0.0))  # fmt: skip
    ordered = sorted([late, dear, risky, full, best], key=policy.rank)
    assert ordered == [best, full, dear, risky, late]
