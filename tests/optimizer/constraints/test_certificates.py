"""Certificates: CERTIFICATE, valid on the plan day."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from optimizer import Certificate
from tests.optimizer.world import DAY as TODAY
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, codes, reasons, served_by, solved


def paper(first: date, last: date) -> Certificate:
    """An F-gas certificate."""
    return Certificate("F-gas", first, last)


YESTERDAY, TOMORROW = TODAY - timedelta(1), TODAY + timedelta(1)
ADA = a_technician("ada", certificates=(paper(date(2020, 1, 1), YESTERDAY),))
BEN = a_technician("ben", certificates=(paper(date(2020, 1, 1), TODAY),))
DAY = a_day(a_visit(1, certificates=frozenset({"F-gas"})), technicians=(ADA, BEN))


def test_checker_finds_an_expired_paper() -> None:
    assert codes(DAY, a_plan(DAY, ada="v1")) == {"CERTIFICATE"}


def test_a_paper_counts_on_its_last_day_and_engine_sends_its_holder() -> None:
    assert served_by(solved(DAY)) == {"v1": "ben"}


def test_without_the_demand_the_engine_sends_somebody_else() -> None:
    free = solved(replace(DAY, visits=(a_visit(1),)))
    assert codes(DAY, free) == {"CERTIFICATE"}


@pytest.mark.parametrize(
    ("first", "last", "reason"), [(TODAY, TODAY, {}), (TOMORROW, TOMORROW, {"v1": "CERTIFICATE"})]
)
def test_a_paper_counts_from_its_first_day(first: date, last: date, reason: dict[str, str]) -> None:
    ben = a_technician("ben", certificates=(paper(first, last),))
    assert reasons(solved(replace(DAY, technicians=(ADA, ben)))) == reason
