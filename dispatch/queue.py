"""
The only file that knows RQ and Valkey: a doorbell, and the worker that answers it.

Nothing of value is kept here. A ring that is lost (server down, flushed, full) costs time, never work: the
rows of ``dispatch.outbox`` are the truth and the sweeper rings again. So every call of the bell side is
short, never raises for a silent server, and stops asking for a few seconds after a failure.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import redis
import rq
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import DequeueTimeout

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
BREAK_SECONDS = 5.0
"""After a failure the bell is not tried again for so long."""
BELL_SECONDS = 30
"""A batch kind that was rung but not heard for so long is rung again."""
FAILED_JOB_SECONDS = 3600
PR_SET_PDEATHSIG = 1
DOORS = {"one": "dispatch.outbox.perform", "batch": "dispatch.outbox.perform_batch"}
"""The only functions that a ring may call, whatever somebody has written into the queue (ASVS 1.5.2)."""

Pulse = Callable[[bool], None]
"""Called by a worker between jobs and every few seconds; the argument says whether a work-horse is busy."""


Vanished = Callable[[uuid.UUID], None]
"""Called with the token of a work-horse that ended without a word."""

IsOver = Callable[[str, str], bool]
"""Tells whether a ring has nothing left to ring for; called with its function and its argument."""


class StopRequest(threading.Event):
    """What a worker was asked by a signal; a work-horse forked before that hears of it too."""

    def __init__(self) -> None:
        super().__init__()
        self._shared = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Note the request where the work-horse looks as well."""
        self._shared[0] = 1
        super().set()

    def is_set(self) -> bool:
        """Tell whether the worker was asked to stop."""
        return self._shared[0] == 1


@dataclass(frozen=True, slots=True)
class WorkHorse:
    """What a forked work-horse knows of itself; its worker knows the same."""

    token: uuid.UUID
    """Token of every lease that it takes, so that the worker can tell whose they were."""
    queue: str
    asked_to_stop: threading.Event
    """Set as soon as its worker is to end: then it begins nothing more."""


_horse: WorkHorse | None = None


def horse() -> WorkHorse | None:
    """Return the work-horse that this process is, if it is one."""
    return _horse


class _Bell:
    """This process's connection for ringing, and what is known of the server's silence."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = connection(url, patient=False)
        self.quiet_until = 0.0
        self.silent_since: float | None = None

    def call(self, what: Callable[[redis.Redis], Any]) -> Any:
        """Return what the server answers, or None if it is silent or was so a moment ago."""
        present = time.monotonic()
        if present < self.quiet_until:
            return None
        try:
            answer = what(self.client)
        except (redis.RedisError, OSError) as error:
            present = time.monotonic()
            self.quiet_until = present + BREAK_SECONDS
            if self.silent_since is None:
                self.silent_since = present
            log.warning("bell_silent", error=type(error).__name__)
            return None
        self.silent_since = None
        return answer


_bell: _Bell | None = None


def connection(url: str, *, patient: bool = True) -> redis.Redis:
    """Return a connection; an impatient one gives up within a second and never tries twice."""
    if patient:
        return redis.Redis.from_url(url, socket_connect_timeout=5.0)
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def configure(url: str | None) -> None:
    """Set where this process rings; None leaves all work to the sweeper (decision 11)."""
    global _bell  # noqa: PLW0603 - one queue server per process
    _bell = _Bell(url) if url else None


def silent_seconds() -> float | None:
    """Ask the server; None if it answers, else how long it has been silent (for ever if there is none)."""
    if _bell is None:
        return float("inf")
    if _bell.call(lambda client: client.ping()):
        return None
    return time.monotonic() - (_bell.silent_since or time.monotonic())


def job_name(run_id: uuid.UUID, attempt: int) -> str:
    """Return the queue's name of one attempt of a run."""
    return f"{run_id}-{attempt}"


def ring(run_id: uuid.UUID, attempt: int, queue: str, timeout_seconds: int) -> bool:
    """Ring for one attempt of a run; False if the server is silent."""
    return _enqueue(DOORS["one"], (str(run_id),), job_name(run_id, attempt), queue, timeout_seconds)


def ring_batch(kind: str, queue: str, timeout_seconds: int) -> bool:
    """Ring once for all ready runs of a batch kind; a ring not yet heard counts for the next runs too."""
    if _bell is None:
        return False
    rung = _bell.call(lambda client: client.set(_bell_key(kind), "1", nx=True, ex=BELL_SECONDS) or "rung")
    if rung == "rung":
        return True
    name = re.sub(r"[^A-Za-z0-9_-]", "-", f"{kind}-{uuid.uuid4()}")
    return rung is not None and _enqueue(DOORS["batch"], (kind,), name, queue, timeout_seconds)


def bell_heard(kind: str) -> None:
    """Note that a batch begins, so that runs committed from now on ring again."""
    if _bell is not None:
        _bell.call(lambda client: client.delete(_bell_key(kind)))


def waiting(queue: str) -> set[str] | None:
    """Return the names of all rings that nobody has answered yet; None if the server is silent."""
    if _bell is None:
        return None
    names = _bell.call(lambda client: rq.Queue(queue, connection=client, serializer="json").get_job_ids())
    return None if names is None else set(names)


def queue_depths(queues: Iterable[str]) -> dict[str, int]:
    """Return how many rings wait in each queue; empty if the server is silent."""
    found = {name: waiting(name) for name in queues}
    return {name: len(names) for name, names in found.items() if names is not None}


def _bell_key(kind: str) -> str:
    return f"truckroll:bell:{kind}"


def _enqueue(function: str, arguments: tuple[str, ...], name: str, queue: str, timeout_seconds: int) -> bool:
    if _bell is None:
        return False

    def enqueue(client: redis.Redis) -> bool:
        rq.Queue(queue, connection=client, serializer="json").enqueue_call(
            func=function,
            args=arguments,
            timeout=timeout_seconds,
            job_id=name,
            description=name,
            result_ttl=0,
            failure_ttl=FAILED_JOB_SECONDS,
        )
        return True

    return bool(_bell.call(enqueue))


class _Worker(rq.Worker):
    """A worker of one queue whose work-horse dies with it, and which sweeps between jobs."""

    pulse: Pulse
    pulse_seconds: float
    vanished: Vanished
    is_over: IsOver
    asked_to_stop: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Remember the request, so that the loop around this worker ends as well."""
        self.asked_to_stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Take no commands from the queue server, and fork from a process without a second thread."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Any, Any] | None:
        """Wait for a ring, sweeping in between; a lost connection ends this worker and begins the next."""
        self.set_state("idle")
        while not (self._stop_requested or self.asked_to_stop.is_set()):
            self.pulse(False)
            self.heartbeat()
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
            if self.asked_to_stop.is_set():
                break  # the signal came while a sweep was under way, which outlives any error
            try:
                found: tuple[Any, Any] | None = self.queue_class.dequeue_any(
                    self._ordered_queues,
                    max(1, int(self.pulse_seconds)) if timeout is not None else None,
                    connection=self.connection,
                    job_class=self.job_class,
                    serializer=self.serializer,
                    death_penalty_class=self.death_penalty_class,
                )
            except DequeueTimeout:
                continue
            if found is not None:
                version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
                found[0].redis_server_version = version
            return found
        return None

    def execute_job(self, job: Any, queue: Any) -> None:
        """Fork a work-horse for a ring, unless an earlier one has already done what it rings for."""
        global _horse  # noqa: PLW0603 - the fork inherits it; in the worker it is set only meanwhile
        rung = _rung_for(job)
        if rung is None:
            log.error("foreign_ring_refused", name=job.id)
        if rung is None or self.is_over(*rung):
            job.delete(remove_from_queue=False)
            queue.intermediate_queue.remove(job.id)
            self.set_state("idle")
            return
        _horse = WorkHorse(uuid.uuid4(), queue.name, self.asked_to_stop)
        try:
            super().execute_job(job, queue)
        finally:
            _horse = None

    def maintain_heartbeats(self, job: Any, execution: Any) -> None:
        """Sweep also while a long job runs."""
        super().maintain_heartbeats(job, execution)
        self.pulse(True)

    def handle_work_horse_killed(self, job: Any, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Tell that the work-horse is surely dead, so that nobody waits for its lease."""
        if _horse is not None:
            self.vanished(_horse.token)

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """Begin the work-horse: it dies with its worker."""
        _die_with(self.pid)
        super().main_work_horse(job, queue)


def _rung_for(job: Any) -> tuple[str, str] | None:
    """
    Return the function and the argument of a ring, or None if it is not one of ours.

    It is read in the worker itself, so nothing that somebody has written into the queue may end it.
    """
    try:
        function, arguments = job.func_name, job.args
        own = function in DOORS.values() and len(arguments) == 1 and not job.kwargs
    except Exception:  # noqa: BLE001 - whatever the text in the queue is, it is no ring
        return None
    called_back = job._success_callback_name or job._failure_callback_name  # noqa: SLF001 - no public name
    return (function, str(arguments[0])) if own and not called_back and not job.webhooks else None


def work(
    queue: str,
    *,
    url: str,
    pulse: Pulse,
    vanished: Vanished,
    is_over: IsOver = lambda _function, _argument: False,
    pulse_seconds: float = 15.0,
    monitoring_seconds: int = 10,
    maintenance_seconds: int = 30,
) -> None:
    """
    Answer the rings of one queue until SIGTERM or SIGINT; survive the queue server's death.

    One queue a worker: only then does a ring lie in a list at every moment (reliability §0.3).
    """
    asked_to_stop = StopRequest()
    gc.collect()
    gc.freeze()
    while not asked_to_stop.is_set():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked_to_stop.set())
        try:
            worker = _Worker(
                [queue],
                connection=connection(url),
                serializer="json",
                worker_ttl=60,
                job_monitoring_interval=monitoring_seconds,
                maintenance_interval=maintenance_seconds,
                log_job_description=False,
            )
            worker.pulse, worker.pulse_seconds, worker.vanished = pulse, pulse_seconds, vanished
            worker.is_over, worker.asked_to_stop = is_over, asked_to_stop
            worker.work(logging_level="WARNING")
        except (redis.RedisError, OSError) as error:
            log.warning("queue_lost", queue=queue, error=type(error).__name__)
        if not asked_to_stop.is_set():
            pulse(False)
            asked_to_stop.wait(1.0)


def _die_with(parent: int | None) -> None:
    """Ask the kernel to kill this process when its parent ends (Linux); fencing covers the rest."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
