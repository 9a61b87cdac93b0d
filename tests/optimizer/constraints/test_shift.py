"""Shift and overtime: SHIFT."""

from dataclasses import replace

from optimizer import Lock, cost
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, reasons, solved, window

SHORT = a_technician("ada", shift=window("8:00", "8:50"))
DAY = a_day(a_visit(1), technicians=(SHORT,))
LONG_DAY = replace(DAY, technicians=(a_technician("ada"),))


def test_a_shift_that_just_suffices_is_kept() -> None:
    plan = solved(DAY)
    assert plan.routes[0].return_time == at("8:50")
    assert codes(DAY, plan) == set()


def test_checker_finds_a_late_return_and_an_early_departure() -> None:
    plan = a_plan(LONG_DAY, ada="v1")
    late = replace(DAY, technicians=(replace(SHORT, shift=window("8:00", "8:49")),))
    early = replace(DAY, technicians=(replace(SHORT, shift=window("8:01", "9:00")),))
    assert codes(late, plan) == {"SHIFT"}
    assert codes(early, plan) == {"SHIFT"}


def test_engine_leaves_out_what_does_not_fit_and_says_so() -> None:
    day = replace(DAY, visits=(a_visit(1), a_visit(2)))
    assert reasons(solved(day)) == {"v2": "SHIFT"}


def test_without_the_short_shift_the_engine_serves_both() -> None:
    free = solved(replace(LONG_DAY, visits=(a_visit(1), a_visit(2))))
    assert reasons(free) == {}
    assert codes(replace(DAY, visits=(a_visit(1), a_visit(2))), free) == {"SHIFT"}


def test_overtime_is_allowed_up_to_its_limit_and_costs_by_the_minute() -> None:
    ada = replace(SHORT, overtime=20 * 60)
    day = replace(DAY, technicians=(ada,), visits=(a_visit(2),))
    plan = solved(day)
    assert plan.routes[0].return_time == at("9:10")
    assert cost(day, plan)["overtime"] == 20 * 100
    assert reasons(solved(replace(day, technicians=(replace(ada, overtime=1199),)))) == {"v2": "SHIFT"}


def test_earliest_departure_comes_before_the_start_of_the_shift() -> None:
    day = replace(LONG_DAY, technicians=(a_technician("ada", earliest_departure=at("10:00")),))
    plan = solved(day)
    assert plan.routes[0].departure == at("10:00")
    assert codes(day, a_plan(LONG_DAY, ada="v1")) == {"SHIFT"}


def test_work_begun_beyond_the_shift_is_a_fact_and_no_violation() -> None:
    day = DAY.with_locks([Lock("v1", "ada", at("9:30"), sequence=0)])
    plan = solved(day)
    assert plan.routes[0].return_time == at("10:10")
    assert codes(day, plan) == set()
