"""Where no route has room the nearest ones are searched: what is offered so can be held, and promised."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatch.contracts.hours import DueTimes
from dispatch.customers.model import Site
from dispatch.planning.commands import Offers, WindowOffer, book, hold, offer_wanted
from dispatch.planning.rules import OfferPolicy, SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.promises import holding
from dispatch.promises.model import SlotHold
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY, Needs
from optimizer.policy import policies
from tests.builders import DAY, a_customer, a_site, a_visit, an_order, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, violations

TOMORROW = DAY + timedelta(days=1)
SEARCHING = OfferPolicy(least_chance=0.0)
INSERTING = replace(SEARCHING, searches=0)


def wanted(town: Town, chance: random.Random, minutes: int, priority: int = 3) -> Wanted:
    """A job somewhere in town."""
    site = a_site(
        town.session,
        customer=a_customer(town.session),
        territory=town.territory,
        latitude=60.12 + 0.1 * chance.random(),
        longitude=24.85 + 0.18 * chance.random(),
        parking_minutes=0,
        access_minutes=0,
    )
    return Wanted(site, Needs(duration_minutes=minutes), priority)


def offers(town: Town, asked: Wanted, policy: OfferPolicy) -> Offers:
    """What is on offer tomorrow."""
    return offer_wanted(town.session, asked, first_day=TOMORROW, days=1, policy=policy)


def held(town: Town, asked: Wanted, found: WindowOffer) -> SlotHold:
    """Hold what is on offer."""
    return hold(town.session, by=None, wanted=asked, start=found.start, end=found.end, minutes=5)


def a_full_day(town: Town, chance: random.Random) -> None:
    """Three technicians and bookings until two callers in a row found no room."""
    town.territory.emergency_reserve_percent = 0
    for _ in range(3):
        town.technician((8, 16), days=1, break_minutes=0)
    misses = 0
    while misses < 2:
        asked = wanted(town, chance, chance.choice([30, 60, 90]))
        found = offers(town, asked, INSERTING).windows
        if found:
            taken = chance.choice(found)
            visit = a_visit(town.session, order=an_order(town.session, site=asked.site),
                            duration_minutes=asked.needs.duration_minutes)  # fmt: skip
            book(town.session, by=None, visit=visit, start=taken.start, end=taken.end, channel="phone")
        misses += not found


def promised(town: Town, kept: SlotHold) -> uuid.UUID:
    """Promise a held window to a visit of its site."""
    site = town.session.get_one(Site, kept.site_id)
    visit = a_visit(town.session, order=an_order(town.session, site=site),
                    duration_minutes=kept.duration_minutes)  # fmt: skip
    book(town.session, by=None, visit=visit, start=kept.window_start, end=kept.window_end,
         channel="phone", hold_id=kept.id)  # fmt: skip
    return visit.id


@pytest.mark.parametrize("seed", range(2))
def test_what_only_a_search_offers_can_be_held_and_promised(town: Town, now: MovableClock, seed: int) -> None:
    """R-303: on generated full days each offer is held at once; the draft keeps every rule."""
    chance = random.Random(seed)
    a_full_day(town, chance)
    before = town.in_force(TOMORROW)
    assert before is not None
    tried = 0
    for _ in range(12):
        asked = wanted(town, chance, chance.choice([45, 75, 90]))
        if offers(town, asked, INSERTING).windows:
            continue
        found = offers(town, asked, SEARCHING)
        assert {(w.start, w.end) for w in found.windows}.isdisjoint((s.start, s.end) for s in found.hidden)
        for window in found.windows:
            assert window.is_searched
            kept = held(town, asked, window)
            tried += 1
            if window is not found.windows[-1]:
                holding.release(town.session, by=None, hold=kept)
                continue
            stops = {stop.visit_id for stop in before.stops}
            visit_id = promised(town, kept)
            before = town.in_force(TOMORROW)
            assert before is not None
            assert {stop.visit_id for stop in before.stops} == stops | {visit_id}
            assert violations(town, before, TOMORROW) == []
    assert tried


def a_day_that_must_be_changed(town: Town, days: int = 1) -> Site:
    """
    Nobody has room for gas work, though the other one could take what its only expert is booked for.

    Return a site to ask for.
    """
    town.territory.emergency_reserve_percent = 0
    expert = town.technician((8, 10), days=days, break_minutes=0, skills={"gas": 2})
    far = {"home_latitude": 60.19, "home_longitude": 24.97}
    town.technician((8, 10), days=days, break_minutes=0, **far)
    simple = town.visit(expert.home_latitude, expert.home_longitude, duration_minutes=90)
    book(town.session, by=None, visit=simple, start=at(8, days=days), end=at(10, days=days), channel="phone")
    plan = town.in_force(DAY + timedelta(days=days))
    assert plan is not None
    assert [stop.technician_id for stop in plan.stops] == [expert.id]
    return town.session.get_one(Site, town.visit(duration_minutes=90).work_order.site_id)


def gas(site: Site, priority: int = 3, response_due_at: datetime | None = None) -> Wanted:
    """Work for the expert."""
    needs = Needs(duration_minutes=90, skills={"gas": 1})
    return Wanted(site, needs, priority, due=DueTimes(response_due_at))


@pytest.mark.parametrize("policy", sorted(policies()))
def test_a_window_held_by_a_search_keeps_its_room_and_changes_no_plan(
    town: Town, now: MovableClock, policy: str
) -> None:
    """R-303, decision 18: the draft is left as it is until the promise, which writes the changed routes."""
    town.territory.planning_policy = policy
    site = a_day_that_must_be_changed(town)
    found = offers(town, gas(site), SEARCHING).windows
    assert found
    plan = town.in_force(TOMORROW)
    assert plan is not None
    before = {stop.visit_id: stop.technician_id for stop in plan.stops}
    kept = held(town, gas(site), found[0])
    assert {stop.visit_id: stop.technician_id for stop in plan.stops} == before
    assert offers(town, gas(site), SEARCHING).windows == ()
    with pytest.raises(SlotGone):
        held(town, gas(site), found[0])
    other = wanted(town, random.Random(1), 90)
    assert offers(town, other, SEARCHING).windows == (), "whoever made room is busy too"
    promised(town, kept)
    plan = town.in_force(TOMORROW)
    assert plan is not None
    after = {stop.visit_id: stop.technician_id for stop in plan.stops}
    assert {name: after[name] for name in before} != before
    assert violations(town, plan, TOMORROW) == []


def test_a_day_with_limits_and_announced_times_makes_room(town: Town, now: MovableClock) -> None:
    """R-303: what was announced, and what is due by a limit, is on almost every day."""
    site = a_day_that_must_be_changed(town)
    plan = town.in_force(TOMORROW)
    assert plan is not None
    order = town.session.get_one(Visit, plan.stops[0].visit_id).work_order
    order.response_due_at, order.resolution_due_at = at(12, days=1), at(14, days=1)
    town.session.flush()
    found = offers(town, gas(site), SEARCHING).windows
    assert found
    assert all(window.is_searched for window in found)
    promised(town, held(town, gas(site), found[0]))
    plan = town.in_force(TOMORROW)
    assert plan is not None
    assert len(plan.stops) == 2
    assert violations(town, plan, TOMORROW) == []


def test_a_booking_beside_such_a_hold_leaves_it_its_room(town: Town, now: MovableClock) -> None:
    """Routes changed for the hold are stored with the booking, and nobody is on two of them."""
    site = a_day_that_must_be_changed(town)
    town.technician((8, 10), days=1, break_minutes=0, home_latitude=60.3, home_longitude=25.1)
    found = offers(town, gas(site), SEARCHING).windows
    kept = held(town, gas(site), found[0])
    beside = town.visit(60.29, 25.09, duration_minutes=60)
    book(town.session, by=None, visit=beside, start=at(8, days=1), end=at(10, days=1), channel="phone")
    plan = town.in_force(TOMORROW)
    assert plan is not None
    assert len({stop.visit_id for stop in plan.stops}) == len(plan.stops) == 2
    promised(town, kept)
    assert len(plan.stops) == 3
    assert violations(town, plan, TOMORROW) == []


def test_such_a_hold_that_lapses_leaves_nothing_behind(town: Town, now: MovableClock) -> None:
    site = a_day_that_must_be_changed(town)
    found = offers(town, gas(site), SEARCHING).windows
    version = town.head(TOMORROW).version
    held(town, gas(site), found[0])
    now.set(now.moment + timedelta(minutes=5))
    other = wanted(town, random.Random(1), 60)
    assert offers(town, other, INSERTING).windows
    assert town.head(TOMORROW).version == version + 1


def test_rooms_are_searched_for_as_often_as_the_house_allows(town: Town, now: MovableClock) -> None:
    site = a_day_that_must_be_changed(town)
    assert offers(town, gas(site), INSERTING).windows == ()
    few = offers(town, gas(site), replace(SEARCHING, searches=1))
    assert len(few.windows) == 1
    assert "CAPACITY" not in {slot.code for slot in few.hidden if slot.end <= at(10, days=1)}


def test_what_is_kept_for_emergencies_is_searched_for_by_them_alone(town: Town, now: MovableClock) -> None:
    """R-308."""
    site = a_day_that_must_be_changed(town)
    town.territory.emergency_reserve_percent = 50
    town.session.flush()
    assert offers(town, gas(site), SEARCHING).windows == ()
    with pytest.raises(SlotGone):
        hold(town.session, by=None, wanted=gas(site), start=at(8, days=1), end=at(10, days=1), minutes=5)
    urgent = gas(site, EMERGENCY)
    assert held(town, urgent, offers(town, urgent, SEARCHING).windows[0])


def test_a_contracts_limit_is_worth_a_search_where_later_windows_are_free(
    town: Town, now: MovableClock
) -> None:
    """R-401: a window within the limit comes before those that need no search."""
    site = a_day_that_must_be_changed(town)
    town.technician((12, 16), days=1, break_minutes=0, skills={"gas": 2})
    town.session.flush()
    usual = offers(town, gas(site), SEARCHING).windows
    assert usual
    assert not any(window.is_searched for window in usual)
    urgent = gas(site, response_due_at=at(9, days=1))
    found = offers(town, urgent, SEARCHING).windows
    assert found[0].is_searched
    assert found[0].meets_response
    assert held(town, urgent, found[0])


def test_the_price_of_a_searched_window_is_split_and_adds_up(town: Town, now: MovableClock) -> None:
    """R-303."""
    site = a_day_that_must_be_changed(town)
    for window in offers(town, gas(site), SEARCHING).windows:
        price = window.price
        assert price.travel_minor + price.overtime_minor + price.displacement_minor == window.cost_minor
        assert price.travel_minor > 0
        assert 0 <= window.chance <= 1
