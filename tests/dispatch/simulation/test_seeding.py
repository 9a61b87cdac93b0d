"""The demo's clock stands before anything that is due by the clock exists."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatch import scheduling
from dispatch.outbox import Schedule, SimulatedClock
from dispatch.simulation import seeding
from dispatch.simulation.day import generate_day


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUCKROLL_HASH_COST", "quick")


def test_clock_and_schedules_come_into_the_world_together(session: Session) -> None:
    """A scheduler that looks in between must not take the day of the demo for one long gone."""
    day = generate_day(1, date(2026, 3, 3))
    seeding.seed(session, day)
    moment = session.scalars(select(SimulatedClock.moment)).one()
    daily = select(Schedule).where(Schedule.kind == "performance.write_daily_log")
    [schedule] = session.scalars(daily)
    assert moment == day.first_call_at
    assert scheduling.due_days(schedule, moment) == []


def test_schedules_begin_on_the_simulated_day_whatever_the_wall_clock_has_started(session: Session) -> None:
    """R-503: a scheduler that ticked before the demo's clock stood would never watch its promises."""
    session.execute(update(Schedule).values(last_day="2999-01-01T00:00"))
    seeding.seed(session, generate_day(1, date(2026, 3, 3)))
    names = session.scalars(select(Schedule.name).where(Schedule.last_day.is_(None))).all()
    assert "watch-promises" in names
    assert session.scalar(select(func.count()).where(Schedule.last_day > "2026-03-03")) == 0
