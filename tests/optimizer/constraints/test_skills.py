"""Skills: SKILL."""

from dataclasses import replace

from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, codes, reasons, served_by, solved

ADA = a_technician("ada", skills={"gas": 1})
BEN = a_technician("ben", skills={"gas": 3})
DAY = a_day(a_visit(1, skills={"gas": 2}), technicians=(ADA, BEN))
WITHOUT = replace(DAY, visits=(a_visit(1),))


def test_checker_finds_a_technician_below_the_level() -> None:
    assert codes(DAY, a_plan(DAY, ada="v1")) == {"SKILL"}
    assert codes(DAY, a_plan(DAY, ben="v1")) == set()


def test_engine_sends_the_one_who_holds_the_level() -> None:
    assert served_by(solved(DAY)) == {"v1": "ben"}


def test_without_the_demand_the_engine_sends_somebody_else() -> None:
    free = solved(WITHOUT)
    assert served_by(free) == {"v1": "ada"}
    assert codes(DAY, free) == {"SKILL"}


def test_a_skill_nobody_has_leaves_the_visit_with_its_reason() -> None:
    day = a_day(a_visit(1, skills={"lift": 1}))
    assert reasons(solved(day)) == {"v1": "SKILL"}


def test_level_zero_is_held_by_everybody() -> None:
    day = a_day(a_visit(1, skills={"lift": 0}))
    assert served_by(solved(day)) == {"v1": "ada"}
