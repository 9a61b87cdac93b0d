"""Timetable: TIMETABLE, a plan with wrong stated times is a violation."""

from dataclasses import replace

import pytest

from optimizer import Break, Plan
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, solved, window

DAY = a_day(a_visit(1), a_visit(3, windows=(window("10:00", "11:00"),)))
PLAN = a_plan(DAY, ada="v1 v3")


def with_stop(position: int, **changes: int) -> Plan:
    """The plan with figures of one stop falsified."""
    route = PLAN.routes[0]
    stops = list(route.stops)
    stops[position] = replace(stops[position], **changes)
    return replace(PLAN, routes=(replace(route, stops=tuple(stops)),))


def test_the_day_by_hand() -> None:
    route = PLAN.routes[0]
    assert route.departure == at("8:00")
    assert [(s.arrival, s.start, s.end, s.travel, s.metres) for s in route.stops] == [
        (at("8:10"), at("8:10"), at("8:40"), 600, 5_000),
        (at("9:00"), at("10:00"), at("10:30"), 1_200, 10_000),
    ]
    assert (route.return_time, route.return_travel, route.return_metres) == (at("11:00"), 1_800, 15_000)
    assert codes(DAY, PLAN) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"arrival": at("8:59")},
        {"arrival": at("9:01")},
        {"end": at("10:29")},
        {"travel": 1_199},
        {"metres": 9_999},
        {"start": at("10:01")},
    ],
)
def test_checker_finds_every_wrong_figure_of_a_stop(changes: dict[str, int]) -> None:
    assert codes(DAY, with_stop(1, **changes)) == {"TIMETABLE"}


def test_checker_finds_service_before_arrival() -> None:
    assert "TIMETABLE" in codes(DAY, with_stop(0, start=at("8:09"), end=at("8:39")))


@pytest.mark.parametrize(
    "changes", [{"return_time": at("10:59")}, {"return_travel": 0}, {"return_metres": 0}]
)
def test_checker_finds_every_wrong_figure_of_the_way_home(changes: dict[str, int]) -> None:
    assert codes(DAY, replace(PLAN, routes=(replace(PLAN.routes[0], **changes),))) == {"TIMETABLE"}


def test_checker_finds_a_plan_made_for_other_roads() -> None:
    far = replace(DAY, matrix=replace(DAY.matrix, seconds=[[60] * 5] * 5))
    assert codes(far, PLAN) == {"TIMETABLE"}


def test_engine_states_times_the_checker_agrees_with() -> None:
    assert codes(DAY, solved(DAY)) == set()


def test_checker_finds_a_rest_counted_as_setting_up() -> None:
    ada = a_technician("ada", breaks=(Break(at("8:10"), at("8:10"), 1800),))
    day = a_day(a_visit(1, setup=600), technicians=(ada,))
    plan = a_plan(day, ada="v1")
    assert plan.routes[0].stops[0].start == at("8:50")  # there at 8:10, rests till 8:40, sets up
    assert codes(day, plan) == set()
    hasty = replace(plan.routes[0].stops[0], start=at("8:40"), end=at("9:10"))
    route = replace(plan.routes[0], stops=(hasty,), return_time=at("9:20"))
    assert codes(day, replace(plan, routes=(route,))) == {"TIMETABLE"}
