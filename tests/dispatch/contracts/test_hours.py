"""Clocks that run in working hours: holidays, swapped days, changes of clocks (R-401, R-402)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.contracts.hours import BusinessHours, check_country, due_after, spent_between
from dispatch.contracts.rules import ContractInvalid

WEEK = dict.fromkeys(range(1, 6), (8 * 60, 17 * 60))
HELSINKI = BusinessHours("Europe/Helsinki", WEEK, "FI")
HOUR = timedelta(hours=1)


def local(text: str, zone: str = "Europe/Helsinki") -> datetime:
    """A local moment."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-03-02T09:00", 4, "2026-03-02T13:00"),
        ("2026-03-02T15:00", 4, "2026-03-03T10:00"),  # over the night
        ("2026-03-06T16:00", 4, "2026-03-09T11:00"),  # over the weekend
        ("2026-03-07T12:00", 4, "2026-03-09T12:00"),  # asked on a Saturday
        ("2026-04-02T16:00", 4, "2026-04-07T11:00"),  # over Easter
        ("2026-03-27T16:00", 4, "2026-03-30T11:00"),  # the clocks change on Sunday
        ("2026-03-02T07:00", 9, "2026-03-02T17:00"),  # a whole day, to its very end
    ],
)
def test_a_limit_runs_in_working_hours(asked: str, hours: int, due: str) -> None:
    """R-401: from the request on."""
    assert HELSINKI.due(local(asked), hours * HOUR) == local(due)


def test_around_the_clock_a_limit_is_a_sum() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    assert due_after(start, 12 * HOUR, None) == start + 12 * HOUR
    assert spent_between(start, start + HOUR, None) == HOUR
    assert spent_between(start + HOUR, start, None) == timedelta(0)


def test_china_works_on_swapped_saturdays_and_rests_on_festivals() -> None:
    shanghai = BusinessHours("Asia/Shanghai", WEEK, "CN")
    assert shanghai.spell(date(2026, 2, 14)) is not None  # a Saturday in place of a day of the festival
    assert shanghai.spell(date(2026, 2, 17)) is None  # New Year's Day of the lunar calendar, a Tuesday
    assert shanghai.spell(date(2026, 2, 7)) is None  # a plain Saturday
    begin, end = shanghai.spell(date(2026, 2, 14)) or (None, None)
    assert (begin, end) == (
        local("2026-02-14T08:00", "Asia/Shanghai"),
        local("2026-02-14T17:00", "Asia/Shanghai"),
    )


def test_the_house_has_days_of_its_own() -> None:
    own = BusinessHours(
        "Europe/Helsinki",
        WEEK,
        "FI",
        days_worked=frozenset({date(2026, 12, 25), date(2026, 3, 7)}),
        days_off=frozenset({date(2026, 3, 2)}),
    )
    assert own.spell(date(2026, 12, 25)) is not None
    assert own.spell(date(2026, 3, 7)) is not None
    assert own.spell(date(2026, 3, 2)) is None


def test_a_night_shift_ends_on_the_next_day() -> None:
    nights = BusinessHours("UTC", {1: (22 * 60, 30 * 60)})
    assert nights.spell(date(2026, 3, 2)) == (
        datetime(2026, 3, 2, 22, tzinfo=UTC),
        datetime(2026, 3, 3, 6, tzinfo=UTC),
    )


def test_a_calendar_without_hours_gives_no_limit_an_end() -> None:
    with pytest.raises(ContractInvalid):
        BusinessHours("UTC", {}).due(datetime(2026, 3, 2, tzinfo=UTC), HOUR)


@pytest.mark.parametrize(("country", "subdivision"), [("XX", None), (None, "BY"), ("DE", "XX")])
def test_an_unknown_country_is_refused(country: str | None, subdivision: str | None) -> None:
    with pytest.raises(ContractInvalid):
        check_country(country, subdivision)


NIGHTS = BusinessHours("Europe/Helsinki", {1: (22 * 60, 30 * 60), 5: (0, 2_880)})


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-03-03T02:00", 2, "2026-03-03T04:00"),  # the night that began on Monday
        ("2026-03-03T05:00", 2, "2026-03-06T01:00"),  # one hour of it, another on Friday
        ("2026-03-07T23:00", 1, "2026-03-08T00:00"),  # the second day of a long duty, to its very end
    ],
)
def test_a_night_that_began_the_evening_before_counts(asked: str, hours: int, due: str) -> None:
    """R-401."""
    assert NIGHTS.due(local(asked), hours * HOUR) == local(due)
    assert NIGHTS.spent(local(asked), local(due)) == hours * HOUR


def test_time_that_two_spells_share_counts_once() -> None:
    both = BusinessHours("UTC", {1: (22 * 60, 30 * 60), 2: (4 * 60, 8 * 60)})
    start = datetime(2026, 3, 2, 22, tzinfo=UTC)
    assert both.spent(start, start + 24 * HOUR) == 10 * HOUR
    assert both.due(start, 10 * HOUR) == start + 10 * HOUR


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
PLACES = st.sampled_from(
    [
        HELSINKI,
        BusinessHours("Asia/Shanghai", WEEK, "CN"),
        BusinessHours("America/New_York", {**WEEK, 6: (9 * 60, 12 * 60 + 30)}, "US", "NY"),
        NIGHTS,
        BusinessHours("America/New_York", dict.fromkeys(range(1, 8), (20 * 60, 29 * 60)), "US"),
        BusinessHours(
            "UTC", {5: (22 * 60, 31 * 60), 1: (0, 1_440)}, days_worked=frozenset({date(2026, 3, 7)})
        ),
    ]
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(start=MOMENTS, minutes=st.integers(0, 6_000), hours=PLACES)
def test_what_is_due_has_taken_exactly_its_time(start: datetime, minutes: int, hours: BusinessHours) -> None:
    length = timedelta(minutes=minutes)
    due = hours.due(start, length)
    assert hours.spent(start, due) == length
    if minutes:
        assert hours.spent(start, due - timedelta(seconds=1)) == length - timedelta(seconds=1)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(start=MOMENTS, parts=st.lists(st.integers(0, 4_000), min_size=2, max_size=4), hours=PLACES)
def test_working_time_adds_up(start: datetime, parts: list[int], hours: BusinessHours) -> None:
    moments = [start]
    for minutes in parts:
        moments.append(moments[-1] + timedelta(minutes=minutes))
    pieces = [hours.spent(a, b) for a, b in pairwise(moments)]
    assert sum(pieces, timedelta(0)) == hours.spent(moments[0], moments[-1])


def covered(hours: BusinessHours, start: datetime, end: datetime) -> timedelta:
    """Reckon working time anew: every day's spell near the stretch, cut to it, shared time once."""
    total, reached = timedelta(0), start
    days = (end - start).days + 8
    for ahead in range(-4, days):
        spell = hours.spell(start.date() + timedelta(days=ahead))
        if spell is not None and min(spell[1], end) > max(spell[0], reached):
            total += min(spell[1], end) - max(spell[0], reached)
            reached = min(spell[1], end)
    return total


@settings(max_examples=200, deadline=None, derandomize=True)
@given(start=MOMENTS, minutes=st.integers(0, 12_000), hours=PLACES)
def test_working_time_is_what_the_spells_cover(start: datetime, minutes: int, hours: BusinessHours) -> None:
    end = start + timedelta(minutes=minutes)
    assert hours.spent(start, end) == covered(hours, start, end)
