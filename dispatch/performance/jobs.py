"""The nightly log job; late syncs correct the days before it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from dispatch.outbox import Lease
from dispatch.performance import commands


def correct_logs(lease: Lease, *, change_id: str, **_: str) -> None:
    """Write the logs anew that a change of a visit's times concerns, once for each change (R-701)."""
    with lease.finishing() as session:
        days = commands.correct_logs(session, change_id=uuid.UUID(change_id))
        lease.result = {"days": [day.isoformat() for day in days]}


def write_daily_log(lease: Lease, *, day: str, days_back: str = "3") -> None:
    """Write the log of a day and correct the ``days_back`` days before it."""
    last = date.fromisoformat(day)
    with lease.finishing() as session:
        written = 0
        for back in range(int(days_back), -1, -1):
            written += len(commands.write_daily_log(session, day=last - timedelta(days=back)))
        lease.result = {"logs": written}
