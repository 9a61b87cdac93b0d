"""The nightly log job; late syncs correct the days before it."""

from __future__ import annotations

from datetime import date, timedelta

from dispatch.outbox import Lease
from dispatch.performance import commands


def write_daily_log(lease: Lease, *, day: str, days_back: str = "3") -> None:
    """Write the log of a day and correct the ``days_back`` days before it."""
    last = date.fromisoformat(day)
    with lease.finishing() as session:
        written = 0
        for back in range(int(days_back), -1, -1):
            written += len(commands.write_daily_log(session, day=last - timedelta(days=back)))
        lease.result = {"logs": written}
