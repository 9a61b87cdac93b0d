"""Simulated time: a queue of things to happen, and the database row that moves every process's clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.outbox import SimulatedClock
from dispatch.simulation.enduring import enduring

Happening = Callable[[], None]


class Timeline:
    """Runs happenings in the order of their simulated moments; equal moments keep their order of entry."""

    def __init__(self, start: datetime) -> None:
        self._heap: list[tuple[datetime, int, Happening]] = []
        self._order = itertools.count()
        self.now = start
        self._write()

    def at(self, moment: datetime, happening: Happening) -> None:
        """Let something happen at a moment, or at once when that moment is over."""
        heapq.heappush(self._heap, (max(moment, self.now), next(self._order), happening))

    def run(self, on_step: Callable[[datetime], None] = lambda _: None) -> None:
        """Run until nothing is left to happen."""
        while self._heap:
            moment, _, happening = heapq.heappop(self._heap)
            if moment > self.now:
                self.now = moment
                self._write()
            on_step(self.now)
            happening()

    @enduring
    def _write(self) -> None:
        with db.transaction() as session:
            set_clock(session, self.now)


def set_clock(session: Session, moment: datetime) -> None:
    """Move the clock of every process as soon as the transaction is committed."""
    statement = insert(SimulatedClock).values(only=True, moment=moment)
    newest = {"moment": statement.excluded.moment}
    session.execute(statement.on_conflict_do_update(index_elements=[SimulatedClock.only], set_=newest))
