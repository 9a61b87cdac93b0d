"""
What a work-horse does: take the lease, run the handler, store how it went.

``perform`` and ``perform_batch`` never raise for a failing handler: the row says what happened, the queue
need not know. Calling them twice, late, or for a run that is long done is harmless.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import structlog

from dispatch import queue
from dispatch.outbox.kinds import LONGEST_TAKEN_ON, Job, handler_of, job_of, timing
from dispatch.outbox.leases import Lease, LeaseLost, give_back, next_kind, take, take_batch

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.05
"""A lingering work-horse looks so often for the next run."""


class NotFinished(RuntimeError):
    """A handler returned without finishing its run."""


class TimeIsUp(RuntimeError):
    """A handler took longer than the time of its kind."""


def perform(run_id: str) -> None:
    """Do one run, if it is ours to do; in a work-horse go on with what is ready by then."""
    lease = take(uuid.UUID(run_id))
    if lease is not None:
        _do_alone(lease)
    _linger()


def perform_batch(kind: str) -> None:
    """
    Do the ready runs of a batch kind, as many as fit into half of its time; in a work-horse go on.

    A work-horse whose worker is to end leaves the rest to the next one.
    """
    queue.bell_heard(kind)
    job = job_of(kind)
    half_time = time.monotonic() + job.timeout_seconds / 2
    while leases := take_batch(kind, timing().batch_size):
        _do_batch(job, leases)
        if time.monotonic() > half_time or _is_to_stop():
            queue.ring_batch(kind, job.queue, job.ring_seconds)
            return
    _linger()


def _linger() -> None:
    """
    Take on further ready runs of the queue for a few seconds, waiting a moment for the next one.

    One run mostly makes another ready (settle, issue, render, write, send), and a fresh work-horse costs more
    than most of them. Rings for what is done here are found to be over (``is_over``).
    """
    horse = queue.horse()
    if horse is None:
        return
    over = idle_since = time.monotonic()
    over += timing().linger_seconds
    while not _is_to_stop() and (now := time.monotonic()) < over and now - idle_since < timing().wait_seconds:
        kind = next_kind(horse.queue, LONGEST_TAKEN_ON)
        if kind is None:
            time.sleep(LOOK_SECONDS)
            continue
        job = job_of(kind)
        leases = take_batch(kind, timing().batch_size if job.batch else 1)
        if job.batch and leases:
            _do_batch(job, leases)
        elif leases:
            _do_alone(leases[0])
        idle_since = time.monotonic()


def _is_to_stop() -> bool:
    horse = queue.horse()
    return horse is not None and horse.asked_to_stop.is_set()


def _do_alone(lease: Lease) -> None:
    try:
        job = job_of(lease.kind)
        if job.batch:
            _do_batch(job, [lease])
        else:
            _do(job, lease)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is stored with its run
        _failed(lease, error)


def _do(job: Job, lease: Lease) -> None:
    handler = handler_of(job)
    started = time.monotonic()
    with _kept_alive([lease], job.timeout_seconds), _interrupted_after(job.timeout_seconds):
        handler(lease, **lease.ids)
    if not lease.finished:
        raise NotFinished(f"{job.path} returned without finishing its run")
    seconds = round(time.monotonic() - started, 3)
    log.info("job_done", kind=lease.kind, run_id=str(lease.run_id), attempt=lease.attempt, seconds=seconds)


def _do_batch(job: Job, leases: list[Lease]) -> None:
    """
    Hand all leases over at once; if that raises, hand each one over alone, so that poison stays alone.

    A handler that knows which runs failed sets their ``error`` and does not raise: then nothing is repeated.
    """
    raised = _try_batch(job, leases)
    for lease in [lease for lease in leases if not lease.finished]:
        reason = lease.error or raised
        if raised is not None and lease.error is None and len(leases) > 1:
            reason = _try_batch(job, [lease]) or lease.error
        if not lease.finished:
            _failed(lease, reason or NotFinished(f"{job.path} returned without finishing its run"))


def _try_batch(job: Job, leases: list[Lease]) -> Exception | None:
    try:
        handler = handler_of(job)
        with _kept_alive(leases, job.timeout_seconds), _interrupted_after(job.timeout_seconds):
            handler(leases)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is stored with its run
        return error
    return None


def _failed(lease: Lease, error: Exception) -> None:
    if isinstance(error, LeaseLost):
        log.warning("lease_lost", kind=lease.kind, run_id=str(lease.run_id), attempt=lease.attempt)
        return
    words = give_back(lease, error)
    frames = "".join(traceback.format_tb(error.__traceback__, limit=-6))
    log.warning(
        "job_failed",
        kind=lease.kind,
        run_id=str(lease.run_id),
        attempt=lease.attempt,
        error=words,
        frames=frames,
    )


@contextmanager
def _kept_alive(leases: Sequence[Lease], most_seconds: float) -> Iterator[None]:
    """Prolong the leases from a thread while the handler runs, but never beyond the job's own time."""
    over = threading.Event()
    end = time.monotonic() + most_seconds

    def beat() -> None:
        while not over.wait(timing().heartbeat_seconds) and time.monotonic() < end:
            for lease in leases:
                if lease.finished or over.is_set():
                    continue
                try:
                    lease.heartbeat()
                except LeaseLost:
                    if not lease.finished:
                        log.warning("lease_lost", kind=lease.kind, run_id=str(lease.run_id))
                except Exception as error:  # noqa: BLE001 - the next beat, or the fence, decides
                    log.warning("heartbeat_failed", run_id=str(lease.run_id), error=repr(error))

    thread = threading.Thread(target=beat, name="lease-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1)


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """
    Raise ``TimeIsUp`` in a handler of a work-horse that is still at it after the time of its kind.

    The work-horse's own time, which its ring set, allows for several runs; it goes on afterwards.
    """
    if queue.horse() is None:
        yield
        return

    def ring_out(_number: int, _frame: FrameType | None) -> None:
        raise TimeIsUp(f"not done after {seconds} s")

    began = time.monotonic()
    former = signal.signal(signal.SIGALRM, ring_out)
    whole, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if whole:
            signal.setitimer(signal.ITIMER_REAL, max(whole - (time.monotonic() - began), 0.001))
