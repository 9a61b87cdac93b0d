"""Taking a window: inserted, promised and versioned in one go; the next caller sees what is left."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.planning import heads
from dispatch.planning.commands import book, lock_visit, offer, publish
from dispatch.planning.model import Booking, PlanLock
from dispatch.planning.rules import OfferPolicy, SlotGone, VisitNotPlannable, WindowImpossible
from dispatch.promises.model import Promise
from tests.builders import DAY, an_absence, at
from tests.planning_world import Town, feed_of, runs_of, violations


def test_a_booking_promises_the_window_and_draws_the_visit_into_the_draft(town: Town) -> None:
    """R-303, R-309."""
    who = town.technician()
    visit = town.visit()
    told = book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    plan = town.in_force()
    assert plan is not None
    assert [(stop.visit_id, stop.technician_id) for stop in plan.stops] == [(visit.id, who.id)]
    assert (plan.state, visit.state, visit.technician_id) == ("draft", "planned", who.id)
    assert (told.ordinal, told.reason, told.window_start, told.window_end) == (1, "first", at(10), at(12))
    assert at(10) <= plan.stops[0].start <= at(12)
    assert violations(town, plan) == []
    assert feed_of(town.session, who) == []


@pytest.mark.parametrize(("days", "counts"), [(0, False), (1, True)])
def test_only_a_window_a_day_ahead_counts_as_a_reservation(town: Town, days: int, *, counts: bool) -> None:
    """R-301: 24 hours before the window's start."""
    town.technician(days=days)
    visit = town.visit()
    start = at(10, days=days)
    told = book(
        town.session, by=None, visit=visit, start=start, end=start + timedelta(hours=2), channel="phone"
    )
    assert told.is_reservation is counts


def test_the_second_caller_for_the_last_place_gets_fresh_offers(town: Town) -> None:
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 12), break_minutes=0)
    first, second = town.visit(duration_minutes=110), town.visit(duration_minutes=110)
    book(town.session, by=None, visit=first, start=at(8), end=at(9), channel="phone")
    with pytest.raises(SlotGone) as refusal:
        book(town.session, by=None, visit=second, start=at(8), end=at(9), channel="phone")
    fresh = refusal.value.detail["fresh"]
    assert {window["start"] for window in fresh} == {at(8).isoformat(), at(10).isoformat()}
    assert second.state == "unplanned"
    assert town.session.scalars(select(Promise).where(Promise.visit_id == second.id)).all() == []
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []


def test_a_booking_that_nobody_can_keep_leaves_no_promise(town: Town) -> None:
    town.technician()
    visit = town.visit()
    with pytest.raises(SlotGone):
        book(town.session, by=None, visit=visit, start=at(20), end=at(22), channel="phone")
    assert visit.window_start is None


@pytest.mark.parametrize(
    ("start", "end"),
    [(at(12), at(10)), (at(10), at(10)), (at(5), at(7)), (at(9), at(22))],
    ids=["reversed", "empty", "past", "too long"],
)
def test_windows_that_no_plan_could_hold_are_refused(town: Town, start: object, end: object) -> None:
    town.technician()
    with pytest.raises(WindowImpossible):
        book(town.session, by=None, visit=town.visit(), start=start, end=end, channel="phone")  # type: ignore[arg-type]


def test_a_further_window_is_a_new_row_and_the_route_is_timed_anew(town: Town) -> None:
    """R-309: the first promise stays as it was told."""
    for latitude in (60.17, 60.2):
        town.technician(home_latitude=latitude)
    visit, *others = town.visits(4)
    for booked, hour in zip([visit, *others], (8, 8, 10, 14), strict=True):
        book(town.session, by=None, visit=booked, start=at(hour), end=at(hour + 2), channel="phone")
    book(town.session, by=None, visit=visit, start=at(12), end=at(14), channel="phone")
    rows = town.session.scalars(select(Promise).where(Promise.visit_id == visit.id).order_by(Promise.ordinal))
    assert [(row.ordinal, row.window_start, row.reason) for row in rows] == [
        (1, at(8), "first"),
        (2, at(12), "customer_moved"),
    ]
    plan = town.in_force()
    assert plan is not None
    assert len(plan.stops) == 4
    assert violations(town, plan) == []


def test_a_visit_that_moves_to_another_day_leaves_the_former_plan(town: Town) -> None:
    who = town.technician()
    other = town.technician(days=1)
    visit, stays = town.visits(2)
    for booked in (visit, stays):
        book(town.session, by=None, visit=booked, start=at(10), end=at(12), channel="phone")
    start = at(10, days=1)
    book(town.session, by=None, visit=visit, start=start, end=start + timedelta(hours=2), channel="phone")
    today, tomorrow = town.in_force(), town.in_force(DAY + timedelta(days=1))
    assert today is not None
    assert tomorrow is not None
    assert [(stop.visit_id, stop.technician_id) for stop in today.stops] == [(stays.id, who.id)]
    assert [(stop.visit_id, stop.technician_id) for stop in tomorrow.stops] == [(visit.id, other.id)]
    assert violations(town, today) == []


@pytest.mark.parametrize("state", ["published", "accepted"])
def test_an_announced_visit_that_moves_to_another_day_is_taken_off_the_phone(town: Town, state: str) -> None:
    who = town.technician()
    town.technician(days=1)
    visit = town.visit()
    book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    visit.state = state
    town.session.flush()
    start = at(10, days=1)
    book(town.session, by=None, visit=visit, start=start, end=start + timedelta(hours=2), channel="phone")
    assert visit.state == "planned"
    assert feed_of(town.session, who)[-1] == (str(visit.id), "evict")
    assert town.session.scalars(select(Booking)).all() == []
    assert heads.days_with(town.session, town.territory.id, visit.id) == [DAY + timedelta(days=1)]


def test_a_pin_that_contradicts_the_chosen_window_loses_its_start(town: Town) -> None:
    who = town.technician()
    visit = town.visit()
    lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=at(9))
    book(town.session, by=None, visit=visit, start=at(12), end=at(14), channel="phone")
    pin = town.session.scalars(select(PlanLock)).one()
    assert (pin.technician_id, pin.start) == (who.id, None)


def test_an_emergency_of_today_asks_for_a_new_plan(town: Town) -> None:
    for days in (0, 1):
        town.technician(days=days)
    today, tomorrow = town.visit(priority=5), town.visit(priority=5)
    book(town.session, by=None, visit=today, start=at(8), end=at(10), channel="phone")
    start = at(10, days=1)
    book(town.session, by=None, visit=tomorrow, start=start, end=start + timedelta(hours=2), channel="phone")
    assert [run.payload["visit_id"] for run in runs_of(town.session, "planning.replan")] == [str(today.id)]


def test_what_has_begun_cannot_be_booked(town: Town) -> None:
    who = town.technician()
    with pytest.raises(VisitNotPlannable):
        book(
            town.session,
            by=None,
            visit=town.visit(technician=who, state="travelling"),
            start=at(10),
            end=at(12),
            channel="phone",
        )


def test_nothing_is_inserted_into_the_day_of_somebody_who_fell_ill(town: Town) -> None:
    ill, well = town.technician(), town.technician(home_latitude=60.21)
    first, second = town.visit(), town.visit()
    book(town.session, by=None, visit=first, start=at(10), end=at(12), channel="phone")
    an_absence(town.session, ill)
    assert {w.technician_id for w in offer(town.session, second, days=1).windows} == {well.id}


@pytest.mark.parametrize("seed", range(4))
def test_after_random_bookings_the_draft_keeps_every_rule_and_every_promise(town: Town, seed: int) -> None:
    """R-303, R-309: whatever was sold can be kept, judged by the independent checker."""
    chance = random.Random(seed)
    town.territory.emergency_reserve_percent = 0
    every = OfferPolicy(least_chance=0.0)
    for hours in ((8, 16), (11, 19), (14, 22)):
        town.technician(
            hours,
            home_latitude=60.12 + 0.1 * chance.random(),
            home_longitude=24.85 + 0.18 * chance.random(),
            skills={"gas": chance.randrange(1, 4)},
        )
    booked = []
    for visit in town.visits(16, seed, parking_minutes=3):
        visit.skills = {"gas": chance.randrange(1, 4)} if chance.random() < 0.4 else {}
        visit.duration_minutes = chance.choice([30, 45, 60, 90])
        visit.work_order.priority = chance.choice([2, 3, 4, 5])
        town.session.flush()
        windows = offer(town.session, visit, days=1, policy=every).windows
        if windows:
            taken = chance.choice(windows)
            book(town.session, by=None, visit=visit, start=taken.start, end=taken.end, channel="phone")
            booked.append(visit)
        if booked and chance.random() < 0.2:
            moved = chance.choice(booked)
            again = chance.choice(offer(town.session, moved, days=1, policy=every).windows)
            book(town.session, by=None, visit=moved, start=again.start, end=again.end, channel="phone")
    plan = town.in_force()
    assert plan is not None
    assert len(booked) >= 10
    assert violations(town, plan) == []
    assert {stop.visit_id for stop in plan.stops} == {visit.id for visit in booked}
    windows_of = {visit.id: (visit.window_start, visit.window_end) for visit in booked}
    for stop in plan.stops:
        start, end = windows_of[stop.visit_id]
        assert start is not None
        assert end is not None
        assert start <= stop.start <= end
    published = publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    assert published.published_plan_id == plan.id


def test_room_is_made_by_moving_others_within_their_windows(town: Town) -> None:
    """Tier two: no route has room as it is, and another order of the same visits has."""
    town.territory.emergency_reserve_percent = 0
    who = town.technician((8, 12), break_minutes=0, home_latitude=60.17, home_longitude=24.94)
    other = town.technician((8, 12), break_minutes=0, home_latitude=60.17, home_longitude=24.94, skills={})
    skilled = town.visit(duration_minutes=100)
    flexible = town.visit(duration_minutes=100)
    flexible.required_technician_id = None
    for visit in (flexible, skilled):
        book(town.session, by=None, visit=visit, start=at(8), end=at(12), channel="phone")
    plan = town.in_force()
    assert plan is not None
    on = {stop.visit_id: stop.technician_id for stop in plan.stops}
    late = town.visit(duration_minutes=100)
    late.required_technician_id = on[flexible.id]
    last = town.visit(duration_minutes=100)
    last.required_technician_id = on[flexible.id]
    town.session.flush()
    told = [
        book(town.session, by=None, visit=visit, start=at(8), end=at(12), channel="phone")
        for visit in (late, last)
    ]
    assert [promise.ordinal for promise in told] == [1, 1]
    plan = town.in_force()
    assert plan is not None
    served = {stop.visit_id: stop.technician_id for stop in plan.stops}
    assert set(served) == {visit.id for visit in (skilled, flexible, late, last)}
    assert served[late.id] == served[last.id] == on[flexible.id]
    assert {served[skilled.id], served[flexible.id]} == {who.id, other.id} - {on[flexible.id]}
    assert violations(town, plan) == []
