"""
Background work of the naive baseline: plain RQ with two queues and no retries, as it is often started.

Its worker and the work-horses are killed like those of the measured side (fault 18 of reliability.md §7). Who
starts a worker again starts it as it was; nobody looks after what a dead one had in hand.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from redis import Redis
from rq import Queue

QUEUES = ("naive-urgent", "naive")
DRAINED_WITHIN_SECONDS, QUIET_LOOKS = 120.0, 5
ROOT = Path(__file__).resolve().parents[1]


def keep_photo(database_url: str, marker: str) -> None:
    """Note that a photograph is there."""
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into naive.photo (marker) values (%s)", [marker])


@dataclass
class Background:
    """The queue, its worker, and what was killed."""

    queue: Queue
    redis_url: str
    killed: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nothing is killed any more."""
    _worker: subprocess.Popen[bytes] | None = None

    def take(self, database_url: str, marker: str) -> None:
        """Leave a photograph to the worker."""
        self.queue.enqueue(keep_photo, database_url, marker)

    def start(self) -> None:
        """Start the worker as RQ's guide says."""
        command = [sys.executable, "-m", "rq.cli", "worker", "--quiet", "-u", self.redis_url, *QUEUES]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._worker = subprocess.Popen(command, cwd=ROOT, **silent)

    def kill(self, chance: random.Random) -> None:
        """Kill the worker or, if it has one, its work-horse; a dead worker is started again."""
        if self._worker is None:
            return
        horses = _children_of(self._worker.pid)
        if horses and chance.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(horses[0], signal.SIGKILL)
                self.killed.append("horse")
            return
        self.stop()
        self.killed.append("worker")
        self.start()

    def stop(self) -> None:
        """End the worker, whatever it does."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()

    def drain(self) -> None:
        """Kill nothing any more, and wait until nothing waits and nobody works, or time is up."""
        self.over.set()
        end, quiet = time.monotonic() + DRAINED_WITHIN_SECONDS, 0
        while time.monotonic() < end and quiet < QUIET_LOOKS:
            quiet = 0 if self.queue.count or self._is_busy() else quiet + 1
            time.sleep(0.1)

    def _is_busy(self) -> bool:
        return self._worker is not None and bool(_children_of(self._worker.pid))


def _children_of(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


@contextmanager
def background(redis_url: str, *, seed: int, every: float) -> Iterator[Background]:
    """Let a worker work for as long as the block lasts, killed at intervals."""
    connection = Redis.from_url(redis_url)
    found = Background(Queue(QUEUES[-1], connection=connection), redis_url)
    chance = random.Random(seed)
    found.queue.empty()
    found.start()

    def kill() -> None:
        while not found.over.wait(every):
            found.kill(chance)

    hunter = threading.Thread(target=kill, daemon=True)
    hunter.start()
    try:
        yield found
    finally:
        found.over.set()
        hunter.join()
        found.stop()
        connection.close()
