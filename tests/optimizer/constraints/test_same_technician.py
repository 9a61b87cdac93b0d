"""Same technician: SAME_TECHNICIAN."""

from dataclasses import replace

from optimizer import Budget, Lock, Problem, check, solve
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, served_by, window

CODE = "SAME_TECHNICIAN"
ROUND = tuple(a_visit(place, same_technician="round") for place in (1, 4))
WEST, EAST = a_technician("ada"), a_technician("ben", start=4, end=4)
DAY = a_day(*ROUND, technicians=(WEST, EAST))


def served(problem: Problem) -> dict[str, str]:
    """Technician of each visit that the engine serves, after the checker's approval."""
    plan = solve(problem, Budget(solutions=20), engine="routing").plan
    assert check(problem, plan) == []
    return served_by(plan)


def test_checker_wants_one_person_for_a_group() -> None:
    assert codes(DAY, a_plan(DAY, ada="v1", ben="v4")) == {CODE}
    assert codes(DAY, a_plan(DAY, ada="v1 v4")) == set()
    assert codes(DAY, a_plan(DAY, ada="v1")) == set()


def test_several_shifts_of_a_person_are_one_hand() -> None:
    tomorrow = a_technician("ada-2", person="ada", shift=window("32:00", "40:00"))
    day = replace(DAY, technicians=(replace(WEST, person="ada"), tomorrow))
    assert codes(day, a_plan(day, **{"ada": "v1", "ada-2": "v4"})) == set()


def test_engine_keeps_a_group_in_one_hand() -> None:
    assert len(set(served(DAY).values())) == 1
    free = replace(DAY, visits=tuple(replace(visit, same_technician=None) for visit in ROUND))
    assert served(free) == {"v1": "ada", "v4": "ben"}


def test_engine_sends_whoever_has_begun_the_group() -> None:
    begun = Lock("v4", "ada", at("8:40"), sequence=0)
    assert served(DAY.with_locks([begun])) == {"v1": "ada", "v4": "ada"}


def test_engine_serves_what_one_technician_can_of_a_group() -> None:
    needs = (replace(ROUND[0], required_technician="ada"), replace(ROUND[1], required_technician="ben"))
    assert len(served(replace(DAY, visits=needs))) == 1
