"""Days held open for quotes: kept while nothing moves, never used once any row behind them has changed."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dispatch import travel
from dispatch.customers.model import Site
from dispatch.planning import open_days, plan_rows
from dispatch.planning.commands import book, hold, lock_visit, offer
from dispatch.planning.days import Day
from dispatch.planning.fingerprint import OF_THE_DAY, OF_THE_TERRITORY, fingerprint, fingerprints
from dispatch.planning.load import Load
from dispatch.planning.open_days import Shelf
from dispatch.planning.questions import OpenDay, Question
from dispatch.planning.wanting import Wanted
from dispatch.settings import Settings
from dispatch.technicians.model import Shift, TechnicianSkill
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from optimizer.booking import PlainOracle
from optimizer.plan import Plan
from optimizer.problem import Problem, Window, matrix_of
from tests.builders import ZONE, a_part, an_absence, at, van_stock
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town


@pytest.fixture(autouse=True)
def empty_shelf() -> Iterator[None]:
    """Nothing is open before and after."""
    open_days.SHELF.clear()
    yield
    open_days.SHELF.clear()


def tomorrow(town: Town) -> Day:
    """The day after the test day, which the clock does not move."""
    return replace(town.day, day=town.day.day + timedelta(days=1))


def asked(town: Town, visit: Visit) -> Question:
    """The question about a visit tomorrow."""
    return open_days.question(town.session, tomorrow(town), visit)


def booked(town: Town, visit: Visit, hour: int) -> None:
    """Promise two hours of tomorrow."""
    start, end = at(hour, days=1), at(hour + 2, days=1)
    book(town.session, by=None, visit=visit, start=start, end=end, channel="phone")


def test_a_day_is_opened_once_and_asked_many_times(town: Town) -> None:
    town.technician(days=1)
    first = asked(town, town.visit())
    assert asked(town, town.visit()).day is first.day
    assert len(open_days.SHELF) == 1
    assert open_days.SHELF.nbytes > 0


def _absent(town: Town) -> None:
    who = town.technician(days=1)
    an_absence(town.session, who, starts_at=at(8, days=1), ends_at=at(9, days=1))


def _longer_shift(town: Town) -> None:
    shift = town.session.scalars(select(Shift)).first()
    assert shift is not None
    shift.ends_at += timedelta(hours=1)


def _more_stock(town: Town) -> None:
    who = town.technician(days=1)
    van_stock(town.session, who, a_part(town.session), 3)


def _skilled(town: Town) -> None:
    who = town.technician(days=1, skills={"gas": 1})
    town.session.flush()
    asked(town, town.visit())
    held = town.session.scalars(select(TechnicianSkill).where(TechnicianSkill.technician_id == who.id)).one()
    held.level = 2


def _moved_site(town: Town) -> None:
    visit = town.visit()
    booked(town, visit, 10)
    asked(town, town.visit())
    site = town.session.get_one(Site, visit.work_order.site_id)
    site.parking_minutes += 5


def _longer_visit(town: Town) -> None:
    visit = town.visit()
    booked(town, visit, 10)
    asked(town, town.visit())
    visit.duration_minutes += 5


def _pinned(town: Town) -> None:
    visit = town.visit()
    booked(town, visit, 10)
    asked(town, town.visit())
    lock_visit(town.session, by=None, visit=visit, technician_id=visit.technician_id, start=None)


def _moved_site_of_two_holds(town: Town) -> None:
    site = town.visit().work_order.site_id
    wanted = Wanted(town.session.get_one(Site, site), Needs(duration_minutes=60), 3)
    for hour in (10, 14):
        start = at(hour, days=1)
        hold(town.session, by=None, wanted=wanted, start=start, end=start + timedelta(hours=2), minutes=5)
    asked(town, town.visit())
    wanted.site.parking_minutes += 5


@pytest.mark.parametrize(
    "change",
    [
        _absent,
        _longer_shift,
        _more_stock,
        _skilled,
        _moved_site,
        _moved_site_of_two_holds,
        _longer_visit,
        _pinned,
    ],
)
def test_any_change_behind_a_day_opens_it_anew(town: Town, change: Callable[[Town], None]) -> None:
    town.technician(days=1)
    asked(town, town.visit())
    change(town)
    town.session.flush()
    before = open_days.SHELF._known[town.territory.id, tomorrow(town).day][2]
    assert asked(town, town.visit()).day is not before


def test_a_new_visit_without_a_route_leaves_the_day_as_it_is(town: Town) -> None:
    town.technician(days=1)
    before = fingerprint(town.session, tomorrow(town))
    town.visits(3)
    assert fingerprint(town.session, tomorrow(town)) == before
    assert len(before.split()) == len(OF_THE_TERRITORY) + len(OF_THE_DAY) + 3


def test_days_named_together_are_named_as_each_alone(town: Town) -> None:
    town.technician(days=1)
    booked(town, town.visit(), 10)
    days = [tomorrow(town).later(ahead) for ahead in range(-2, 3)]
    together = fingerprints(town.session, days)
    assert together == [fingerprint(town.session, day) for day in days]
    assert len(set(together[2:])) == 2  # the day with a plan, and those after it


def test_other_travel_times_open_the_day_anew(town: Town) -> None:
    town.technician(days=1)
    first = asked(town, town.visit())
    travel.configure(Settings(travel="district"))
    try:
        assert asked(town, town.visit()).day is not first.day
    finally:
        travel.configure(Settings(travel="geodesic"))


def test_a_day_that_has_begun_moves_with_the_clock(town: Town, now: MovableClock) -> None:
    town.technician()
    visit = town.visit()
    first = open_days.question(town.session, town.day, visit)
    now.set(at(8) + timedelta(seconds=open_days.FRESH_SECONDS))
    second = open_days.question(town.session, town.day, visit)
    exact = open_days.question(town.session, town.day, visit, exact=True)
    assert len({id(first.day), id(second.day), id(exact.day)}) == 3


def test_offers_of_an_open_day_are_those_of_a_day_built_for_the_question(town: Town) -> None:
    """At a new address as well, whose ways are asked for alone."""
    for home in ((60.13, 24.86), (60.21, 25.02)):
        town.technician(days=1, home_latitude=home[0], home_longitude=home[1])
    for visit, hour in zip(town.visits(5), (8, 10, 10, 12, 14), strict=True):
        booked(town, visit, hour)
    windows = [Window(hour * 3600, (hour + 2) * 3600) for hour in range(8, 16)]
    for visit in (town.visit(60.2, 24.9, parking_minutes=7), town.visit(60.14, 24.99)):
        found = asked(town, visit)
        assert found.site is not None
        built = town.built(on=tomorrow(town).day)
        job = built.problem.visit(str(visit.id))
        assert job is not None
        plan = plan_rows.to_plan(built, town.in_force(tomorrow(town).day))
        expected = PlainOracle(built.problem, plan).quote(job, windows)
        assert found.quote(windows) == expected
        assert len(expected) > 3


def test_a_pinned_visit_is_offered_with_its_technician_only(town: Town) -> None:
    town.technician(days=1, number="P0-other")
    mine = town.technician(days=1, number="P9-mine")
    visit = town.visit()
    lock_visit(town.session, by=None, visit=visit, technician_id=mine.id, start=None)
    offers = offer(town.session, visit, first_day=tomorrow(town).day, days=1)
    assert {window.technician_id for window in offers.windows} == {mine.id}


def a_small_day(ahead: int) -> tuple[Day, OpenDay]:
    """Some day with an oracle of known size."""
    day = Day(uuid.UUID(int=1), date(2026, 3, 2) + timedelta(days=ahead), ZONE)
    oracle = PlainOracle(Problem(day.day, (), (), matrix_of([[0] * 10] * 10)), Plan())
    load = Load.of(oracle.problem, oracle.plan)
    return day, OpenDay(None, oracle, travel.times(), load, Plan(), True)  # type: ignore[arg-type]  # only the size counts


def test_the_shelf_forgets_what_was_not_asked_for_longest() -> None:
    shelf = Shelf(most_bytes=2 * 80 * 100)
    days = [a_small_day(ahead) for ahead in range(3)]
    for day, opened in days[:2]:
        shelf.put(day, "mark", opened)
    assert shelf.get(days[0][0], "mark", lambda: days[2][1]) is days[0][1]
    shelf.put(days[2][0], "mark", days[2][1])
    assert len(shelf) == 2
    assert shelf.nbytes == 2 * 80 * 100
    assert shelf.holds(*days[0])
    assert not shelf.holds(*days[1])


def test_one_day_is_kept_however_large() -> None:
    shelf = Shelf(most_bytes=1)
    day, opened = a_small_day(0)
    shelf.put(day, "mark", opened)
    assert shelf.holds(day, opened)
    shelf.clear()
    assert len(shelf) == 0


def test_warming_up_answers_a_question() -> None:
    open_days.warm()
    assert len(open_days.SHELF) == 0


FORKED = """
import os, sys, time
from dispatch import bootstrap
bootstrap.warm_web_workers()
child = os.fork()
if child == 0:
    until = time.monotonic() + 60
    while "optimizer.engines.ruin.quoting" not in sys.modules and time.monotonic() < until:
        time.sleep(0.01)
    os._exit(0 if "optimizer.engines.ruin.quoting" in sys.modules else 1)
loaded = "dispatch.planning.open_days" in sys.modules
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or loaded)
"""


def test_a_forked_web_worker_warms_itself_up_and_the_preloading_process_does_not() -> None:
    assert subprocess.run([sys.executable, "-c", FORKED], check=False, timeout=120).returncode == 0


def test_a_name_from_a_while_ago_does_for_a_day_that_is_open_and_opens_none(town: Town) -> None:
    town.technician(days=1)
    first, day = asked(town, town.visit()).day, tomorrow(town)
    earlier = open_days.marks(town.session, [day])[0]
    again = open_days.question(town.session, day, town.visit(), mark=lambda _: earlier)
    assert again.day is first
    _longer_shift(town)
    opened = asked(town, town.visit()).day
    late = open_days.question(town.session, day, town.visit(), mark=lambda _: earlier)
    assert late.day is opened
    assert opened is not first
