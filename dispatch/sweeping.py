"""
The sweeper: rings again for every run that was missed, and does the work itself where nobody can ring.

It runs in the scheduler and in every worker. An advisory lock lets one sweep at a time; two at once would be
harmless, because rings name an attempt and leases decide who works (reliability §4.2).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import Session

from dispatch import db, outbox, queue
from dispatch.outbox import JobRun

log = structlog.get_logger(__name__)

SWEEP_LOCK = 7_263_515
"""Advisory lock of the one sweep at a time."""
MOST_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """A run that nobody works on although it is time."""

    run_id: uuid.UUID
    kind: str
    attempt: int
    left_behind: bool
    """Its work-horse vanished; a run of a batch kind is then repeated alone."""


def overdue(grace_seconds: float) -> ColumnElement[bool]:
    """
    Return the condition of runs that were missed, on the database's clock.

    A fresh run was rung at its commit, so it gets a grace; a delayed or repeated run was not rung yet.
    """
    missed = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, grace_seconds)
    return or_(
        delayed(),
        and_(JobRun.state == "ready", JobRun.ready_at <= missed),
        and_(JobRun.state == "running", JobRun.lease_until < func.now()),
    )


def delayed() -> ColumnElement[bool]:
    """Return the condition of runs that were to wait, and have waited, on the database's clock."""
    waited = JobRun.ready_at > JobRun.created_at
    return and_(JobRun.state == "ready", waited, JobRun.ready_at <= func.now())


def ring_overdue(grace_seconds: float = 15.0) -> int:
    """Ring for every missed run that does not wait in its queue already; return how many rings went out."""
    return _ring(overdue(grace_seconds))


def ring_delayed() -> int:
    """Ring for runs whose moment has come; return how many rings went out."""
    return _ring(delayed())


def _ring(which: ColumnElement[bool]) -> int:
    with db.transaction() as session:
        if not session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK}):
            return 0
        session.execute(text("set local statement_timeout = '10s'"))
        return _ring_absent(_due(session, which))


def perform_overdue(grace_seconds: float = 0.0, most_seconds: float = 60.0) -> int:
    """Do missed runs in this process, oldest first, for ``most_seconds``; return how many were tried."""
    with db.transaction() as session:
        found = _due(session, overdue(grace_seconds))
    end = time.monotonic() + most_seconds
    tried = 0
    for due in found:
        outbox.perform(str(due.run_id))
        tried += 1
        if time.monotonic() > end:
            break
    return tried


@dataclass(slots=True)
class Sweeper:
    """Sweeps when its time has come; its errors are logged, the next sweep tries again."""

    every_seconds: float = 15.0
    grace_seconds: float = 15.0
    alone_after_seconds: float = 30.0
    """After so long a silence of the queue server the sweeper works itself."""
    _swept_at: float = field(default=float("-inf"), init=False)

    def pulse(self, busy: bool = False) -> None:
        """Sweep if it is time; while a work-horse of this process is busy only ring."""
        if time.monotonic() - self._swept_at < self.every_seconds:
            return
        self._swept_at = time.monotonic()
        try:
            self.sweep(may_perform=not busy)
        except Exception as error:  # noqa: BLE001 - the database may be away for a while; nothing is lost
            log.warning("sweep_failed", error=type(error).__name__)

    def sweep(self, *, may_perform: bool = True) -> None:
        """Ring, or work if the queue server has been silent for long."""
        silent = queue.silent_seconds()
        if silent is None:
            rung = ring_overdue(self.grace_seconds)
            if rung:
                log.info("rung_again", runs=rung)
        elif may_perform and silent >= self.alone_after_seconds:
            tried = perform_overdue(self.grace_seconds)
            if tried:
                log.warning("performed_without_queue", runs=tried)


def _due(session: Session, which: ColumnElement[bool]) -> list[Due]:
    statement = (
        select(JobRun.id, JobRun.kind, JobRun.attempt, JobRun.state)
        .where(which)
        .order_by(JobRun.ready_at, JobRun.created_at, JobRun.id)
        .limit(MOST_RUNS)
    )
    return [Due(row.id, row.kind, row.attempt, row.state == "running") for row in session.execute(statement)]


def _ring_absent(found: list[Due]) -> int:
    known = {job.kind: job for job in outbox.registered()}
    waiting = {name: queue.waiting(name) for name in {known[d.kind].queue for d in found if d.kind in known}}
    rung = 0
    batches: set[str] = set()
    for due in found:
        job = known.get(due.kind)
        if job is None:
            log.error("unknown_kind", kind=due.kind, run_id=str(due.run_id))
            continue
        present = waiting[job.queue]
        if present is None:
            break
        shared = job.batch and not due.left_behind
        if (shared and due.kind in batches) or queue.job_name(due.run_id, due.attempt) in present:
            continue
        if shared:
            batches.add(due.kind)
        rung += outbox.ring(job, due.run_id, due.attempt, alone=due.left_behind)
    return rung
