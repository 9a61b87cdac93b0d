"""Which kinds of jobs exist, which handler each has, and which events start them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.events import Event

Handler = Callable[..., Any]

LONGEST_TAKEN_ON = 120
"""Seconds of the longest kind that a work-horse takes on after its own run; a ring's time allows for it."""


class UnknownKind(LookupError):
    """A run names a kind of job that this process has not registered."""


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job: where its handler lives, which queue serves it and how patient we are with it."""

    kind: str
    path: str
    """``dispatch.billing.jobs:settle``."""
    queue: str
    timeout_seconds: int
    batch: bool = False
    """The handler takes a list of leases, so that one work-horse serves many runs."""
    max_attempts: int = 5
    warm: str | None = None
    """What a worker does once before its first work-horse, such as ``dispatch.planning.optimise:warm``."""

    @property
    def ring_seconds(self) -> int:
        """Time of a work-horse: that of the kind, of lingering, and of the last run that it takes on."""
        return self.timeout_seconds + int(_timing.linger_seconds) + LONGEST_TAKEN_ON


@dataclass(frozen=True, slots=True)
class Timing:
    """How long leases and pauses last; only tests shorten them."""

    lease_seconds: float = 45.0
    heartbeat_seconds: float = 10.0
    first_pause_seconds: float = 4.0
    """Pause after the first failure; each later pause is three times longer."""
    batch_size: int = 50
    linger_seconds: float = 5.0
    """After its own run a work-horse takes on further ready runs of its queue for so long."""
    wait_seconds: float = 0.5
    """It ends before that when nothing has been ready for so long."""

    def pause_after(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt, at most ten minutes."""
        return min(self.first_pause_seconds * 3.0 ** max(attempt - 1, 0), 600.0)


_jobs: dict[str, Job] = {}
_followers: dict[type[Event], tuple[str, ...]] = {}
_timing = Timing()


def register(
    jobs: Iterable[Job],
    subscriptions: Mapping[type[Event], tuple[str, ...]],
    *,
    timing: Timing | None = None,
) -> None:
    """Set this process's table of jobs and which events start them, replacing any former table."""
    global _timing  # noqa: PLW0603 - one table of jobs per process
    table: dict[str, Job] = {}
    for job in jobs:
        if job.kind in table:
            raise ValueError(f"the kind {job.kind} is registered twice")
        table[job.kind] = job
    for event, kinds in subscriptions.items():
        unknown = [kind for kind in kinds if kind not in table]
        if unknown:
            raise UnknownKind(f"{event.__name__} starts unregistered {', '.join(unknown)}")
    _jobs.clear()
    _jobs.update(table)
    _followers.clear()
    _followers.update(subscriptions)
    _timing = timing or Timing()


def registered() -> tuple[Job, ...]:
    """Return every kind of job that this process knows."""
    return tuple(_jobs.values())


def job_of(kind: str) -> Job:
    """Return the job of a kind."""
    try:
        return _jobs[kind]
    except KeyError:
        raise UnknownKind(f"no job of kind {kind} is registered") from None


def followers(event: Event) -> tuple[str, ...]:
    """Return the kinds of jobs that an event starts."""
    return _followers.get(type(event), ())


def timing() -> Timing:
    """Return how long leases and pauses last."""
    return _timing


def handler_of(job: Job) -> Handler:
    """Import and return the handler of a job."""
    return _named(job.path)


def _named(path: str) -> Handler:
    module, _, name = path.partition(":")
    found: Handler = getattr(importlib.import_module(module), name)
    return found


def load_handlers(queue: str) -> None:
    """Import the handlers of a queue once and warm them up, before the first work-horse is forked."""
    served = [job for job in registered() if job.queue == queue]
    for job in served:
        handler_of(job)
    for path in sorted({job.warm for job in served if job.warm}):
        _named(path)()
