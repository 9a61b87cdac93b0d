"""Windows on days on which the clocks change, and across midnight, in three zones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dispatch.planning.commands import book, offer
from dispatch.planning.days import Day
from dispatch.planning.rules import OfferPolicy
from dispatch.technicians.model import Certificate, Technician
from optimizer.engines.base import Budget
from optimizer.solve import solve
from tests.builders import a_shift, a_technician
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, violations

CHANGES = [
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Europe/London", date(2026, 3, 29), 23),
    ("Europe/London", date(2026, 10, 25), 25),
    ("Asia/Shanghai", date(2026, 3, 29), 24),
]


def staffed(town: Town, zone: str, on: date, now: MovableClock, hours: tuple[int, int]) -> ZoneInfo:
    """Somebody on duty between two local hours of a day, seen from the noon before."""
    where = ZoneInfo(zone)
    town.territory.timezone = zone
    town.territory.emergency_reserve_percent = 0
    town.session.info.pop("zones", None)
    now.set(datetime.combine(on - timedelta(days=1), datetime.min.time(), where) + timedelta(hours=12))
    midnight = datetime.combine(on, datetime.min.time(), where)
    who = a_technician(town.session, territory=town.territory, overtime_minutes=0)
    start, end = (midnight.replace(hour=hour % 24) + timedelta(days=hour // 24) for hour in hours)
    a_shift(
        town.session,
        who,
        starts_at=start,
        ends_at=end,
        break_minutes=0,
        break_earliest=None,
        break_latest=None,
    )
    return where


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
def test_every_offer_of_a_day_on_which_clocks_change_is_two_local_hours_and_can_be_promised(
    town: Town, now: MovableClock, zone: str, on: date, length: int
) -> None:
    where = staffed(town, zone, on, now, (0, 23))
    day = Day(town.territory.id, on, zone)
    assert day.at_hour(23) == (length - 1) * 3600
    visit = town.visit(duration_minutes=45)
    found = offer(town.session, visit, first_day=on, days=1, limit=50, policy=OfferPolicy(least_chance=0.0))
    hours = sorted((w.start.astimezone(where).hour, w.end.astimezone(where).hour) for w in found.windows)
    assert hours == [(hour, hour + 2) for hour in range(8, 22, 2)]
    for number, window in enumerate(sorted(found.windows, key=lambda w: w.start)):
        asked = visit if number == 0 else town.visit(duration_minutes=45)
        told = book(town.session, by=None, visit=asked, start=window.start, end=window.end, channel="phone")
        assert (told.window_start, told.window_end) == (window.start, window.end)
    plan = town.in_force(on)
    assert plan is not None
    assert len(plan.stops) == len(found.windows)
    assert violations(town, plan, on) == []


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
def test_a_window_across_midnight_belongs_to_the_day_it_begins_on(
    town: Town, now: MovableClock, zone: str, on: date, length: int
) -> None:
    del length
    where = staffed(town, zone, on, now, (18, 26))
    begins = datetime.combine(on, datetime.min.time(), where).replace(hour=23)
    visit = town.visit(duration_minutes=45)
    told = book(
        town.session, by=None, visit=visit, start=begins, end=begins + timedelta(hours=2), channel="phone"
    )
    plan = town.in_force(on)
    assert plan is not None
    [stop] = plan.stops
    assert told.window_start <= stop.start <= told.window_end
    assert violations(town, plan, on) == []
    assert town.in_force(on + timedelta(days=1)) is None


@pytest.mark.parametrize(("zone", "on", "length"), CHANGES)
def test_a_certificate_that_ends_on_a_day_counts_for_the_shift_that_begins_in_its_last_hour(
    town: Town, now: MovableClock, zone: str, on: date, length: int
) -> None:
    """R-501: on a day of 25 hours that hour begins 24 hours after midnight, and is still that day's."""
    where = staffed(town, zone, on, now, (23, 29))
    [who] = town.session.scalars(select(Technician).where(Technician.territory_id == town.territory.id))
    who.certificates = [Certificate(code="f_gas", number="C-1", valid_from=on, valid_until=on)]
    visit = town.visit(certificates=["f_gas"])
    built = town.built(on=on)
    [vehicle] = built.problem.technicians
    assert vehicle.shift.start == (length - 1) * 3600
    assert built.day.moment(vehicle.shift.start).astimezone(where).hour == 23
    assert built.problem.certificates_of(vehicle) == {"f_gas"}
    plan = solve(built.problem, Budget(solutions=3)).plan
    assert [stop.visit_id for route in plan.routes for stop in route.stops] == [str(visit.id)]
