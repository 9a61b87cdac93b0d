"""Windows are offered only when the plan of the day can hold them, at the price of the insertion (R-303)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from dispatch.planning import plan_rows
from dispatch.planning.commands import book, offer
from dispatch.planning.model import DayPlan, PlanHead
from dispatch.planning.rules import OfferPolicy, VisitNotPlannable
from optimizer import oracle
from optimizer.check import cost
from optimizer.problem import Window
from tests.builders import DAY, ZONE, a_part, a_shift, an_absence, at, van_stock
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town
from tests.statements import asked


def codes(town: Town, visit: object, **words: object) -> set[str]:
    """Reasons why nobody can take a visit on the test day."""
    offers = offer(town.session, visit, days=1, **words)  # type: ignore[arg-type]
    assert offers.windows == ()
    return {refusal.code for refusal in offers.refusals}


def whom(town: Town, visit: object) -> set[object]:
    """Everybody to whom a window of the test day is offered."""
    offers = offer(town.session, visit, days=1)  # type: ignore[arg-type]
    return {window.technician_id for window in offers.windows}


def test_windows_lie_in_the_shift_and_nothing_is_written(town: Town) -> None:
    """R-303: capacity follows from shifts."""
    town.technician((8, 16))
    visit = town.visit()
    offers = offer(town.session, visit, days=1)
    starts = sorted(window.start for window in offers.windows)
    assert starts == [at(8), at(10), at(12), at(14)]
    assert all(window.start <= window.expected_start <= window.end for window in offers.windows)
    assert visit.state == "unplanned"
    assert town.session.scalar(select(func.count()).select_from(PlanHead)) == 0


def test_nobody_without_the_skill_level_is_offered(town: Town) -> None:
    """R-501."""
    town.technician(skills={"gas": 1})
    able = town.technician(skills={"gas": 3})
    assert whom(town, town.visit(skills={"gas": 2})) == {able.id}
    assert codes(town, town.visit(skills={"gas": 4})) == {"SKILL"}


def test_a_certificate_must_be_valid_on_the_day_itself(town: Town) -> None:
    """R-501: the last valid day counts, the day after does not."""
    last = town.technician(certificates={"f_gas": DAY})
    town.technician(certificates={"f_gas": DAY - timedelta(days=1)})
    visit = town.visit(certificates=["f_gas"])
    assert whom(town, visit) == {last.id}


def test_the_former_technician_of_a_repeat_repair_is_never_offered(town: Town) -> None:
    """R-508."""
    former, other = town.technician(), town.technician()
    assert whom(town, town.visit(excluded_technicians=[str(former.id)])) == {other.id}
    both = [str(former.id), str(other.id)]
    assert codes(town, town.visit(excluded_technicians=both)) == {"EXCLUDED_TECHNICIAN"}


def test_a_missing_part_closes_a_van(town: Town) -> None:
    """R-511: what earlier visits of the route use up is gone for later ones."""
    who = town.technician()
    part = a_part(town.session)
    van_stock(town.session, who, part, 1)
    first, second = (town.visit(parts={part.sku: 1}) for _ in range(2))
    book(town.session, by=None, visit=first, start=at(10), end=at(12), channel="phone")
    assert codes(town, second) == {"PARTS"}


def test_what_today_uses_up_is_not_on_the_van_tomorrow(town: Town) -> None:
    """R-511: a van is promised once, whichever of two days comes first."""
    who = town.technician()
    a_shift(
        town.session,
        who,
        starts_at=at(8, days=1),
        ends_at=at(16, days=1),
        break_minutes=0,
        break_earliest=None,
        break_latest=None,
    )
    part = a_part(town.session)
    van_stock(town.session, who, part, 1)
    first, second = (town.visit(parts={part.sku: 1}) for _ in range(2))
    tomorrow = DAY + timedelta(days=1)
    assert offer(town.session, second, first_day=tomorrow, days=1).windows
    book(town.session, by=None, visit=first, start=at(10), end=at(12), channel="phone")
    left = offer(town.session, second, first_day=tomorrow, days=1)
    assert left.windows == ()
    assert {refusal.code for refusal in left.refusals} == {"PARTS"}


def test_who_is_absent_is_not_offered(town: Town) -> None:
    who = town.technician()
    an_absence(town.session, who)
    assert codes(town, town.visit()) == {"NO_TECHNICIAN"}


def test_an_absence_for_half_a_day_leaves_the_other_half(town: Town) -> None:
    who = town.technician((8, 16))
    an_absence(town.session, who, starts_at=at(8), ends_at=at(13))
    starts = {window.expected_start for window in offer(town.session, town.visit(), days=1).windows}
    assert starts
    assert min(starts) >= at(13)


def test_a_window_that_the_break_fills_is_not_offered(town: Town) -> None:
    """A rest from eleven to half past one and a shift until three leave no 200 minutes."""
    town.technician((11, 15), break_minutes=150, break_earliest=at(11), break_latest=at(11.25))
    town.visit()
    long = town.visit(duration_minutes=200)
    assert offer(town.session, long, days=1).windows == ()


def test_a_day_with_nobody_on_duty_says_so(town: Town) -> None:
    offers = offer(town.session, town.visit(), days=3)
    assert offers.windows == ()
    assert {refusal.code for refusal in offers.refusals} == {"NO_TECHNICIAN"}
    assert [refusal.day for refusal in offers.refusals] == [DAY + timedelta(days=n) for n in range(3)]


def test_the_price_is_what_the_plan_costs_more(town: Town) -> None:
    """Never first free: every offer is the cheapest insertion, judged by the cost of the plan with it."""
    for home in ((60.13, 24.86), (60.21, 25.02)):
        town.technician(home_latitude=home[0], home_longitude=home[1])
    for visit, hour in zip(town.visits(6), (8, 8, 10, 12, 12, 14), strict=True):
        book(town.session, by=None, visit=visit, start=at(hour), end=at(hour + 2), channel="phone")
    asked = town.visit(60.2, 24.9)
    windows = offer(town.session, asked, days=1).windows
    built = town.built()
    before = plan_rows.to_plan(built, town.in_force())
    job = built.problem.visit(str(asked.id))
    assert job is not None
    without = replace(built.problem, visits=tuple(v for v in built.problem.visits if v.id != job.id))
    base = sum(cost(without, before).values())
    assert len(windows) >= 3
    for window in windows:
        asked_window = Window(built.day.seconds(window.start), built.day.seconds(window.end))
        narrowed = replace(job, windows=(asked_window,))
        prices = []
        for quote in oracle.quote(built.problem, before, job, [asked_window], each_technician=True):
            after = oracle.insert(built.problem, before, quote, job)
            prices.append(sum(cost(without.with_visit(narrowed), after).values()) - base)
        assert window.price.travel_minor + window.price.overtime_minor == min(prices)
        assert window.price.displacement_minor >= 0
    assert [w.cost_minor for w in windows] == sorted(w.cost_minor for w in windows)


def test_the_nearest_technician_is_cheapest_not_the_first(town: Town) -> None:
    town.technician(number="P0-first", home_latitude=60.22, home_longitude=25.03)
    near = town.technician(number="P9-near", home_latitude=60.13, home_longitude=24.86)
    assert whom(town, town.visit(60.13, 24.86)) == {near.id}


def test_windows_of_today_begin_now_at_the_earliest(town: Town, now: MovableClock) -> None:
    now.set(at(11))
    town.technician((8, 16))
    windows = offer(town.session, town.visit(), days=1).windows
    assert min(window.start for window in windows) == at(11)


def test_an_emergency_is_offered_the_next_two_hours(town: Town, now: MovableClock) -> None:
    """R-401: the response limit marks the windows that keep it, and those come first."""
    now.set(at(9.5))
    town.technician((8, 16))
    visit = town.visit(priority=5, response_due_at=at(10.5))
    windows = offer(town.session, visit, days=2).windows
    assert (windows[0].start, windows[0].end) == (at(9.5), at(11.5))
    assert windows[0].meets_response
    assert not any(window.meets_response for window in windows if window.expected_start > at(10.5))


def test_a_day_in_the_past_has_no_windows_even_for_an_emergency(town: Town) -> None:
    town.technician((8, 16), days=-1)
    visit = town.visit(priority=5)
    yesterday = DAY - timedelta(days=1)
    found = offer(town.session, visit, first_day=yesterday, days=1)
    assert found.windows == ()
    assert {slot.code for slot in found.hidden} == {"PAST"}
    assert len(found.hidden) == len(OfferPolicy().grid.local_hours())


def test_windows_that_end_the_work_after_the_limit_of_resolution_say_so_and_come_last(
    town: Town, now: MovableClock
) -> None:
    """R-402, R-303."""
    now.set(at(7.5))
    town.technician((8, 18))
    visit = town.visit(duration_minutes=90)
    visit.work_order.resolution_due_at = at(13)
    windows = offer(town.session, visit, days=1).windows
    kept = [window.expected_start + timedelta(minutes=90) <= at(13) for window in windows]
    assert [window.meets_resolution for window in windows] == kept
    assert kept == sorted(kept, reverse=True)
    assert set(kept) == {True, False}


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["23 hours", "25 hours"])
def test_slots_stay_on_the_clock_of_the_wall_when_the_clock_changes(
    town: Town, now: MovableClock, day: date
) -> None:
    local = ZoneInfo(ZONE)
    now.set(datetime(day.year, day.month, day.day, 0, 30, tzinfo=local).astimezone(UTC))
    who = town.technician()
    eight = datetime(day.year, day.month, day.day, 8, tzinfo=local).astimezone(UTC)
    from tests.builders import a_shift

    a_shift(
        town.session,
        who,
        starts_at=eight,
        ends_at=eight + timedelta(hours=8),
        break_minutes=0,
        break_earliest=None,
        break_latest=None,
    )
    windows = offer(town.session, town.visit(), first_day=day, days=1).windows
    hours = sorted(window.start.astimezone(local).hour for window in windows)
    assert hours == [8, 10, 12, 14]
    assert {(w.end - w.start) for w in windows} == {timedelta(hours=2)}


def test_what_waits_for_a_part_cannot_be_offered(town: Town) -> None:
    """Decision 15."""
    town.technician()
    with pytest.raises(VisitNotPlannable):
        offer(town.session, town.visit(waiting_reason="part"))


def test_a_visit_under_way_cannot_be_offered(town: Town) -> None:
    who = town.technician()
    with pytest.raises(VisitNotPlannable):
        offer(town.session, town.visit(technician=who, state="working"))


def test_offers_name_the_version_they_were_made_on(town: Town) -> None:
    town.technician()
    first = town.visit()
    assert {w.plan_version for w in offer(town.session, first, days=1).windows} == {0}
    book(town.session, by=None, visit=first, start=at(10), end=at(12), channel="phone")
    versions = {w.plan_version for w in offer(town.session, town.visit(), days=1).windows}
    assert versions == {town.head().version}
    assert town.session.scalar(select(func.count()).select_from(DayPlan)) == 1


def test_more_days_are_no_more_questions_to_the_database(town: Town) -> None:
    """Days that are open are named together, with their shifts and versions."""
    for ahead in range(5):
        town.technician(days=ahead)
    visit, counted = town.visit(), []
    offer(town.session, visit, days=5)
    for days in (1, 5):
        with asked() as statements:
            offer(town.session, visit, days=days)
        counted.append(len(statements))
    assert counted[1] - counted[0] <= 2 * 4  # the visit's own row and its lock, read for each day
