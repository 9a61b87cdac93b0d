"""A site that was entered approximately and put where it is: its days are planned anew."""

from __future__ import annotations

import pytest

from dispatch.customers.commands import correct_position
from dispatch.customers.model import Site
from dispatch.planning import repairing
from dispatch.planning.commands import book
from dispatch.planning.model import DayPlan
from dispatch.travel.provider import Point
from tests.builders import DAY, at
from tests.planning_world import Town, runs_of


@pytest.fixture
def site(town: Town) -> Site:
    """Somewhere in town, with a visit booked there."""
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 18), break_minutes=0)
    visit = town.visit(duration_minutes=60)
    found = town.session.get_one(Site, visit.work_order.site_id)
    found.position_quality = "town"
    town.session.flush()
    book(town.session, by=None, visit=visit, start=at(10), end=at(12), channel="phone")
    return found


def test_an_approximate_site_is_planned_with_its_position(town: Town, site: Site) -> None:
    plan = town.in_force()
    assert isinstance(plan, DayPlan)
    assert len(plan.stops) == 1
    assert (site.latitude, site.longitude) in {(p.lat, p.lon) for p in town.built().places.points}


def test_a_correction_asks_for_new_plans_of_the_days_that_go_there(town: Town, site: Site) -> None:
    correct_position(town.session, by=None, site=site, position=Point(site.latitude + 0.02, site.longitude))
    [asked] = runs_of(town.session, "planning.repair_site")
    assert asked.payload["site_id"] == str(site.id)
    assert repairing.repair_site(town.session, site.id, seconds=1) == [DAY]
    [run] = runs_of(town.session, "planning.optimise_day")
    assert (run.payload["day"], run.payload["reason"]) == (DAY.isoformat(), "site_moved")


def test_a_site_on_no_plan_asks_for_nothing(town: Town) -> None:
    visit = town.visit()
    assert repairing.repair_site(town.session, visit.work_order.site_id, seconds=1) == []
