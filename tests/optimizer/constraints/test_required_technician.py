"""Required technician: REQUIRED_TECHNICIAN (R-306)."""

from dataclasses import replace

from tests.optimizer.world import a_day, a_plan, a_visit, codes, reasons, served_by, solved

DAY = a_day(a_visit(1, required_technician="ben"))


def test_r_306_checker_finds_another_than_the_named_technician() -> None:
    """R-306."""
    assert codes(DAY, a_plan(DAY, ada="v1")) == {"REQUIRED_TECHNICIAN"}


def test_engine_sends_the_named_technician() -> None:
    assert served_by(solved(DAY)) == {"v1": "ben"}


def test_without_the_name_the_engine_sends_somebody_else() -> None:
    free = solved(replace(DAY, visits=(a_visit(1),)))
    assert codes(DAY, free) == {"REQUIRED_TECHNICIAN"}


def test_a_named_technician_who_is_absent_leaves_the_visit_with_its_reason() -> None:
    assert reasons(solved(a_day(a_visit(1, required_technician="carl")))) == {"v1": "REQUIRED_TECHNICIAN"}
