"""How measured visits change the spread that chances rest on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.planning import spreads
from dispatch.planning.chances import Spread
from tests.builders import at
from tests.planning_world import Town


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def finished(town: Town, *, minutes: float, planned: int = 60) -> None:
    """A visit of last week that took so long."""
    who = town.technician()
    visit = town.visit(duration_minutes=planned)
    visit.technician_id = who.id
    visit.started_at = at(9, days=-7)
    visit.finished_at = at(9, days=-7) + timedelta(minutes=minutes)
    town.session.flush()


def test_without_any_visit_the_usual_spread_holds(town: Town) -> None:
    assert spreads.measured(town.session, town.territory.id) == Spread()


def test_many_slow_visits_make_the_work_longer(town: Town) -> None:
    for _ in range(20):
        finished(town, minutes=90)
    found = spreads.measured(town.session, town.territory.id)
    assert found.work_mean == pytest.approx((20 * 1.5 + 40 * 1.0) / 60)
    assert found.work_deviation > Spread().work_deviation
    assert found.travel_mean == Spread().travel_mean


def test_slips_of_a_finger_do_not_count(town: Town) -> None:
    finished(town, minutes=60 * 24)
    assert spreads.measured(town.session, town.territory.id) == Spread()


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_blending_is_the_mean_of_all_visits_together(count: int) -> None:
    mean, deviation = spreads.blended(count, 2.0 if count else None, 0.0 if count else None, 1.0, 0.5)
    whole = [2.0] * count + [0.5, 1.5] * (spreads.WEIGHT // 2)
    expected = sum(whole) / len(whole)
    assert mean == pytest.approx(expected)
    assert deviation == pytest.approx((sum((x - expected) ** 2 for x in whole) / len(whole)) ** 0.5)
