"""Prices of a plan, to the cent and by hand."""

import pytest

from optimizer import Lock, Policy, cost
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.travel import leg_cents
from optimizer.objectives.unserved import visit_cents
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at

POLICY = Policy(travel_cents_per_km=30, travel_cents_per_hour=3_600, overtime_cents_per_minute=100)


@pytest.mark.parametrize(
    ("seconds", "metres", "cents"),
    [(0, 0, 0), (1, 0, 1), (0, 16, 0), (0, 17, 1), (600, 5_000, 750), (1, 16, 1), (1, 17, 2)],
)
def test_a_drive_is_rounded_once_to_the_nearest_cent(seconds: int, metres: int, cents: int) -> None:
    assert leg_cents(POLICY, seconds, metres) == cents


@pytest.mark.parametrize(("over", "cents"), [(-60, 0), (0, 0), (1, 2), (30, 50), (59, 98), (60, 100)])
def test_overtime_is_rounded_once_to_the_nearest_cent(over: int, cents: int) -> None:
    assert route_cents(POLICY, a_technician("ada"), at("16:00") + over) == cents


def test_leaving_out_a_visit_costs_by_its_priority() -> None:
    day = a_day(*(a_visit(1, id=f"p{p}", priority=p) for p in range(1, 6)))
    prices = [visit_cents(day, visit) for visit in day.visits]
    assert prices == [20_000, 40_000, 80_000, 200_000, 600_000]


def test_mandatory_and_locked_visits_cost_the_most() -> None:
    day = a_day(a_visit(1, optional=False), a_visit(2)).with_locks([Lock("v2", "ada")])
    assert [visit_cents(day, visit) for visit in day.visits] == [5_080_000, 5_080_000]


def test_among_mandatory_visits_the_lower_priority_is_left_out_first() -> None:
    """R-306."""
    day = a_day(*(a_visit(1, id=f"p{p}", priority=p, optional=False) for p in range(1, 6)))
    assert [visit_cents(day, visit) for visit in day.visits] == [
        5_020_000,
        5_040_000,
        5_080_000,
        5_200_000,
        5_600_000,
    ]


def test_a_change_of_technician_is_priced_unless_the_work_has_begun() -> None:
    day = a_day(a_visit(1, previous_technician="ben"))
    assert cost(day, a_plan(day, ada="v1"))["stability"] == 2_000
    assert cost(day, a_plan(day, ben="v1"))["stability"] == 0
    begun = day.with_locks([Lock("v1", "ada", at("8:10"), sequence=0)])
    assert cost(begun, a_plan(begun, ada="v1"))["stability"] == 0
