"""Arrival window: ARRIVAL_WINDOW."""

from dataclasses import replace

import pytest

from optimizer import Stop
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, reasons, solved, window

ADA = a_technician("ada")
NINE = a_visit(1, windows=(window("9:00", "9:05"),))
ALSO_NINE = a_visit(4, windows=(window("9:00", "9:05"),))
DAY = a_day(NINE, ALSO_NINE)


@pytest.mark.parametrize(
    ("start", "found"), [("8:59", True), ("9:00", False), ("9:05", False), ("9:06", True)]
)
def test_checker_takes_both_ends_of_a_window_as_inside(start: str, found: bool) -> None:
    day = a_day(NINE, technicians=(ADA,))
    plan = a_plan(day, ada="v1")
    begin = at(start)
    stop = Stop("v1", begin, begin, begin + 1800, 600, 5_000)
    moved = replace(plan.routes[0], departure=begin - 600, stops=(stop,), return_time=begin + 2400)
    assert codes(day, replace(plan, routes=(moved,))) == ({"ARRIVAL_WINDOW"} if found else set())


def test_engine_sends_two_technicians_to_two_visits_at_once() -> None:
    plan = solved(DAY)
    assert {stop.start for route in plan.routes for stop in route.stops} <= {at("9:00"), at("9:05")}
    assert len(plan.routes) == 2


def test_without_windows_the_engine_sends_one_technician() -> None:
    free = solved(replace(DAY, visits=(a_visit(1), a_visit(4))))
    assert len(free.routes) == 1
    assert codes(DAY, free) == {"ARRIVAL_WINDOW"}


def test_the_second_of_two_windows_is_used_when_the_first_is_missed() -> None:
    day = a_day(a_visit(4, windows=(window("13:00", "14:00"), window("8:00", "8:30"))), technicians=(ADA,))
    assert solved(day).routes[0].stops[0].start == at("13:00")


def test_a_window_nobody_can_reach_leaves_the_visit_with_its_reason() -> None:
    assert reasons(solved(a_day(a_visit(4, windows=(window("8:00", "8:39"),))))) == {"v4": "ARRIVAL_WINDOW"}
    assert reasons(solved(a_day(a_visit(4, windows=(window("8:00", "8:40"),))))) == {}
