"""
The scheduler's tick: which recurring jobs are due, written once for each business day.

What is due follows from ``clock.now()`` in the time zone of the schedule's row; that it is written once
follows from the run's key. Days that were missed are caught up in order, oldest first.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from dispatch.outbox import JobRun, Schedule

log = structlog.get_logger(__name__)

REMEMBERED_DAYS = 2
"""How long the runs of a schedule of many times a day are kept after they ended well."""


def tick() -> int:
    """Write every due run that has none yet; return how many were written."""
    with db.transaction() as session:
        names = session.scalars(select(Schedule.name).where(Schedule.is_active).order_by(Schedule.name)).all()
    written = 0
    for name in names:
        while (newly := _write_next(name)) is not None:
            written += newly
    return written


def due_days(schedule: Schedule, moment: datetime) -> list[date]:
    """
    Return the business days of a schedule that are due at a moment and later than its newest one, in order.

    A schedule that never ran begins with its newest day; later at most ``catch_up_days`` are caught up.
    """
    local = moment.astimezone(ZoneInfo(schedule.timezone))
    begun = local.hour * 60 + local.minute >= schedule.minute_of_day
    newest = local.date() if begun else local.date() - timedelta(days=1)
    fires = [newest - timedelta(days=back) for back in range(max(schedule.catch_up_days, 6), -1, -1)]
    about = [
        day + timedelta(days=schedule.day_offset)
        for day in fires
        if schedule.weekday in (None, day.isoweekday())
    ]
    if schedule.last_day is None:
        return about[-1:]
    oldest = newest + timedelta(days=schedule.day_offset - schedule.catch_up_days)
    return [day for day in about if day >= oldest and day.isoformat() > schedule.last_day]


def due_parts(schedule: Schedule, moment: datetime) -> list[str]:
    """Return what is due at a moment, in order: business days, or the present part of the day."""
    if schedule.every_minutes is None:
        return [day.isoformat() for day in due_days(schedule, moment)]
    local = moment.astimezone(ZoneInfo(schedule.timezone))
    minutes = local.hour * 60 + local.minute
    begun = minutes - minutes % schedule.every_minutes
    part = f"{local.date().isoformat()}T{begun // 60:02d}:{begun % 60:02d}"
    return [part] if schedule.last_day is None or part > schedule.last_day else []


def _forget_old(session: Session, schedule: Schedule) -> None:
    """Remove the runs of a schedule of many times a day that ended well and long ago; the rest stays."""
    session.execute(
        delete(JobRun).where(
            JobRun.kind == schedule.kind,
            JobRun.state == "done",
            JobRun.key.startswith(f"{schedule.kind}:{schedule.name}:", autoescape=True),
            JobRun.created_at < func.now() - func.make_interval(0, 0, 0, REMEMBERED_DAYS),
        )
    )


def _write_next(name: str) -> int | None:
    """Write the oldest due run of a schedule in a transaction of its own; None if nothing is due."""
    with db.transaction() as session:
        schedule = session.get(Schedule, name, with_for_update=True)
        if schedule is None or not schedule.is_active:
            return None
        due = due_parts(schedule, clock.now())
        if not due:
            return None
        payload = {**schedule.payload, "day": due[0][:10]}
        run_id = outbox.request(session, schedule.kind, f"{name}:{due[0]}", payload)
        schedule.last_day = due[0]
        if schedule.every_minutes is not None:
            _forget_old(session, schedule)
    if run_id is not None:
        log.info("scheduled", name=name, due=due[0])
    return int(run_id is not None)
