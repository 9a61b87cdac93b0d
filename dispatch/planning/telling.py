"""What a search tells while it runs, and whether somebody has called it off."""

from __future__ import annotations

import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dispatch.outbox import Lease, LeaseLost
from optimizer.engines.base import Progress

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
"""Between two short transactions, however often the engine asks."""


class Telling:
    """Stands between an engine and its run: hears of better plans, and asks once a second whether to stop."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._began = time.monotonic()
        self._due = self._began
        self._latest: Progress | None = None
        self._before = 0
        """Plans that earlier searches of the run have looked at."""

    def hear(self, progress: Progress) -> None:
        """Keep what the engine has found; told with the next question."""
        self._latest = progress

    def search_again(self) -> None:
        """Count on from here: another search of the same run begins."""
        if self._latest is not None:
            self._before += self._latest.solutions

    def is_called_off(self) -> bool:
        """Whether to stop; a run that somebody else owns by now has nothing to go on for either."""
        now = time.monotonic()
        if self.lease.called_off or now < self._due:
            return self.lease.called_off
        self._due = now + EVERY_SECONDS
        try:
            return self.lease.tell(self._figures(now))
        except LeaseLost:
            return True  # its last transaction will say so
        except SQLAlchemyError as error:
            log.warning("progress_untold", run_id=str(self.lease.run_id), error=type(error).__name__)
            return False

    def _figures(self, now: float) -> dict[str, int | float | None]:
        latest = self._latest
        return {
            "seconds": round(now - self._began, 1),
            "iterations": self._before + (latest.solutions if latest else 0),
            "cost_minor": latest.cost if latest else None,
            "unserved": latest.unserved if latest else None,
        }
