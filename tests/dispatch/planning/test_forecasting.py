"""The day as it will probably go on: arrivals, chances and promises in danger (R-503)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.planning import spreads
from dispatch.planning.commands import book, publish
from dispatch.planning.forecasting import RouteForecast, StopForecast, day_forecast
from dispatch.planning.rules import Danger, danger_of
from dispatch.work_orders.model import Visit
from tests.builders import DAY, at
from tests.dispatch.conftest import MovableClock
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
