"""Territory: TERRITORY."""

from dataclasses import replace

from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, codes, reasons, served_by, solved

ADA = a_technician("ada", territories=frozenset({"south"}))
BEN = a_technician("ben")
DAY = a_day(a_visit(1, territory="north"), technicians=(ADA, BEN))


def test_checker_finds_a_technician_outside_the_territory() -> None:
    assert codes(DAY, a_plan(DAY, ada="v1")) == {"TERRITORY"}


def test_engine_sends_somebody_without_borders() -> None:
    assert served_by(solved(DAY)) == {"v1": "ben"}


def test_without_the_border_the_engine_sends_somebody_else() -> None:
    free = solved(replace(DAY, visits=(a_visit(1),)))
    assert codes(DAY, free) == {"TERRITORY"}


def test_nobody_in_the_territory_leaves_the_visit_with_its_reason() -> None:
    assert reasons(solved(replace(DAY, technicians=(ADA,)))) == {"v1": "TERRITORY"}
