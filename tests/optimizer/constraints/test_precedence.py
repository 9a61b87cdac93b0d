"""Precedence: PRECEDENCE, with a delay or on a later day."""

from dataclasses import replace

from optimizer import Budget, Lock, Plan, Problem, check, solve
from optimizer.problem import After
from tests.optimizer.world import HOUR, a_day, a_plan, a_technician, a_visit, at, codes, served_by, window

CODE = "PRECEDENCE"
DRY = (a_visit(1, id="screed"), a_visit(1, id="tiles", after=(After("screed", 2 * HOUR),)))
DAY = a_day(*DRY)
TOMORROW = a_technician("ada-2", person="ada", shift=window("32:00", "40:00"))


def planned(problem: Problem) -> Plan:
    """The plan of the reference engine, after the checker's approval."""
    plan = solve(problem, Budget(solutions=20), engine="routing").plan
    assert check(problem, plan) == []
    return plan


def start_of(plan: Plan, visit_id: str) -> int:
    """Start of service."""
    return next(s.start for route in plan.routes for s in route.stops if s.visit_id == visit_id)


def test_checker_wants_the_earlier_visit_first_and_its_delay_kept() -> None:
    assert codes(DAY, a_plan(DAY, ada="screed tiles")) == {CODE}
    assert codes(DAY, a_plan(DAY, ada="tiles")) == {CODE}
    late = a_technician("ben", shift=window("10:30", "16:00"))
    day = replace(DAY, technicians=(a_technician("ada"), late))
    assert codes(day, a_plan(day, ada="screed", ben="tiles")) == set()


def test_checker_wants_the_next_day_where_it_is_asked() -> None:
    tiles = replace(DRY[1], after=(After("screed", next_day=True),))
    day = a_day(DRY[0], tiles, technicians=(a_technician("ada"), a_technician("ben"), TOMORROW))
    assert codes(day, a_plan(day, ada="screed", ben="tiles")) == {CODE}
    assert codes(day, replace(a_plan(day, **{"ada": "screed", "ada-2": "tiles"}))) == set()


def test_engine_waits_out_the_delay() -> None:
    plan = planned(DAY)
    assert start_of(plan, "screed") == at("8:10")
    assert start_of(plan, "tiles") >= at("10:40")


def test_engine_goes_back_the_next_day() -> None:
    tiles = replace(DRY[1], after=(After("screed", next_day=True),))
    plan = planned(a_day(DRY[0], tiles, technicians=(a_technician("ada"), TOMORROW)))
    assert served_by(plan) == {"screed": "ada", "tiles": "ada-2"}


def test_engine_leaves_out_what_waits_for_a_visit_that_nobody_serves() -> None:
    impossible = replace(DRY[0], skills={"screed": 3})
    assert served_by(planned(a_day(impossible, DRY[1]))) == {}


def test_a_visit_that_has_begun_is_waited_for_at_its_recorded_time() -> None:
    plan = planned(DAY.with_locks([Lock("screed", "ada", at("9:00"), sequence=0)]))
    assert start_of(plan, "tiles") == at("11:30")


def test_chains_are_kept_over_several_technicians() -> None:
    chain = [a_visit(1, id="c0", skills={"s0": 1}, duration=HOUR)]
    chain += [
        a_visit(i + 1, id=f"c{i}", skills={f"s{i % 2}": 1}, after=(After(f"c{i - 1}", 600),))
        for i in range(1, 4)
    ]
    crew = tuple(a_technician(name, skills={f"s{i}": 1}) for i, name in enumerate(("ada", "ben")))
    plan = planned(a_day(*chain, technicians=crew))
    assert served_by(plan) == {"c0": "ada", "c1": "ben", "c2": "ada", "c3": "ben"}
