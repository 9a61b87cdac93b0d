"""A day through the job: read, solved, stored as a proposal that the checker accepts, then published."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.db import new_id
from dispatch.errors import NotFound
from dispatch.outbox import JobRun
from dispatch.planning import plan_rows
from dispatch.planning.commands import book, lock_visit, publish, request_optimise
from dispatch.planning.model import DayPlan, PlanLock
from dispatch.planning.queries import find_run
from dispatch.planning.rules import PlanNotPublishable
from dispatch.promises.model import Promise
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from optimizer.check import cost
from tests.builders import DAY, a_part, a_principal, a_shift, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, violations

Solve = Callable[..., JobRun]


@pytest.fixture
def town(lasting_town: Town) -> Town:
    """A town whose rows the jobs see."""
    return lasting_town


@pytest.fixture
def solve(town: Town) -> Solve:
    """Commits what the test wrote, asks for the day, performs the job, and returns its run."""

    def run(on: date = DAY, seconds: float = 0.25) -> JobRun:
        session = town.session
        run_id = request_optimise(session, by=None, territory_id=town.territory.id, day=on, seconds=seconds)
        session.commit()
        outbox.perform(str(run_id))
        session.expire_all()
        return session.get_one(JobRun, run_id)

    return run


def proposal(session: Session, run: JobRun) -> DayPlan:
    """The plan that a run stored."""
    assert run.state == "done", run.error
    assert run.result is not None
    return session.get_one(DayPlan, run.result["plan_id"])


def publish_it(town: Town, plan: DayPlan) -> None:
    """Publish and commit."""
    publish(town.session, by=None, plan=plan, expected_version=town.head(plan.day).version)
    town.session.commit()


def a_busy_day(town: Town) -> list[Visit]:
    """Three technicians, nine booked visits and three nobody has called back about."""
    for latitude in (60.13, 60.17, 60.21):
        town.technician(home_latitude=latitude)
    booked = town.visits(9)
    for number, visit in enumerate(booked):
        hour = 8 + 2 * (number % 4)
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
    return [*booked, *town.visits(3, seed=9)]


def test_the_proposal_passes_the_checker_and_keeps_every_promise(town: Town, solve: Solve) -> None:
    """R-303, R-309."""
    visits = a_busy_day(town)
    run = solve(seconds=1)
    plan = proposal(town.session, run)
    assert violations(town, plan) == []
    assert {stop.visit_id for stop in plan.stops} == {visit.id for visit in visits}
    for stop in plan.stops:
        visit = town.session.get_one(Visit, stop.visit_id)
        if visit.window_start is not None and visit.window_end is not None:
            assert visit.window_start <= stop.start <= visit.window_end
    assert (plan.state, plan.base_version, plan.seed) == ("proposed", town.head().version, 1)
    assert sum(plan.cost_by_term.values()) > 0
    seen = find_run(town.session, a_principal(), run.id)
    assert (seen.state, seen.plan_id) == ("done", str(plan.id))


def test_a_proposal_costs_no_more_than_the_draft_it_came_from(town: Town, solve: Solve) -> None:
    a_busy_day(town)
    built = town.built()
    before = sum(cost(built.problem, plan_rows.to_plan(built, town.in_force())).values())
    after = sum(proposal(town.session, solve()).cost_by_term.values())
    assert after <= before


def test_a_published_proposal_is_the_new_start_and_stays_stable(town: Town, solve: Solve) -> None:
    a_busy_day(town)
    publish_it(town, proposal(town.session, solve()))
    first = {stop.visit_id: stop.technician_id for stop in (town.in_force() or DayPlan()).stops}
    again = proposal(town.session, solve())
    assert violations(town, again) == []
    assert {stop.visit_id: stop.technician_id for stop in again.stops} == first


def test_stops_that_have_begun_stay_and_the_rest_is_planned_after_them(
    town: Town, solve: Solve, now: MovableClock
) -> None:
    a_busy_day(town)
    publish_it(town, proposal(town.session, solve()))
    plan = town.in_force()
    assert plan is not None
    stop = min(plan.stops, key=lambda stop: stop.start)
    visit = town.session.get_one(Visit, stop.visit_id)
    now.set(stop.start + timedelta(minutes=20))
    for state in ("on_site", "working"):
        visit.state = state
        visit.arrived_at = visit.started_at = stop.start
        town.session.flush()
    again = proposal(town.session, solve())
    assert violations(town, again) == []
    kept = next(row for row in again.stops if row.visit_id == visit.id)
    assert (kept.technician_id, kept.start, kept.position) == (stop.technician_id, stop.start, 0)
    others = [row for row in again.stops if row.technician_id == stop.technician_id and row != kept]
    assert all(row.start >= kept.end for row in others)
    publish_it(town, again)
    assert visit.state == "working"


def test_locks_are_kept(town: Town, solve: Solve) -> None:
    visits = a_busy_day(town)
    far = town.technician(home_latitude=60.21, home_longitude=25.02)
    lock_visit(town.session, by=None, visit=visits[0], technician_id=far.id, start=None)
    lock_visit(town.session, by=None, visit=visits[-1], technician_id=None, start=at(13.5))
    plan = proposal(town.session, solve())
    stops = {stop.visit_id: stop for stop in plan.stops}
    assert stops[visits[0].id].technician_id == far.id
    assert stops[visits[-1].id].start == at(13.5)
    assert violations(town, plan) == []


def test_a_lock_to_somebody_off_duty_is_a_reason_not_a_failure(town: Town, solve: Solve) -> None:
    town.technician()
    away = town.technician(days=3)
    visit = town.visit()
    lock_visit(town.session, by=None, visit=visit, technician_id=away.id, start=None)
    plan = proposal(town.session, solve())
    assert [(left.visit_id, left.reason) for left in plan.unserved] == [(visit.id, "REQUIRED_TECHNICIAN")]


def test_a_locked_start_that_has_passed_binds_nobody(town: Town, solve: Solve, now: MovableClock) -> None:
    who = town.technician()
    visit = town.visit()
    lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=at(9))
    now.set(at(10))
    plan = proposal(town.session, solve())
    assert [(stop.visit_id, stop.start >= at(10)) for stop in plan.stops] == [(visit.id, True)]


def test_every_unserved_visit_carries_its_reason(town: Town, solve: Solve) -> None:
    who = town.technician(skills={"gas": 1}, certificates={"f_gas": DAY - timedelta(days=1)})
    part = a_part(town.session)
    cases = {
        town.visit(skills={"gas": 3}).id: "SKILL",
        town.visit(certificates=["f_gas"]).id: "CERTIFICATE",
        town.visit(parts={part.sku: 1}).id: "PARTS",
        town.visit(excluded_technicians=[str(who.id)]).id: "EXCLUDED_TECHNICIAN",
        town.visit(duration_minutes=900).id: "SHIFT",
    }
    plan = proposal(town.session, solve())
    assert {left.visit_id: left.reason for left in plan.unserved} == cases
    assert all(left.sentence and left.action for left in plan.unserved)


def test_a_day_with_nobody_on_duty_is_a_plan_of_reasons(town: Town, solve: Solve) -> None:
    visit = town.visit()
    plan = proposal(town.session, solve())
    assert plan.stops == []
    assert [(left.visit_id, left.reason) for left in plan.unserved] == [(visit.id, "NO_TECHNICIAN")]


def test_an_empty_day_is_an_empty_plan(town: Town, solve: Solve) -> None:
    town.technician()
    plan = proposal(town.session, solve())
    assert (plan.stops, plan.unserved) == ([], [])


def test_a_day_too_large_is_parked_with_words(
    town: Town, solve: Solve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9: the cap is refused at once and for good, not tried five times."""
    monkeypatch.setenv("TRUCKROLL_OPTIMISER_VISITS_MOST", "3")
    town.technician()
    town.visits(4)
    run = solve()
    assert (run.state, run.attempt) == ("parked", 1)
    assert "DayTooLarge: 4 visits" in (run.error or "")


def test_a_promise_that_can_no_longer_be_kept_is_planned_late_and_told_anew(
    town: Town, solve: Solve, now: MovableClock
) -> None:
    """R-309: the visit is not dropped; its customer hears a new window, the first promise stays."""
    town.technician((8, 16), break_minutes=0)
    first, second = town.visits(2, duration_minutes=60)
    for visit in (first, second):
        book(town.session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    now.set(at(9.5))
    plan = proposal(town.session, solve())
    assert {stop.visit_id for stop in plan.stops} == {first.id, second.id}
    publish_it(town, plan)
    told = town.session.execute(
        select(Promise.visit_id, Promise.reason, Promise.window_end).order_by(Promise.id)
    )
    rows = [tuple(row) for row in told]
    assert [row[1] for row in rows] == ["first", "first", "replanned"]
    assert rows[0][2] == rows[1][2] == at(10)
    assert rows[2][2] > at(10)


def test_the_night_shift_works_past_midnight_and_the_next_day_leaves_it_alone(
    town: Town, solve: Solve, now: MovableClock
) -> None:
    now.set(at(23))
    town.technician((22, 30))
    morning = town.technician(days=1)
    visits = town.visits(3, duration_minutes=70)
    publish_it(town, proposal(town.session, solve()))
    starts = sorted(visit.planned_start for visit in visits if visit.planned_start)
    assert starts[0] < at(24) < starts[-1]
    tomorrow = proposal(town.session, solve(DAY + timedelta(days=1)))
    assert (tomorrow.stops, tomorrow.unserved) == ([], [])
    assert morning.id not in {visit.technician_id for visit in visits}
    now.set(at(24.25))
    assert violations(town, proposal(town.session, solve())) == []


@pytest.mark.parametrize("on", [date(2026, 3, 29), date(2026, 10, 25)], ids=["23 hours", "25 hours"])
def test_a_day_on_which_the_clock_changes_is_planned_whole(
    town: Town, solve: Solve, now: MovableClock, on: date
) -> None:
    start, end = clock.day_bounds(on, town.territory.timezone)
    now.set(start)
    who = town.technician(days=400)
    shift = start + timedelta(hours=1)
    a_shift(
        town.session,
        who,
        starts_at=shift,
        ends_at=end - timedelta(hours=1),
        break_minutes=0,
        break_earliest=None,
        break_latest=None,
    )
    visits = town.visits(12, duration_minutes=90)
    plan = proposal(town.session, solve(on))
    assert violations(town, plan, on) == []
    assert len(plan.stops) + len(plan.unserved) == len(visits)
    assert all(shift <= stop.start < end for stop in plan.stops)


def test_a_visit_on_site_stays_a_fact_while_its_order_waits_for_a_part(town: Town, solve: Solve) -> None:
    """Decision 15: the technician is still there, whatever the order waits for."""
    who = town.technician()
    there = town.visit(technician=who, state="working", started_at=at(8), planned_start=at(8))
    there.work_order.waiting_reason, there.work_order.waiting_since = "part", at(8)
    town.visit()
    plan = proposal(town.session, solve())
    assert plan.stops[0].visit_id == there.id
    assert violations(town, plan) == []


def test_the_replan_of_an_emergency_is_seen_in_its_own_territory_only(town: Town) -> None:
    town.technician()
    visit = town.visit(priority=5)
    book(town.session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    town.session.commit()
    run = town.session.scalars(select(JobRun).where(JobRun.kind == "planning.replan")).one()
    at_home = a_principal(territory_ids=frozenset({town.territory.id}))
    assert find_run(town.session, at_home, run.id).state == "ready"
    with pytest.raises(NotFound):
        find_run(town.session, a_principal(territory_ids=frozenset({new_id()})), run.id)


def test_an_emergency_replans_its_day(town: Town) -> None:
    town.technician()
    visit = town.visit(priority=5)
    book(town.session, by=None, visit=visit, start=at(8), end=at(10), channel="phone")
    town.session.commit()
    run = town.session.scalars(select(JobRun).where(JobRun.kind == "planning.replan")).one()
    _with_seconds(1, lambda: outbox.perform(str(run.id)))
    town.session.expire_all()
    plan = proposal(town.session, run)
    assert (plan.reason, plan.day) == ("emergency", DAY)
    assert [stop.visit_id for stop in plan.stops] == [visit.id]


def _with_seconds(seconds: int, work: Callable[[], Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUCKROLL_OPTIMISER_SECONDS", str(seconds))
        work()


def test_who_fell_ill_since_is_left_out_of_the_next_proposal(town: Town, solve: Solve) -> None:
    ill, well = town.technician(), town.technician()
    visit = town.visit()
    book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    first = town.in_force()
    assert first is not None
    other = {ill.id: well.id, well.id: ill.id}[first.stops[0].technician_id]
    an_absence(town.session, town.session.get_one(Technician, first.stops[0].technician_id))
    plan = proposal(town.session, solve())
    assert [stop.technician_id for stop in plan.stops] == [other]
    assert town.session.scalars(select(PlanLock)).all() == []


def test_a_pin_beyond_the_shift_is_planned_and_published_unless_somebody_is_away(
    town: Town, solve: Solve
) -> None:
    """What a dispatcher decided is kept: the shift is lengthened for it, an absence is not ended."""
    who = town.technician((8, 16), break_minutes=0)
    [visit] = town.visits(1)
    lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=at(19))
    run = solve()
    assert run.result is not None
    plan = town.session.get_one(DayPlan, uuid.UUID(run.result["plan_id"]))
    assert [(stop.visit_id, stop.technician_id, stop.start) for stop in plan.stops] == [
        (visit.id, who.id, at(19))
    ]
    assert plan.cost_by_term["overtime"] > 0
    ill = an_absence(town.session, who, starts_at=at(18), ends_at=at(23))
    with pytest.raises(PlanNotPublishable):
        publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    town.session.delete(ill)
    town.session.flush()
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    assert plan.state == "published"


def test_what_begins_soon_is_frozen_where_the_territory_says_so(
    town: Town, solve: Solve, now: MovableClock
) -> None:
    """A published stop within the freeze keeps technician and time; without it a cheaper plan moves it."""
    town.technician(home_latitude=60.21, break_minutes=0)
    visits = town.visits(3, seed=4, duration_minutes=60)
    for visit, hour in zip(visits, (8, 10, 13), strict=True):
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
    publish_it(town, proposal(town.session, solve()))
    before = {
        stop.visit_id: (stop.technician_id, stop.start) for stop in (town.in_force() or DayPlan()).stops
    }
    cheaper = town.technician(home_latitude=60.17, break_minutes=0)
    town.territory.freeze_minutes = 300
    after = {stop.visit_id: stop for stop in proposal(town.session, solve()).stops}
    for visit_id, (technician_id, start) in before.items():
        if start < at(13):
            assert after[visit_id].technician_id == technician_id
            assert abs(after[visit_id].start - start) <= timedelta(minutes=15)
    assert cheaper.id not in {who for who, start in before.values() if start < at(13)}
