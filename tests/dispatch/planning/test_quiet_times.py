"""Planned work keeps out of a business customer's peak season and hours (R-307)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.access.rules import Role
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer, Site
from dispatch.planning.commands import Offers, book, hold, offer
from dispatch.planning.quiet_times import QuietTimes
from dispatch.planning.rules import SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
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
