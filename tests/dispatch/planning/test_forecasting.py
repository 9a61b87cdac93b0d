"""The day as it will probably go on: arrivals, chances and promises in danger (R-503)."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.planning import forecasting, spreads
from dispatch.planning.commands import book, lock_visit, publish
from dispatch.planning.forecasting import RouteForecast, StopForecast, day_forecast, driven_on, route_forecast
from dispatch.planning.problem import Built
from dispatch.planning.rules import Danger, SlotGone, danger_of
from dispatch.technicians.model import Shift, Technician
from dispatch.work_orders.commands import expect_end
from dispatch.work_orders.model import Visit
from tests.builders import DAY, a_promise, a_technician, an_absence, at, of
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.crew_world import a_crew
from tests.planning_world import Town

EVERYBODY = Principal(user_id=None, role=Role.DISPATCHER, territory_ids=None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def routes(town: Town) -> list[RouteForecast]:
    """The forecast of the test day."""
    return list(day_forecast(town.session, EVERYBODY, town.territory.id, DAY).routes)


def only(town: Town) -> dict[object, StopForecast]:
    """The open stops of the one route there is."""
    [route] = routes(town)
    return {stop.visit_id: stop for stop in route.stops}


def booked(town: Town, *hours: int, minutes: int = 60) -> list[Visit]:
    """Visits promised for two hours each from these hours on."""
    town.territory.emergency_reserve_percent = 0
    found = []
    for hour in hours:
        visit = town.visit(60.2, 24.99, duration_minutes=minutes)
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
        found.append(visit)
    return found


def test_a_day_without_a_plan_has_nothing_to_forecast(town: Town) -> None:
    assert routes(town) == []


def test_as_planned_everybody_is_in_time(town: Town) -> None:
    """R-503: nothing is in danger."""
    town.technician((8, 16), break_minutes=0)
    first, second = booked(town, 8, 12)
    stops = only(town)
    assert list(stops) == [first.id, second.id]
    for visit in (first, second):
        seen = stops[visit.id]
        assert seen.danger is Danger.SAFE
        assert seen.chance is not None
        assert seen.chance > 0.95
        assert seen.window_end == visit.window_end
        assert seen.slack_seconds == pytest.approx(
            (visit.window_end - seen.expected_arrival).total_seconds(), abs=1
        )


def test_who_has_not_left_by_the_end_of_the_window_breaks_the_promise(town: Town, now: MovableClock) -> None:
    """R-503: lateness is told though the route does not hold any more."""
    town.technician((8, 16), break_minutes=0)
    late, later = booked(town, 8, 12)
    now.set(at(10.5))
    stops = only(town)
    assert stops[late.id].danger is Danger.BREAKING
    assert stops[late.id].slack_seconds is not None
    assert stops[late.id].slack_seconds < 0
    assert stops[late.id].expected_arrival >= at(10.5)
    assert stops[later.id].danger is Danger.SAFE


def test_a_long_job_endangers_what_comes_after_it(town: Town, now: MovableClock) -> None:
    """R-503: the estimate of a job that goes on moves what follows."""
    who = town.technician((8, 18), break_minutes=0)
    long, after = booked(town, 8, 10, minutes=100)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    before = only(town)[after.id]
    for state in ("travelling", "on_site", "working"):
        long.state = state
        long.travelling_at = long.travelling_at or at(8)
        town.session.flush()
    long.arrived_at = long.started_at = at(8) + timedelta(minutes=5)
    town.session.flush()
    now.set(at(11.75))
    seen = only(town)
    assert set(seen) == {after.id}
    assert seen[after.id].expected_arrival > before.expected_arrival
    assert seen[after.id].expected_arrival > at(11.75)
    assert seen[after.id].chance is not None
    assert before.chance is not None
    assert seen[after.id].chance < before.chance
    assert who.id == routes(town)[0].technician_id


def set_out(town: Town, visit: Visit, since: datetime) -> int:
    """Let the technician of a published visit set out; seconds of the way as it is planned."""
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    visit.state, visit.travelling_at = "travelling", since
    town.session.flush()
    return next(stop.travel_seconds for stop in plan.stops if stop.visit_id == visit.id)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=40)])
def test_who_has_set_out_is_there_after_the_way_and_moves_what_follows(
    town: Town, now: MovableClock, late: timedelta
) -> None:
    """R-503: as soon as somebody is on the way, also within the hour that was planned for setting out."""
    who = town.technician((8, 16), break_minutes=0)
    both = {visit.id: visit for visit in booked(town, 8, 8)}
    plan = town.in_force()
    assert plan is not None
    first, second = (both[stop.visit_id] for stop in sorted(plan.stops, key=lambda stop: stop.position))
    since = at(8) + late
    way = timedelta(seconds=set_out(town, first, since))
    assert way > timedelta(minutes=5)
    now.set(since + timedelta(minutes=1))
    stops = only(town)
    assert list(stops) == [first.id, second.id]
    seen, after = stops[first.id], stops[second.id]
    assert (seen.is_on_the_way, after.is_on_the_way) == (True, False)
    assert seen.expected_arrival == since + way
    assert seen.danger is Danger.SAFE
    assert after.expected_arrival is not None
    assert abs(after.expected_arrival - (since + way + timedelta(hours=1))) < timedelta(minutes=2)
    assert (after.danger is Danger.SAFE) is (late == timedelta(0))
    [alone] = route_forecast(town.session, EVERYBODY, town.territory.id, DAY, who.id).routes
    assert alone == routes(town)[0]


def test_who_is_the_last_one_out_is_forecast_and_whoever_has_fallen_ill_is_not(
    town: Town, now: MovableClock
) -> None:
    """R-503: nothing comes after it on the route, and the shift may be over by then."""
    who = town.technician((8, 10), break_minutes=0, overtime_minutes=0)
    [visit] = booked(town, 8, minutes=60)
    way = set_out(town, visit, at(9.9))
    now.set(at(9.95))
    seen = only(town)[visit.id]
    assert seen.expected_arrival == at(9.9) + timedelta(seconds=way)
    assert seen.danger is Danger.BREAKING
    assert seen.reason is None
    an_absence(town.session, who, starts_at=at(9.9), ends_at=at(16))
    ill = only(town)[visit.id]
    assert (ill.expected_arrival, ill.reason) == (None, forecasting.REASON_ILL)


def test_who_said_so_of_two_visits_comes_to_the_second_after_the_first(town: Town, now: MovableClock) -> None:
    """R-503: nobody is at two places; a third visit waits for both."""
    town.technician((8, 18), break_minutes=0)
    visits = booked(town, 8, 8, 12)
    plan = town.in_force()
    assert plan is not None
    for stop in plan.stops:
        stop.travel_seconds = 600
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    for visit in visits[:2]:
        visit.state, visit.travelling_at = "travelling", at(8)
    town.session.flush()
    now.set(at(12))
    stops = only(town)
    assert [stops[visit.id].is_on_the_way for visit in visits] == [True, True, False]
    last = stops[visits[2].id].expected_arrival
    assert last is not None
    assert last >= at(14)


def test_what_a_technician_says_of_the_rest_moves_what_follows_at_once(town: Town, now: MovableClock) -> None:
    """R-503: in the middle of an hour's job "another two hours", then "done in ten minutes"."""
    who = town.technician((8, 18), break_minutes=0)
    long, after = booked(town, 8, 10)
    long.state = "published"
    town.session.flush()
    for state in ("travelling", "on_site", "working"):
        long.state = state
        long.travelling_at = long.travelling_at or at(8)
        town.session.flush()
    long.technician_id = who.id
    long.arrived_at = long.started_at = at(8)
    now.set(at(8.5))
    before = only(town)[after.id].expected_arrival
    assert expect_end(town.session, by=of(who), visit=long, minutes=120)
    later = only(town)[after.id]
    assert later.expected_arrival >= at(10.5) > before
    assert not expect_end(town.session, by=EVERYBODY, visit=long, minutes=60, at=at(8.25))
    assert only(town)[after.id] == later
    now.set(at(8.75))
    assert expect_end(town.session, by=of(who), visit=long, minutes=10)
    sooner = only(town)[after.id].expected_arrival
    assert at(8 + 11 / 12) <= sooner < before
    now.set(at(9.5))
    assert only(town)[after.id].expected_arrival >= at(9.5)


def test_who_is_away_is_forecast_to_come_to_nobody(town: Town) -> None:
    """R-503: a morning's stop stays safe; those of an absence have no arrival, also after the long piece."""
    who = town.technician((8, 16), break_minutes=0, overtime_minutes=60)
    early, late = booked(town, 8, 14)
    an_absence(town.session, who, starts_at=at(13), ends_at=at(20))
    stops = only(town)
    assert (stops[early.id].danger, stops[early.id].reason) == (Danger.SAFE, None)
    found = stops[late.id]
    assert (found.danger, found.chance, found.expected_arrival) == (Danger.BREAKING, 0, None)
    assert found.reason == "technician_ill"


def test_who_has_two_pieces_comes_in_both(town: Town) -> None:
    """R-503: away from ten to two; nothing is known of what was promised for noon."""
    who = town.technician((8, 16), break_minutes=0)
    early, noon, late = booked(town, 8, 11, 14)
    an_absence(town.session, who, starts_at=at(10.5), ends_at=at(14))
    stops = only(town)
    assert [stops[each.id].reason for each in (early, noon, late)] == [None, "technician_ill", None]


def test_a_shift_that_was_taken_away_brings_nobody(town: Town) -> None:
    who = town.technician((8, 16), break_minutes=0)
    [visit] = booked(town, 12)
    for shift in town.session.scalars(select(Shift).where(Shift.technician_id == who.id)):
        town.session.delete(shift)
    found = only(town)[visit.id]
    assert (found.danger, found.reason) == (Danger.BREAKING, "off_duty")


def test_who_is_pinned_comes_after_the_shift(town: Town) -> None:
    """A pin lengthens the shift for planning; it does so here."""
    who = town.technician((8, 12), break_minutes=0)
    visit = town.visit(60.2, 24.99, duration_minutes=60)
    a_promise(town.session, visit, window_start=at(14), window_end=at(16))
    visit.window_start, visit.window_end = at(14), at(16)
    town.draft([(who, visit, 14)])
    assert only(town)[visit.id].reason == "off_duty"
    lock_visit(town.session, by=None, visit=visit, technician_id=who.id, start=None)
    assert only(town)[visit.id].reason is None


def by_route(town: Town, who: Technician) -> RouteForecast:
    """The forecast of one route."""
    found = route_forecast(town.session, EVERYBODY, town.territory.id, DAY, who.id)
    assert found.version == town.head().version
    return next(iter(found.routes))


@pytest.mark.parametrize("seed", range(4))
def test_a_route_by_itself_is_forecast_as_in_the_whole_day(town: Town, now: MovableClock, seed: int) -> None:
    """R-503: generated days, with work under way, absences, pins and crews."""
    chance = random.Random(seed)
    town.territory.emergency_reserve_percent = 0
    crew = [town.technician((8, 16), break_minutes=30) for _ in range(4)]
    crews = [a_crew(town, duration_minutes=45) for _ in range(2)] if seed == 3 else []
    for visit in (*crews, *town.visits(12, seed=seed, duration_minutes=45)):
        start = 8 + chance.randrange(6)
        with suppress(SlotGone):
            book(town.session, by=None, visit=visit, start=at(start), end=at(start + 2), channel="phone")
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    begun = town.session.get_one(Visit, plan.stops[0].visit_id)
    begun.state, begun.travelling_at, begun.arrived_at = "on_site", at(8), at(8.5)
    an_absence(town.session, crew[1], starts_at=at(12), ends_at=at(20))
    an_absence(town.session, crew[2])
    now.set(at(9.5))
    town.session.flush()
    whole = {route.technician_id: route for route in routes(town)}
    assert len(whole) >= 3
    for who in crew:
        assert by_route(town, who) == whole.get(who.id, RouteForecast(who.id, ()))


def test_nobody_else_is_read_for_one_route(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-503: a changed route is forecast at once, however many others the day has."""
    crew = [town.technician((8, 16), break_minutes=0) for _ in range(3)]
    booked(town, 8, 8, 10, 10, 12, 12, minutes=100)
    plan = town.in_force()
    assert plan is not None
    read: list[Built] = []

    def noting(built: Built, *given: Any) -> object:
        read.append(built)
        return driven_on(built, *given)

    monkeypatch.setattr(forecasting, "driven_on", noting)
    assert len({stop.technician_id for stop in plan.stops}) > 1
    for who in crew:
        stops = by_route(town, who).stops
        names = {str(stop.visit_id) for stop in plan.stops if stop.technician_id == who.id}
        assert {str(stop.visit_id) for stop in stops} == names
        if names:
            assert names == set(read[-1].visits)
            assert [one.id for one in read[-1].problem.technicians] == [str(who.id)]


def test_somebody_of_elsewhere_has_no_route_here(town: Town) -> None:
    other = a_technician(town.session)
    with pytest.raises(NotFound):
        route_forecast(town.session, EVERYBODY, town.territory.id, DAY, other.id)


def test_another_territory_is_not_told(town: Town) -> None:
    abroad = Principal(user_id=None, role=Role.DISPATCHER, territory_ids=frozenset())  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        day_forecast(town.session, abroad, town.territory.id, DAY)


@pytest.mark.parametrize(
    ("chance", "danger"),
    [(None, "safe"), (1.0, "safe"), (0.8, "safe"), (0.79, "at_risk"), (0.2, "at_risk"), (0.19, "breaking")],
)
def test_danger_follows_the_chance(chance: float | None, danger: str) -> None:
    assert danger_of(chance) == danger


def test_reading_a_forecast_writes_nothing(town: Town) -> None:
    town.technician((8, 16), break_minutes=0)
    booked(town, 8)
    before = town.head().version
    routes(town)
    assert town.head().version == before
    assert len(list(town.session.scalars(select(Visit)))) == 1
