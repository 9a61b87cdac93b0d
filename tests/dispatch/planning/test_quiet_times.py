"""Planned work keeps out of a business customer's peak season and hours (R-307)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer, Site
from dispatch.planning.commands import Offers, book, hold, offer
from dispatch.planning.days import Day
from dispatch.planning.quiet_times import QuietTimes, windows_outside_peaks
from dispatch.planning.rules import SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from optimizer.engines.base import Budget
from optimizer.solve import solve
from tests.builders import DAY, a_principal, a_shift, at
from tests.planning_world import Town


def at_business(town: Town, kind: str = "maintenance") -> Visit:
    """Work at a business, somebody on duty on ten days."""
    town.territory.emergency_reserve_percent = 0
    who = town.technician((8, 18), break_minutes=0, home_latitude=60.2, home_longitude=24.99)
    for days in range(1, 10):
        a_shift(town.session, who, starts_at=at(8, days=days), ends_at=at(18, days=days), break_minutes=0)
    visit = town.visit(60.2, 24.99, duration_minutes=60)
    visit.work_order.kind = kind
    town.session.get_one(Customer, visit.work_order.customer_id).kind = "business"
    town.session.flush()
    return visit


def days_offered(offers: Offers) -> set[int]:
    """How many days ahead windows are offered."""
    return {(window.day - DAY).days for window in offers.windows}


def test_planned_work_is_offered_no_sooner_than_it_can_be_announced(town: Town) -> None:
    visit = at_business(town)
    found = offer(town.session, visit, days=10, limit=100)
    assert days_offered(found) == {7, 8, 9}
    assert "TOO_SOON" in {slot.code for slot in found.hidden}
    change_house_rules(town.session, by=a_principal(), changes={"business_announcement": False})
    assert min(days_offered(offer(town.session, visit, days=10, limit=100))) <= 1


def test_a_repair_is_offered_at_once(town: Town) -> None:
    visit = at_business(town, kind="quick_repair")
    assert 0 in days_offered(offer(town.session, visit, days=10, limit=100))


def test_peak_hours_and_months_are_hidden_with_the_reason(town: Town) -> None:
    visit = at_business(town)
    site = town.session.get_one(Site, visit.work_order.site_id)
    site.peak_hours = [[11, 14]]
    town.session.flush()
    found = offer(town.session, visit, days=10, limit=100)
    assert found.windows
    quiet = QuietTimes(town.territory.timezone, peak_hours=((11, 14),))
    assert all(quiet.objection(w.start, w.end, DAY) is None for w in found.windows)
    assert "CUSTOMER_PEAK" in {slot.code for slot in found.hidden}
    site.peak_months = [DAY.month]
    town.session.flush()
    assert offer(town.session, visit, days=10, limit=100).windows == ()
    change_house_rules(town.session, by=a_principal(), changes={"peak_protection": False})
    assert offer(town.session, visit, days=10, limit=100).windows


def begins(town: Town, visit: Visit) -> float | None:
    """Local hour at which a plan of the day would begin a visit; None where it leaves it out."""
    plan = solve(town.built().problem, Budget(solutions=5)).plan
    found = [stop.start for route in plan.routes for stop in route.stops if stop.visit_id == str(visit.id)]
    return found[0] / 3600 if found else None


def test_planning_chooses_no_peak_hours_for_work_that_nobody_has_promised(town: Town) -> None:
    visit = at_business(town)
    site = town.session.get_one(Site, visit.work_order.site_id)
    free = begins(town, visit)
    assert free is not None
    assert free < 9
    site.peak_hours = [[13, 18], [8, 11]]
    town.session.flush()
    quiet = begins(town, visit)
    assert quiet is not None
    assert 11 <= quiet <= 12
    site.peak_hours = [[8, 11], [11, 18]]
    town.session.flush()
    assert begins(town, visit) is None
    site.peak_hours, site.peak_months = [], [DAY.month]
    town.session.flush()
    assert begins(town, visit) is None
    site.peak_months = [DAY.month + 1]
    town.session.flush()
    assert begins(town, visit) == free
    site.peak_months = [DAY.month]
    change_house_rules(town.session, by=a_principal(), changes={"peak_protection": False})
    assert begins(town, visit) == free


def test_repairs_promises_and_people_at_home_know_no_peak_hours(town: Town) -> None:
    visit = at_business(town, kind="quick_repair")
    site = town.session.get_one(Site, visit.work_order.site_id)
    site.peak_hours = [[0, 24]]
    town.session.flush()
    assert begins(town, visit) is not None
    visit.work_order.kind = "maintenance"
    town.session.flush()
    assert begins(town, visit) is None
    visit.window_start, visit.window_end = at(10), at(12)
    town.session.flush()
    assert begins(town, visit) == 10
    visit.window_start = visit.window_end = None
    town.session.get_one(Customer, visit.work_order.customer_id).kind = "person"
    town.session.flush()
    assert begins(town, visit) is not None


@pytest.mark.parametrize("length", [1800, 3600, 5 * 3600])
@pytest.mark.parametrize(
    "peaks",
    [[[8, 11]], [[13, 18], [0, 9]], [[0, 24]], [[8, 13], [14, 15], [2, 8]], [[0, 2], [10, 15], [23, 24]]],
)
@pytest.mark.parametrize(
    "on", [date(2026, 3, 2), date(2026, 3, 29), date(2026, 10, 25)], ids=["24", "23", "25"]
)
def test_windows_outside_peaks_are_all_that_offers_would_not_object_to(
    town: Town, on: date, peaks: list[list[int]], length: int
) -> None:
    """Against the rule that offers go by, a quarter of an hour at a time, on days of all lengths."""
    visit = at_business(town)
    visit.duration_minutes = length // 60
    site = town.session.get_one(Site, visit.work_order.site_id)
    site.peak_hours = peaks
    town.session.flush()
    day = Day(town.territory.id, on, town.territory.timezone)
    rows = [(visit, visit.work_order, site)]
    windows = windows_outside_peaks(town.session, day, rows, 3 * 3600)[visit.id]
    quiet = QuietTimes(day.timezone, peak_hours=tuple((begin, stop) for begin, stop in peaks))
    assert all(window.start <= window.end for window in windows)
    step = 900
    is_quiet = {
        moment: quiet.objection(day.moment(moment), day.moment(moment + step), on) is None
        for moment in range(0, Day.LATEST + length, step)
    }
    for start in range(3 * 3600, Day.LATEST, step):
        is_free = all(is_quiet[moment] for moment in range(start, start + length, step))
        assert is_free == any(window.start <= start <= window.end for window in windows), start / 3600


def test_a_window_of_quiet_times_is_held_for_nobody(town: Town) -> None:
    visit = at_business(town)
    site = town.session.get_one(Site, visit.work_order.site_id)
    words: dict[str, Any] = {"by": None, "start": at(10), "end": at(12), "minutes": 5}
    asked = Wanted(site, Needs(duration_minutes=60), 3)
    with pytest.raises(SlotGone, match="announced 7 days ahead") as refused:
        hold(town.session, wanted=replace(asked, kind="maintenance"), **words)
    assert refused.value.detail["reasons"][0]["code"] == "TOO_SOON"
    assert refused.value.detail["fresh"] == []
    assert hold(town.session, wanted=asked, **words).window_start == at(10)


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN])
def test_a_hold_opens_no_quiet_times_and_the_desk_may_promise_them(town: Town, role: Role) -> None:
    """R-307: what was held before anybody knew the kind of work is looked at again."""
    visit = at_business(town)
    site = town.session.get_one(Site, visit.work_order.site_id)
    taker, asked = a_principal(Role.CALL_TAKER), Wanted(site, Needs(duration_minutes=60), 3)
    window: dict[str, Any] = {"start": at(10), "end": at(12)}
    kept = hold(town.session, by=taker, wanted=asked, minutes=5, **window)
    words: dict[str, Any] = {"visit": visit, "channel": "phone", **window}
    with pytest.raises(SlotGone):
        book(town.session, by=taker, hold_id=kept.id, **words)
    assert book(town.session, by=a_principal(role), **words).window_start == at(10)
