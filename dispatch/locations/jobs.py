"""Positions fade by the clock."""

from __future__ import annotations

from dispatch.locations import commands
from dispatch.outbox import Lease
from dispatch.settings import Settings


def fade(lease: Lease, **_: str) -> None:
    """Make old positions coarse and delete older ones (R-903)."""
    settings = Settings.from_environment()
    with lease.finishing() as session:
        coarse, gone = commands.fade(
            session, coarse_days=settings.position_coarse_days, keep_days=settings.position_keep_days
        )
        lease.result = {"coarse": coarse, "deleted": gone}
