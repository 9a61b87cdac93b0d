"""
Owning a run: a token and an end on the database's clock, checked again by the commit that finishes the run.

A work-horse that outlived its lease (stopped, orphaned, slow) holds an old token; its last commit hits no row
and is rolled back with everything it did (reliability §4.4).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from dispatch import db, queue
from dispatch.errors import Conflict
from dispatch.outbox.kinds import UnknownKind, job_of, registered, timing
from dispatch.outbox.model import JobRun
from dispatch.outbox.recording import fingerprint

log = structlog.get_logger(__name__)


class LeaseLost(Conflict):
    """Another work-horse owns the run by now; what this one did was rolled back."""

    code = "LEASE_LOST"
    remedy = "Nothing: the present owner of the run finishes it."


@dataclass(slots=True)
class Lease:
    """The right to do one run, until its end or until somebody else takes it."""

    run_id: uuid.UUID
    token: uuid.UUID
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    result: dict[str, Any] | None = None
    """Set by the handler before it leaves ``finishing``; stored with the run."""
    error: Exception | None = field(default=None, init=False)
    """Set by a batch handler to fail this run alone, instead of raising for all of them."""
    finished: bool = field(default=False, init=False)
    called_off: bool = field(default=False, init=False)
    """Whether somebody has asked for the run to stop, as far as this one has heard (``tell``)."""
    cancelled: bool = field(default=False, init=False)
    """Set by a handler that stopped for this before it leaves ``finishing``: cancelled, not done."""

    @property
    def event(self) -> str | None:
        """Name of the event that started the run, if one did."""
        name: str | None = self.payload.get("event")
        return name

    @property
    def ids(self) -> dict[str, Any]:
        """The payload without the event's name: the keyword arguments of a handler."""
        return {name: value for name, value in self.payload.items() if name != "event"}

    @contextmanager
    def finishing(self) -> Iterator[Session]:
        """Open the session whose commit holds the effects and marks the run as done, or neither."""
        with finishing_together([self]) as session:
            yield session

    @contextmanager
    def step(self) -> Iterator[Session]:
        """Open a session for a part of a long job; its commit is fenced and prolongs the lease."""
        with db.transaction() as session:
            yield session
            _prolong(session, self)

    def heartbeat(self, busy_seconds: float = 0.0) -> None:
        """
        Prolong the lease; raise ``LeaseLost`` if somebody else owns the run.

        A thread does this for every handler. Only one that is about to hold the interpreter for long, as the
        solver does, calls it with the seconds during which that thread will not get a turn.
        """
        with db.transaction() as session:
            _prolong(session, self, busy_seconds)

    def tell(self, progress: dict[str, Any]) -> bool:
        """
        Store how far the run is and return whether somebody has called it off; prolongs the lease.

        Raise ``LeaseLost`` if somebody else owns the run.
        """
        end = func.greatest(JobRun.lease_until, _lease_end())
        statement = _update(_mine(self), progress=progress, lease_until=end)
        with db.transaction() as session:
            row = session.execute(statement.returning(JobRun.called_off_at)).one_or_none()
        if row is None:
            raise LeaseLost(f"the run {self.run_id} ({self.kind}) is no longer ours")
        self.called_off = row.called_off_at is not None
        return self.called_off

    def is_called_off(self, session: Session) -> bool:
        """Return whether the run is called off; nobody can do so any more until the session ends."""
        statement = select(JobRun.called_off_at).where(JobRun.id == self.run_id).with_for_update()
        self.called_off = session.scalar(statement) is not None
        return self.called_off


def call_off(session: Session, run_id: uuid.UUID) -> JobRun:
    """
    Cancel a run that waits and ask the owner of one that runs to stop; one that is over stays as it is.

    Return the run, locked until the transaction ends.
    """
    statement = select(JobRun).where(JobRun.id == run_id).with_for_update()
    run = session.scalars(statement.execution_options(populate_existing=True)).one()
    if run.state == "ready":
        run.state, run.finished_at = "cancelled", session.scalar(select(func.now()))
    if run.state in {"running", "cancelled"} and run.called_off_at is None:
        run.called_off_at = session.scalar(select(func.now()))
    session.flush()
    return run


def one_by_one(
    lease: Lease,
    which: Callable[[Session], Iterable[uuid.UUID]],
    does: Callable[[Session, uuid.UUID], int],
) -> int:
    """
    Do a part of a long job for each thing there is, in a step of its own; return the sum.

    One that fails holds no other back: the first failure is raised after the last, and the run is repeated.
    """
    with db.transaction() as session:
        things = list(which(session))
    done = 0
    failed: list[Exception] = []
    for thing in things:
        try:
            with lease.step() as session:
                done += does(session, thing)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - raised again after the last
            log.warning("part_failed", kind=lease.kind, subject=str(thing), error=type(error).__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


@contextmanager
def finishing_together(leases: Sequence[Lease]) -> Iterator[Session]:
    """Open the session whose commit finishes several runs with their effects, all or none of them."""
    with db.transaction() as session:
        yield db.remembering(session)
        for lease in leases:
            _mark_done(session, lease)
    for lease in leases:
        lease.finished = True


def ready() -> ColumnElement[bool]:
    """Return the condition of a run that waits and is due."""
    return and_(JobRun.state == "ready", JobRun.ready_at <= func.now())


def left_behind() -> ColumnElement[bool]:
    """Return the condition of a run whose owner has vanished."""
    return and_(JobRun.state == "running", JobRun.lease_until < func.now())


def claimable() -> ColumnElement[bool]:
    """Return the condition of a run that may be taken."""
    return or_(ready(), left_behind())


def take(run_id: uuid.UUID) -> Lease | None:
    """Take one run; None if it is done, owned by somebody else, not due, or has used up its attempts."""
    with db.transaction() as session:
        leases = _take(session, JobRun.id == run_id)
    return leases[0] if leases else None


def next_kind(queue_name: str, longest_seconds: int) -> str | None:
    """Return the kind of the oldest ready run of a queue whose kind's time is no longer than this."""
    short = [
        job.kind for job in registered() if job.queue == queue_name and job.timeout_seconds <= longest_seconds
    ]
    statement = select(JobRun.kind).where(JobRun.kind.in_(short), ready())
    with db.transaction() as session:
        return session.scalar(statement.order_by(JobRun.ready_at, JobRun.id).limit(1))


def take_batch(kind: str, limit: int) -> list[Lease]:
    """
    Take up to ``limit`` ready runs of a kind that nobody else is taking at this moment, oldest first.

    Runs that were left behind are not among them: one of them may be what killed its work-horse, so each is
    repeated alone (``take``) and cannot use up the others' attempts.
    """
    with db.transaction() as session:
        free = (
            select(JobRun.id)
            .where(JobRun.kind == kind, ready())
            .order_by(JobRun.ready_at, JobRun.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return _take(session, JobRun.id.in_(session.scalars(free).all()))


def give_back(lease: Lease, error: BaseException) -> str:
    """
    Store why an attempt failed: ready again after a pause, or parked when patience is used up.

    Return the stored words, which hold no values of statements.
    """
    final = bool(getattr(error, "permanent", False)) or lease.attempt >= _most_attempts(lease.kind)
    words = _told(error)
    with db.transaction() as session:
        if final:
            _park(session, _mine(lease), words)
        else:
            pause = timedelta(seconds=timing().pause_after(lease.attempt))
            values = {"state": "ready", "ready_at": func.now() + pause, "error": words}
            session.execute(_update(_mine(lease), **values, lease_token=None, lease_until=None))
    return words


def is_over(door: str, argument: str) -> bool:
    """
    Tell whether a ring has nothing left to do, because an earlier work-horse took its runs on.

    In doubt it has not: then a work-horse looks.
    """
    is_batch = door == queue.DOORS["batch"]
    try:
        if is_batch:
            queue.bell_heard(argument)
        named = and_(JobRun.kind == argument, ready()) if is_batch else JobRun.id == uuid.UUID(argument)
        with db.transaction() as session:
            return session.scalar(select(JobRun.id).where(named, claimable()).limit(1)) is None
    except (SQLAlchemyError, ValueError) as error:
        log.warning("ring_unread", error=type(error).__name__)
        return False


def abandon(token: uuid.UUID) -> None:
    """
    Shorten the leases of a work-horse that is known to be dead to the usual pause after a failure.

    The fence does not depend on this: it only saves waiting.
    """
    mine = and_(JobRun.lease_token == token, JobRun.state == "running")
    try:
        with db.transaction() as session:
            for run_id, attempt in session.execute(select(JobRun.id, JobRun.attempt).where(mine)).all():
                soon = func.now() + timedelta(seconds=timing().pause_after(attempt))
                end = func.least(JobRun.lease_until, soon)
                session.execute(_update(and_(mine, JobRun.id == run_id), lease_until=end))
    except SQLAlchemyError as error:
        log.warning("abandon_failed", error=type(error).__name__)


def _told(error: BaseException) -> str:
    """Name an error without the values of the statement that failed, which may be a customer's."""
    if isinstance(error, StatementError):
        error.hide_parameters = True
    return f"{type(error).__name__}: {error}"[:4000]


def _take(session: Session, which: ColumnElement[bool]) -> list[Lease]:
    horse = queue.horse()
    token = horse.token if horse else uuid.uuid4()
    statement = _update(
        and_(which, claimable()),
        state="running",
        attempt=JobRun.attempt + 1,
        lease_token=token,
        lease_until=_lease_end(),
    ).returning(JobRun.id, JobRun.kind, JobRun.key, JobRun.payload, JobRun.attempt, JobRun.ready_at)
    taken: list[Lease] = []
    for row in sorted(session.execute(statement), key=lambda row: (row.ready_at, row.id)):
        lease = Lease(row.id, token, row.kind, row.key, row.payload, row.attempt)
        if lease.attempt > _most_attempts(lease.kind):
            _park(session, _mine(lease), f"its work-horse vanished in each of {lease.attempt - 1} attempts")
        else:
            taken.append(lease)
    return taken


def _park(session: Session, which: ColumnElement[bool], words: str) -> None:
    statement = _update(
        which, state="parked", error=words, finished_at=func.now(), lease_token=None, lease_until=None
    ).returning(JobRun.id, JobRun.kind, JobRun.attempt)
    for row in session.execute(statement):
        # The alert: a person must look, nothing repeats this run by itself.
        log.error("job_parked", run_id=str(row.id), kind=row.kind, attempts=row.attempt, error=words)


def _mark_done(session: Session, lease: Lease) -> None:
    result_hash = None if lease.result is None else fingerprint(lease.result)
    values = {
        "state": "cancelled" if lease.cancelled else "done",
        "result": lease.result,
        "result_hash": result_hash,
        "error": None,
    }
    statement = _update(_mine(lease), **values, finished_at=func.now(), lease_until=None)
    _exactly_one(session, statement, lease)


def _prolong(session: Session, lease: Lease, busy_seconds: float = 0.0) -> None:
    end = func.greatest(JobRun.lease_until, _lease_end(busy_seconds))
    _exactly_one(session, _update(_mine(lease), lease_until=end), lease)


def _exactly_one(session: Session, statement: Any, lease: Lease) -> None:
    session.flush()
    changed = session.execute(statement)
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise LeaseLost(f"the run {lease.run_id} ({lease.kind}) is no longer ours")


def _mine(lease: Lease) -> ColumnElement[bool]:
    return and_(JobRun.id == lease.run_id, JobRun.lease_token == lease.token, JobRun.state == "running")


def _update(which: ColumnElement[bool], **values: Any) -> Any:
    return update(JobRun).where(which).values(**values).execution_options(synchronize_session=False)


def _lease_end(busy_seconds: float = 0.0) -> Any:
    return func.clock_timestamp() + timedelta(seconds=timing().lease_seconds + busy_seconds)


def _most_attempts(kind: str) -> int:
    try:
        return job_of(kind).max_attempts
    except UnknownKind:
        return 5
