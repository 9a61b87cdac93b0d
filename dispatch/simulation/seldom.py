"""What a demo runs less often than a real day: its hours are over in a minute or two."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from dispatch.outbox import Schedule

WITHOUT_WORK = ("read-mailbox", "decide-held", "tidy-up-sync")
"""Schedules with nothing to do in a demo: it has no mailbox, and no phone is away for three days."""

SELDOM = {"check-readiness": 60, "watch-promises": 30, "clocked-messages": 30, "remind-answers": 60}
"""Minutes between runs in a demo; where a promise is in danger the watch is asked for at once (``watch``)."""


def leave_out(session: Session) -> None:
    """A demo takes minutes: jobs that could do nothing in it are not run hundreds of times."""
    session.execute(update(Schedule).where(Schedule.name.in_(WITHOUT_WORK)).values(is_active=False))
    for name, minutes in SELDOM.items():
        session.execute(update(Schedule).where(Schedule.name == name).values(every_minutes=minutes))
