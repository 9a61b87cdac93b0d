"""
Business hours: clocks that run only while somebody works (R-401, R-402).

Public holidays and working days swapped into weekends come from the ``holidays`` package; a house adds its
own days off and extra working days. Without business hours a clock runs around the clock, all year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays

from dispatch.contracts.rules import ContractInvalid

if TYPE_CHECKING:
    from dispatch.contracts.model import Contract

LONGEST_DAYS = 1_200
"""A calendar that gives a limit no end within so many days is none."""
DAY_MINUTES = 1_440


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """
    When a house works.

    zone
        IANA time zone of the hours.
    hours
        ISO weekday to the minutes of the local day at which work begins and ends.
    country, subdivision
        Whose public holidays are kept; None for none.
    days_worked, days_off
        What this house does otherwise. An extra working day has the hours of the first weekday with any.
    """

    zone: str
    hours: Mapping[int, tuple[int, int]]
    country: str | None = None
    subdivision: str | None = None
    days_worked: frozenset[date] = frozenset()
    days_off: frozenset[date] = frozenset()

    def spell(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when work begins and ends on a day, in UTC; None on a day off."""
        begins = self.hours[min(self.hours)] if self.hours else None
        if day in self.days_off:
            return None
        if day not in self.days_worked and not _is_swapped(self.country, self.subdivision, day):
            if _is_holiday(self.country, self.subdivision, day):
                return None
            begins = self.hours.get(day.isoweekday())
        else:
            begins = self.hours.get(day.isoweekday(), begins)
        return (self._moment(day, begins[0]), self._moment(day, begins[1])) if begins else None

    def due(self, start: datetime, length: timedelta) -> datetime:
        """Return the moment at which so much working time has passed since a start."""
        left = length
        for begin, end in self._spells(start):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        raise ContractInvalid(f"the calendar has too few working hours within {LONGEST_DAYS} days")

    def spent(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time between two moments; none when the second is not later."""
        total = timedelta(0)
        for begin, until in self._spells(start):
            if begin >= end:
                break
            total += min(until, end) - begin
        return total

    def _spells(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield spells from a start on, that of the evening before included; shared time counts once."""
        first, reached = start.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1), start
        for number in range(LONGEST_DAYS + 1):
            spell = self.spell(first + timedelta(days=number))
            if spell is not None and spell[1] > reached:
                yield max(spell[0], reached), spell[1]
                reached = spell[1]

    def _moment(self, day: date, minutes: int) -> datetime:
        on, rest = day + timedelta(days=minutes // DAY_MINUTES), minutes % DAY_MINUTES
        local = datetime.combine(on, time(rest // 60, rest % 60), ZoneInfo(self.zone))
        return local.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class DueTimes:
    """Until when we must be on site and until when the fault must be solved; None: nothing promised."""

    response_due_at: datetime | None = None
    resolution_due_at: datetime | None = None


def due_times(
    requested_at: datetime, contract: Contract | None, hours: BusinessHours | None = None
) -> DueTimes:
    """
    Return until when we must be on site and until when the fault must be solved.

    R-401 and R-402: both run from the request, around the clock unless the contract names working hours.
    """
    if contract is None:
        return DueTimes()
    return DueTimes(
        *(
            due_after(requested_at, timedelta(minutes=minutes), hours) if minutes else None
            for minutes in (contract.response_minutes, contract.resolution_minutes)
        )
    )


def due_after(start: datetime, length: timedelta, hours: BusinessHours | None) -> datetime:
    """Return when a limit ends: by working time, or around the clock."""
    return start + length if hours is None else hours.due(start, length)


def spent_between(start: datetime, end: datetime, hours: BusinessHours | None) -> timedelta:
    """Return how much of a limit passes between two moments."""
    return max(timedelta(0), end - start) if hours is None else hours.spent(start, end)


def check_country(country: str | None, subdivision: str | None) -> None:
    """Refuse a country or a part of it whose holidays nobody knows."""
    if country is None:
        if subdivision is not None:
            raise ContractInvalid("a subdivision needs its country", field="subdivision")
        return
    known = holidays.list_supported_countries()
    if country not in known:
        raise ContractInvalid(f"the holidays of {country} are not known", field="country")
    if subdivision is not None and subdivision not in known[country]:
        raise ContractInvalid(f"{country} has no subdivision {subdivision}", field="subdivision")


@lru_cache(maxsize=64)
def _calendar(country: str, subdivision: str | None, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision, years=year)


def _is_holiday(country: str | None, subdivision: str | None, day: date) -> bool:
    return country is not None and day in _calendar(country, subdivision, day.year)


def _is_swapped(country: str | None, subdivision: str | None, day: date) -> bool:
    """Whether the country works on a day of a weekend in place of another day."""
    if country is None or day.isoweekday() < 6:
        return False
    return _calendar(country, subdivision, day.year).is_working_day(day)
