"""Night shifts serve windows after midnight, also while the clocks change: every part of planning agrees."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatch.planning import heads, nights, open_days
from dispatch.planning.commands import book, hold, lock_visit, offer_wanted, publish
from dispatch.planning.days import day_of
from dispatch.planning.forecasting import routes_ahead
from dispatch.planning.horizon import Horizon
from dispatch.planning.offering import likeliest
from dispatch.planning.problem import Built
from dispatch.planning.rules import OfferPolicy, SlotGrid
from dispatch.planning.wanting import Wanted
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY, Needs
from tests.builders import a_customer, a_shift, a_site, a_technician, a_visit, an_order
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, feed_of, violations

MORROWS = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Asia/Shanghai", date(2026, 3, 29)),
]
"""Days before whose dawn the clocks change, and one on which they do not."""
ROUND_THE_CLOCK = OfferPolicy(least_chance=0.0, grid=SlotGrid(0, 24, 2))


def moment(zone: str, on: date, hour: int, minute: int = 0) -> datetime:
    """What the clock on the wall shows, also of later days."""
    local = datetime.combine(on + timedelta(days=hour // 24), datetime.min.time(), ZoneInfo(zone))
    return local.replace(hour=hour % 24, minute=minute)


def settle(town: Town, zone: str, eve: date, now: MovableClock) -> None:
    """Let the town lie in a zone, at the noon before the night."""
    town.territory.timezone = zone
    town.territory.emergency_reserve_percent = 0
    town.session.flush()
    town.session.info.pop("zones", None)
    now.set(moment(zone, eve, 12))


def on_shift(town: Town, starts_at: datetime, ends_at: datetime) -> Technician:
    """Somebody on duty between two moments."""
    who = a_technician(town.session, territory=town.territory, overtime_minutes=0)
    a_shift(town.session, who, starts_at=starts_at, ends_at=ends_at, break_minutes=0, break_earliest=None,
            break_latest=None)  # fmt: skip
    return who


def wanted(town: Town, chance: random.Random, priority: int = 3) -> Wanted:
    """A job of three quarters of an hour somewhere in town."""
    site = a_site(town.session, customer=a_customer(town.session), territory=town.territory,
                  latitude=60.15 + 0.04 * chance.random(), longitude=24.9 + 0.08 * chance.random(),
                  parking_minutes=0, access_minutes=0)  # fmt: skip
    return Wanted(site, Needs(duration_minutes=45), priority)


def visit_at(town: Town, asked: Wanted) -> Visit:
    """The visit of a job."""
    return a_visit(town.session, order=an_order(town.session, site=asked.site), duration_minutes=45)


def promised_in(built: Built) -> set[str]:
    """Visits with a promise that a day's problem is about."""
    return {name for name, visit in built.visits.items() if visit.window_start is not None}


@pytest.mark.parametrize(("zone", "on"), MORROWS)
@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_offered_by_night_is_held_promised_published_and_foreseen(
    town: Town, now: MovableClock, zone: str, on: date, seed: int
) -> None:
    """R-303, R-409: generated night and day shifts; each window is on the plan of the day its shift began."""
    chance, eve = random.Random(f"{zone}{on}{seed}"), on - timedelta(days=1)
    settle(town, zone, eve, now)
    ends = [chance.randrange(28, 33) for _ in range(2)]
    crew = {
        on_shift(town, moment(zone, eve, chance.randrange(18, 24)), moment(zone, eve, end)).id: eve
        for end in ends
    }
    for _ in range(2):
        begins = chance.randrange(10)
        crew[on_shift(town, moment(zone, on, begins), moment(zone, on, begins + 8)).id] = on
    visits = []
    for number in range(9):
        asked = wanted(town, chance)
        found = offer_wanted(town.session, asked, first_day=on, days=1, limit=50, policy=ROUND_THE_CLOCK)
        told = chance.choice([window for window in found.windows if number > 5 or window.start
                              < moment(zone, eve, max(ends) - 1)])  # fmt: skip
        assert told.day == on
        hold_id = None
        if number % 2:
            kept = hold(town.session, by=None, wanted=asked, start=told.start, end=told.end, minutes=5)
            assert (kept.day, kept.technician_id) == (crew[kept.technician_id], told.technician_id)
            hold_id = kept.id
        visit = visit_at(town, asked)
        book(town.session, by=None, visit=visit, start=told.start, end=told.end, channel="phone",
             hold_id=hold_id)  # fmt: skip
        visits.append(visit)
    served = []
    for day in (eve, on):
        plan = town.in_force(day)
        if plan is None:
            continue
        assert violations(town, plan, day) == []
        assert {crew[stop.technician_id] for stop in plan.stops} == {day}
        publish(town.session, by=None, plan=plan, expected_version=town.head(day).version)
        served += [stop.visit_id for stop in plan.stops]
        foreseen = [stop for route in routes_ahead(town.session, town.territory.id, day)
                    for stop in route.stops]  # fmt: skip
        assert {stop.visit_id for stop in foreseen} == {stop.visit_id for stop in plan.stops}
        assert all(stop.window_end is not None and stop.chance is not None for stop in foreseen)
    assert sorted(served) == sorted(visit.id for visit in visits)
    assert any(visit.technician_id is not None and crew[visit.technician_id] == eve for visit in visits)
    for visit in visits:
        assert visit.window_start is not None
        assert visit.window_end is not None
        assert visit.planned_start is not None
        assert visit.window_start <= visit.planned_start <= visit.window_end
        who = town.session.get_one(Technician, visit.technician_id)
        assert str(visit.id) in {name for name, _ in feed_of(town.session, who)}
    problems = [promised_in(town.built(town.in_force(day), day)) for day in (eve, on)]
    assert problems[0] & problems[1] == set()
    assert problems[0] | problems[1] == {str(visit.id) for visit in visits}


@pytest.mark.parametrize(("zone", "on"), MORROWS)
def test_what_is_promised_for_the_night_and_on_no_plan_belongs_to_exactly_one_day(
    town: Town, now: MovableClock, zone: str, on: date
) -> None:
    """Over with the night shift it is that day's; what goes on after it, the calendar day's."""
    eve = on - timedelta(days=1)
    settle(town, zone, eve, now)
    on_shift(town, moment(zone, eve, 22), moment(zone, eve, 30))
    on_shift(town, moment(zone, on, 4), moment(zone, on, 12))
    chance = random.Random(zone)
    owners = {}
    for hour in range(23):
        visit = visit_at(town, wanted(town, chance))
        visit.window_start, visit.window_end = moment(zone, on, hour), moment(zone, on, hour + 1)
        owners[str(visit.id)] = eve if hour + 1 <= 6 else on
    straddling = visit_at(town, wanted(town, chance))
    straddling.window_start, straddling.window_end = moment(zone, on, 5), moment(zone, on, 7)
    owners[str(straddling.id)] = on
    midnight = visit_at(town, wanted(town, chance))
    midnight.window_start, midnight.window_end = moment(zone, eve, 23), moment(zone, on, 1)
    owners[str(midnight.id)] = eve
    town.session.flush()
    days = [eve - timedelta(days=1), eve, on, on + timedelta(days=1)]
    seen = {day: promised_in(town.built(None, day)) for day in days}
    for name, owner in owners.items():
        assert [day for day in days if name in seen[day]] == [owner]


def test_a_pin_inside_a_night_and_an_early_shift_is_of_whoever_it_names(
    town: Town, now: MovableClock
) -> None:
    """Both shifts are on duty at half past five; the dispatcher has chosen one."""
    eve, on, zone = date(2026, 3, 2), date(2026, 3, 3), "Europe/London"
    settle(town, zone, eve, now)
    by_night = on_shift(town, moment(zone, eve, 22), moment(zone, eve, 30))
    by_day = on_shift(town, moment(zone, on, 5), moment(zone, on, 13))
    chance = random.Random(3)
    owners = {}
    for who, owner in ((by_night, eve), (by_day, on), (None, eve)):
        visit = visit_at(town, wanted(town, chance))
        start = moment(zone, on, 5, 15)
        lock_visit(town.session, by=None, visit=visit, technician_id=who.id if who else None, start=start)
        owners[str(visit.id)] = owner
    for day in (eve, on):
        of_day = set(town.built(None, day).visits) & set(owners)
        assert of_day == {name for name, owner in owners.items() if owner == day}


def test_an_emergency_after_midnight_goes_to_the_shift_that_is_on_duty(town: Town, now: MovableClock) -> None:
    """R-401: at one in the morning the crew of the evening before is asked, and is on its way."""
    eve = date(2026, 3, 2)
    settle(town, "Europe/London", eve, now)
    crew = on_shift(town, moment("Europe/London", eve, 22), moment("Europe/London", eve, 30))
    now.set(moment("Europe/London", eve, 25))
    asked = wanted(town, random.Random(1), EMERGENCY)
    found = offer_wanted(town.session, asked, days=1, policy=OfferPolicy(least_chance=0.0)).windows
    assert found[0].technician_id == crew.id
    assert found[0].expected_start < now.moment + timedelta(hours=1)
    visit = visit_at(town, asked)
    book(town.session, by=None, visit=visit, start=found[0].start, end=found[0].end, channel="phone")
    plan = town.in_force(eve)
    assert plan is not None
    assert [stop.visit_id for stop in plan.stops] == [visit.id]
    running = nights.still_running(town.session, town.territory.id, timedelta(hours=4))
    assert [day.day for day in running] == [eve, eve + timedelta(days=1)]


def test_a_day_without_a_night_shift_ends_at_midnight(town: Town, now: MovableClock) -> None:
    eve = date(2026, 3, 2)
    settle(town, "Europe/London", eve, now)
    on_shift(town, moment("Europe/London", eve, 8), moment("Europe/London", eve, 16))
    day = day_of(town.session, town.territory.id, eve)
    assert nights.end_of(town.session, day) == moment("Europe/London", eve, 24)
    [only] = nights.days_for(town.session, town.territory.id, moment("Europe/London", eve, 24))
    assert only.day == eve + timedelta(days=1)


def test_parts_that_the_night_shift_carries_away_are_not_there_the_next_evening(
    town: Town, now: MovableClock
) -> None:
    """R-511: a van's part is promised once, also for two duties that touch one calendar day."""
    from tests.builders import a_part, van_stock

    eve, zone = date(2026, 3, 2), "Europe/London"
    settle(town, zone, eve, now)
    who = on_shift(town, moment(zone, eve, 22), moment(zone, eve, 30))
    a_shift(town.session, who, starts_at=moment(zone, eve, 40), ends_at=moment(zone, eve, 46),
            break_minutes=0, break_earliest=None, break_latest=None)  # fmt: skip
    part = a_part(town.session)
    van_stock(town.session, who, part, 1)
    on = eve + timedelta(days=1)
    asked = wanted(town, random.Random(1))
    visit = a_visit(town.session, order=an_order(town.session, site=asked.site), duration_minutes=45,
                    parts={part.sku: 1})  # fmt: skip
    needs = Wanted(asked.site, Needs(duration_minutes=45, parts={part.sku: 1}), 3)

    def evening() -> set[datetime]:
        found = offer_wanted(town.session, needs, first_day=on, days=1, limit=50, policy=ROUND_THE_CLOCK)
        return {window.start for window in found.windows if window.start >= moment(zone, eve, 40)}

    assert evening()
    book(town.session, by=None, visit=visit, start=moment(zone, on, 2), end=moment(zone, on, 4),
         channel="phone")  # fmt: skip
    plan = town.in_force(eve)
    assert plan is not None
    assert [stop.visit_id for stop in plan.stops] == [visit.id]
    assert evening() == set()


def test_of_two_planning_days_the_cheapest_likely_one_takes_a_window() -> None:
    assert likeliest([(300, 0.9), (100, 0.4), (200, 0.7)], 0.6) == 2
    assert likeliest([(300, 0.5), (100, 0.4)], 0.6) == 1
    assert likeliest([(100, 0.95)], 0.6) == 0


@pytest.mark.parametrize(("zone", "morrow"), MORROWS)
def test_a_horizon_knows_what_each_day_says_alone(
    town: Town, now: MovableClock, zone: str, morrow: date
) -> None:
    """R-303: a night shift that reaches into the first day, a day off, a night shift out of the last one."""
    eve = morrow - timedelta(days=1)
    settle(town, zone, eve, now)
    who = on_shift(town, moment(zone, eve, 22), moment(zone, eve, 30))
    for begin, end in ((56, 64), (94, 102)):
        a_shift(town.session, who, starts_at=moment(zone, eve, begin), ends_at=moment(zone, eve, end),
                break_minutes=0, break_earliest=None, break_latest=None)  # fmt: skip
    first = day_of(town.session, town.territory.id, morrow)
    versions = {first.later(-1): 4, first.later(1): 7}
    for day, version in versions.items():
        heads.locked(town.session, town.territory.id, day.day).version = version
    town.session.flush()
    horizon = Horizon(town.session, first, 3)
    around = [first.later(ahead) for ahead in range(-1, 3)]
    assert [day for day in around if horizon.is_worked(day)] == [around[0], around[2], around[3]]
    for day in around:
        assert horizon.mark(day) == open_days.marks(town.session, [day])[0]
        assert horizon.version(day) == versions.get(day, 0)
    reached = set()
    for hour in range(24, 96):
        start = moment(zone, eve, hour)
        found = horizon.days_for(start)
        assert found == nights.days_for(town.session, town.territory.id, start)
        reached.add(len(found))
    assert reached == {1, 2}
