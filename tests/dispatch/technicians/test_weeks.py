"""A week of the roster: patterns, weekend duty, and time off in lieu (R-409)."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from dispatch.technicians.rules import IN_LIEU
from dispatch.technicians.weeks import week_of
from tests.builders import DAY, a_shift, a_technician, a_territory, an_absence, at
from tests.dispatch.conftest import MovableClock

MONDAY = DAY - timedelta(days=DAY.weekday())


def ahead(day: date) -> int:
    """Days from the test day."""
    return (day - DAY).days


def test_a_week_shows_patterns_absences_and_weekend_duty(session: Session, now: MovableClock) -> None:
    place = a_territory(session)
    person = a_technician(session, territory=place)
    saturday = MONDAY + timedelta(days=5)
    for day, (begin, end) in ((MONDAY, (8, 16)), (MONDAY + timedelta(days=1), (9, 12)), (saturday, (11, 19))):
        a_shift(session, person, starts_at=at(begin, days=ahead(day)), ends_at=at(end, days=ahead(day)))
    an_absence(
        session, person, starts_at=at(8, days=ahead(MONDAY)), ends_at=at(10, days=ahead(MONDAY)), reason="ill"
    )
    [week] = week_of(session, place.id, MONDAY)
    assert [day.patterns for day in week.days] == [["8-16"], ["other"], [], [], [], ["11-19"], []]
    assert [len(day.absences) for day in week.days] == [1, 0, 0, 0, 0, 0, 0]
    assert [day.is_weekend_duty for day in week.days] == [False] * 5 + [True, False]
    assert week.minutes_on_duty == 60 * (6 + 3 + 8)
    assert week.lieu_minutes == 60 * 8


def test_time_off_in_lieu_is_taken_from_what_is_owed(session: Session, now: MovableClock) -> None:
    place = a_territory(session)
    person = a_technician(session, territory=place)
    sunday = ahead(MONDAY) - 1
    a_shift(session, person, starts_at=at(8, days=sunday), ends_at=at(16, days=sunday))
    tuesday = ahead(MONDAY) + 1
    an_absence(session, person, starts_at=at(8, days=tuesday), ends_at=at(13, days=tuesday), reason=IN_LIEU)
    [week] = week_of(session, place.id, MONDAY)
    assert week.lieu_minutes == 60 * 3
