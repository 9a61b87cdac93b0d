"""Handlers of jobs that exist only for tests: they leave rows, wait at gates, fail or die on demand."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.errors import DispatchError
from dispatch.outbox import Job, Lease, Timing, finishing_together

TABLES = """
create table effect (key text not null, attempt int not null, pid int not null, at timestamptz default now());
create table begun (key text not null, attempt int not null, pid int not null);
create table gate (key text not null);
"""
HERE = "tests.job_handlers"
JOBS = (
    Job("test.note", f"{HERE}:note", "default", timeout_seconds=30),
    Job("test.slow", f"{HERE}:slow", "default", timeout_seconds=30),
    Job("test.dies", f"{HERE}:dies", "default", timeout_seconds=30),
    Job("test.freezes", f"{HERE}:freezes", "default", timeout_seconds=30),
    Job("test.poison", f"{HERE}:poison", "default", timeout_seconds=30, max_attempts=3),
    Job("test.refused", f"{HERE}:refused", "default", timeout_seconds=30),
    Job("test.breaks", f"{HERE}:breaks", "default", timeout_seconds=30),
    Job("test.forgets", f"{HERE}:forgets", "default", timeout_seconds=30),
    Job("test.batch", f"{HERE}:batch", "default", timeout_seconds=30, batch=True, max_attempts=2),
    Job("test.hangs", f"{HERE}:hangs", "default", timeout_seconds=1),
    Job("test.unwritten", f"{HERE}:nowhere", "planning", timeout_seconds=30),
)
QUICK = Timing(lease_seconds=2.0, heartbeat_seconds=0.5, first_pause_seconds=0.2)
LONGEST_WAIT_SECONDS = 20.0


class NeverPossible(DispatchError):
    """A test's refusal that no repetition can mend."""

    permanent = True


def leave_effect(session: Session, lease: Lease) -> None:
    """Write the row that proves one execution."""
    values = {"key": lease.key, "attempt": lease.attempt, "pid": os.getpid()}
    session.execute(text("insert into effect (key, attempt, pid) values (:key, :attempt, :pid)"), values)


def tell_begun(lease: Lease) -> None:
    """Commit who works on the run, so that a test can find the work-horse."""
    values = {"key": lease.key, "attempt": lease.attempt, "pid": os.getpid()}
    with db.transaction() as session:
        session.execute(text("insert into begun values (:key, :attempt, :pid)"), values)


def note(lease: Lease, **ids: Any) -> None:
    """Leave an effect and the ids as the result."""
    with lease.finishing() as session:
        leave_effect(session, lease)
        lease.result = ids


def slow(lease: Lease, **_: Any) -> None:
    """At the first attempt wait until the gate of the key is open; then leave an effect."""
    tell_begun(lease)
    if lease.attempt == 1:
        _wait_at_gate(lease.key)
    with lease.finishing() as session:
        leave_effect(session, lease)


def hangs(lease: Lease, **_: Any) -> None:
    """At the first attempt go on far beyond the time of the kind; then leave an effect."""
    if lease.attempt == 1:
        _wait_at_gate(lease.key)
    with lease.finishing() as session:
        leave_effect(session, lease)


def dies(lease: Lease, **_: Any) -> None:
    """At the first attempt die with the effect written but not committed."""
    with lease.finishing() as session:
        leave_effect(session, lease)
        session.flush()
        if lease.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def freezes(lease: Lease, **_: Any) -> None:
    """At the first attempt stop with the effect written but not committed."""
    tell_begun(lease)
    with lease.finishing() as session:
        leave_effect(session, lease)
        session.flush()
        if lease.attempt == 1:
            os.kill(os.getpid(), signal.SIGSTOP)


def poison(lease: Lease, **_: Any) -> None:
    """Fail always, after the effect was written."""
    with lease.finishing() as session:
        leave_effect(session, lease)
        raise ValueError("poison")


def refused(lease: Lease, **_: Any) -> None:
    """Fail in a way that no repetition mends."""
    raise NeverPossible(f"{lease.key} cannot be done")


def breaks(lease: Lease, *, secret: str) -> None:
    """Send the database a statement that it refuses, with a value that must not be kept."""
    with lease.finishing() as session:
        session.execute(text("insert into no_such_table values (:secret)"), {"secret": secret})


def forgets(lease: Lease, **_: Any) -> None:
    """Return without finishing."""


def batch(leases: list[Lease]) -> None:
    """Finish all runs together; ``poison`` in a payload spoils the whole, ``waits`` fails that run alone."""
    tell_begun(leases[0])
    able = [lease for lease in leases if "waits" not in lease.payload]
    for lease in leases:
        if lease not in able:
            lease.error = TimeoutError("not reached")
    with finishing_together(able) as session:
        for lease in able:
            if "poison" in lease.payload:
                raise ValueError("poison in the batch")
            leave_effect(session, lease)
        if leases[0].attempt == 1 and "kill" in leases[0].payload:
            os.kill(os.getpid(), signal.SIGKILL)


def _wait_at_gate(key: str) -> None:
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < end:
        with db.transaction() as session:
            if session.scalar(text("select true from gate where key = :key"), {"key": key}):
                return
        time.sleep(0.02)
    raise TimeoutError(key)
