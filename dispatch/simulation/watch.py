"""
The watch over promises on the demo's day: simulated time stops at each of its ticks, as a real day would.

The clock of the demo jumps from one happening to the next, past ticks at which the scheduler would have
started the job. Here it stops at each of them; where anything is in danger the job is asked for and waited
for. Looks that would find nothing are left out.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from dispatch import clock, db, outbox
from dispatch.outbox import JobRun
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.watching import sights_of
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.rules import AlarmPolicy
from dispatch.simulation.enduring import enduring
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

EVERY = timedelta(minutes=5)
KIND = "planning.watch_promises"
NOTICE = AlarmPolicy().notice
COMING = (*NOT_BEGUN, VisitState.TRAVELLING)


def next_tick(now: datetime) -> datetime:
    """Return the next moment at which the watch is due."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((now - midnight) // EVERY + 1) * EVERY


@enduring
def is_anything_in_danger(territory_id: uuid.UUID, day: date) -> bool:
    """
    Tell whether the job would see a promise breaking, or has one in sight of which nobody was told.

    Of a danger seen so late the customer is told at once, so it is looked for only where a window of somebody
    who has not been reached is over within the notice.
    """
    with db.transaction() as session:
        now = clock.now()
        near = select(Visit.id).where(
            Visit.arrived_at.is_(None), Visit.window_end >= now, Visit.window_end <= now + NOTICE
        )
        if session.scalar(near.where(Visit.state.in_(COMING)).limit(1)) is None:
            return False
        waiting = select(PromiseAlarm.id).where(
            PromiseAlarm.territory_id == territory_id,
            PromiseAlarm.told_at.is_(None),
            PromiseAlarm.ended_at.is_(None),
        )
        if session.scalar(waiting.limit(1)) is not None:
            return True
        return any(sight.is_breaking for sight in sights_of(session, territory_id, day))


@enduring
def look() -> None:
    """Ask for the job as it would be due now; asked again, nothing is written."""
    with db.transaction() as session:
        now = clock.now()
        outbox.request(session, KIND, f"demo:{now.isoformat()}", {"day": now.date().isoformat()})


@enduring
def is_looking() -> bool:
    """Tell whether a run of the watch is not over yet."""
    with db.transaction() as session:
        statement = (
            select(func.count())
            .select_from(JobRun)
            .where(JobRun.kind == KIND, JobRun.state.in_(["ready", "running"]))
        )
        return bool(session.scalar(statement))
