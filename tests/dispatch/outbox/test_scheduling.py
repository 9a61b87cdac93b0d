"""Recurring jobs: one run for each business day, in the row's time zone, missed days in order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from dispatch import clock, db, scheduling
from dispatch.outbox import Schedule
from tests.job_stage import Stage


@pytest.fixture
def moment() -> Iterator[list[datetime]]:
    """The present moment of the business clock; replace its only element to move it."""
    present = [datetime(2026, 3, 2, 12, 0, tzinfo=UTC)]
    clock.set_source(lambda: present[0])
    yield present
    clock.set_source(None)


def plan(name: str = "log", **values: Any) -> Schedule:
    """A schedule that fires daily at 20:00 in Paris, about the same day."""
    usual = {"kind": "test.note", "timezone": "Europe/Paris", "minute_of_day": 20 * 60, "day_offset": 0}
    blank = {"catch_up_days": 7, "weekday": None, "last_day": None, "payload": {}, "is_active": True}
    return Schedule(name=name, **{**blank, **usual, **values})


def store(**values: Any) -> None:
    """Commit a schedule."""
    with db.transaction() as session:
        session.add(plan(**values))


def keys(stage: Stage) -> list[str]:
    """Keys of all runs in the order in which they were written."""
    return [key for (key,) in stage.ask("select key from job_run order by created_at")]


def test_a_day_is_due_from_its_local_minute_on_and_written_once(stage: Stage, moment: list[datetime]) -> None:
    store(payload={"territory_id": "t1"}, last_day="2026-03-01")
    moment[0] = datetime(2026, 3, 2, 18, 59, tzinfo=UTC)
    assert scheduling.tick() == 0
    moment[0] = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
    assert scheduling.tick() == 1
    assert scheduling.tick() == 0
    [(key, payload)] = stage.ask("select key, payload from job_run")
    assert key == "test.note:log:2026-03-02"
    assert payload == {"territory_id": "t1", "day": "2026-03-02"}


def test_some_jobs_recur_within_a_day_and_what_was_missed_stays_missed(
    stage: Stage, moment: list[datetime]
) -> None:
    store(every_minutes=5, timezone="UTC")
    moment[0] = datetime(2026, 3, 2, 8, 4, 59, tzinfo=UTC)
    assert (scheduling.tick(), scheduling.tick()) == (1, 0)
    moment[0] = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
    assert scheduling.tick() == 1
    moment[0] = datetime(2026, 3, 2, 11, 58, tzinfo=UTC)
    assert (scheduling.tick(), scheduling.tick()) == (1, 0)
    assert keys(stage) == [f"test.note:log:2026-03-02T{part}" for part in ("08:00", "08:05", "11:55")]


def test_runs_of_many_times_a_day_are_forgotten_once_they_ended_well_and_long_ago(
    stage: Stage, moment: list[datetime]
) -> None:
    store(every_minutes=5, timezone="UTC")
    store(name="daily", last_day="2026-03-01", minute_of_day=0)
    for minute in (0, 5, 10, 15):
        moment[0] = datetime(2026, 3, 2, 8, minute, tzinfo=UTC)
        scheduling.tick()
    with db.transaction() as session:
        for key, state, days in (
            ("test.note:log:2026-03-02T08:00", "done", 3),
            ("test.note:log:2026-03-02T08:05", "parked", 3),
            ("test.note:log:2026-03-02T08:10", "done", 1),
            ("test.note:daily:2026-03-02", "done", 3),
        ):
            session.execute(
                text(
                    "update job_run set state = :state, "
                    "created_at = now() - make_interval(days => :days) where key = :key"
                ),
                {"state": state, "days": days, "key": key},
            )
    moment[0] = datetime(2026, 3, 2, 8, 20, tzinfo=UTC)
    scheduling.tick()
    assert set(keys(stage)) == {
        "test.note:daily:2026-03-02",
        "test.note:log:2026-03-02T08:05",
        "test.note:log:2026-03-02T08:10",
        "test.note:log:2026-03-02T08:15",
        "test.note:log:2026-03-02T08:20",
    }


def test_missed_days_are_caught_up_in_order(stage: Stage, moment: list[datetime]) -> None:
    store(last_day="2026-02-26")
    assert scheduling.tick() == 3
    assert keys(stage) == [f"test.note:log:2026-{day}" for day in ("02-27", "02-28", "03-01")]


def test_days_beyond_the_catch_up_limit_are_not_written(stage: Stage, moment: list[datetime]) -> None:
    store(last_day="2025-01-01", catch_up_days=2)
    assert scheduling.tick() == 3
    assert keys(stage)[0].endswith("2026-02-27")


def test_a_schedule_that_never_ran_begins_with_its_newest_day(stage: Stage, moment: list[datetime]) -> None:
    store()
    assert scheduling.tick() == 1
    assert keys(stage) == ["test.note:log:2026-03-01"]


def test_two_schedulers_at_once_write_nothing_twice(stage: Stage, moment: list[datetime]) -> None:
    for number in range(5):
        store(name=f"log{number}", last_day="2026-02-20")
    with ThreadPoolExecutor(4) as schedulers:
        written = list(schedulers.map(lambda _: scheduling.tick(), range(4)))
    assert sum(written) == len(keys(stage)) == len(set(keys(stage))) == 5 * 8


def test_a_clock_that_goes_back_writes_nothing_again(stage: Stage, moment: list[datetime]) -> None:
    store(last_day="2026-02-28")
    assert scheduling.tick() == 1
    moment[0] = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
    assert scheduling.tick() == 0
    moment[0] = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert scheduling.tick() == 0


def test_a_paused_schedule_writes_nothing(stage: Stage, moment: list[datetime]) -> None:
    store(is_active=False)
    assert scheduling.tick() == 0
    assert keys(stage) == []


def test_a_weekly_schedule_is_due_on_its_weekday_alone() -> None:
    weekly = plan(weekday=1, last_day="2026-02-10", catch_up_days=30)
    assert scheduling.due_days(weekly, datetime(2026, 3, 3, 12, tzinfo=UTC)) == [
        date(2026, 2, 16),
        date(2026, 2, 23),
        date(2026, 3, 2),
    ]


def test_a_run_can_be_about_the_day_before_or_after() -> None:
    present = datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert scheduling.due_days(plan(day_offset=-1), present) == [date(2026, 3, 1)]
    assert scheduling.due_days(plan(day_offset=1), present) == [date(2026, 3, 3)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 29, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_time_in_the_hour_of_the_clock_change_fires_once(before: datetime, after: datetime) -> None:
    """02:30 is skipped in March, so 03:00 is the first moment after it; in October it comes twice."""
    nightly = plan(minute_of_day=150, last_day=(before.date().replace(day=before.day - 1)).isoformat())
    fired = [scheduling.due_days(nightly, moment) for moment in (before, after)]
    if before.month == 3:
        assert fired == [[], [after.date()]]
    else:
        assert fired[1] == [after.date()]
        nightly.last_day = after.date().isoformat()
        assert scheduling.due_days(nightly, after) == []
