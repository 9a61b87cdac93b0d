"""Excluded technicians: EXCLUDED_TECHNICIAN (R-508)."""

from dataclasses import replace

from tests.optimizer.world import a_day, a_plan, a_visit, codes, reasons, served_by, solved

DAY = a_day(a_visit(1, excluded_technicians=frozenset({"ada"})))


def test_r_508_checker_finds_the_former_technician_on_a_repeat_repair() -> None:
    """R-508."""
    assert codes(DAY, a_plan(DAY, ada="v1")) == {"EXCLUDED_TECHNICIAN"}


def test_r_508_repeat_repair_goes_to_another_technician() -> None:
    """R-508."""
    assert served_by(solved(DAY)) == {"v1": "ben"}


def test_without_the_exclusion_the_engine_sends_the_former_one() -> None:
    free = solved(replace(DAY, visits=(a_visit(1),)))
    assert codes(DAY, free) == {"EXCLUDED_TECHNICIAN"}


def test_everybody_excluded_leaves_the_visit_with_its_reason() -> None:
    day = a_day(a_visit(1, excluded_technicians=frozenset({"ada", "ben", "carl"})))
    assert reasons(solved(day)) == {"v1": "EXCLUDED_TECHNICIAN"}
