"""
Several processes on one day: each searches with its own seed, then their routes meet in one master.

A process of its own interpreter is given the arrays and returns its best plan and its routes. One that dies
is missed, one that is late waited for a little; none outlives the search.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import optimizer
from optimizer.engines.base import Budget, Cancel
from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.layout import Whole
from optimizer.engines.ruin.pool import Columns, columns_of
from optimizer.engines.ruin.run import SLICE_SECONDS, Run
from optimizer.engines.ruin.states import Orders, best_bounds

SHARED_AT = 0.75
"""Part of the budget after which the processes hand over what they found."""
LEAST_SECONDS = 5.0
"""Shorter searches stay in one process, since starting another takes about two seconds."""
MOST_PROCESSES = 64
EARLY_SHARE, LATE_SECONDS = 0.05, 2.0
"""The others stop a little before they are asked, and are waited for so long at most."""
CHILD = "optimizer.engines.ruin.child"
Start: TypeAlias = tuple[Orders, Whole | None]
"""A plan to begin from, and the bounds of its visits that depend on one another."""


class Found(NamedTuple):
    """What a search hands over: its best plan and the routes it has seen."""

    price: int
    orders: Orders
    columns: Columns
    bounds: Whole | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What another process is asked to search; ``until`` is a moment of ``time.time``."""

    day: Day
    seed: int
    orders: Orders
    solutions: int | None
    until: float | None
    parent: int
    bounds: Whole | None = None


def searched(task: Task) -> Found | None:
    """Do a task; None when there is no time left for it."""
    seconds = None if task.until is None else task.until - time.time()
    if seconds is not None and seconds <= SLICE_SECONDS:
        return None
    budget = Budget(seconds=seconds, solutions=task.solutions)
    run = Run(task.day, budget, task.seed, lambda *_: None, lambda: os.getppid() != task.parent)
    run.combines = False  # whoever asked combines the routes of all
    run.begin(task.orders, task.bounds)
    run.search()
    return Found(run.best_price, run.best_orders(), columns_of(run.pool), best_bounds(task.day))


class Others:
    """The other processes of a search."""

    shared_at = SHARED_AT

    def __init__(self, day: Day, budget: Budget, seed: int, start: Start) -> None:
        count = min(budget.processes, MOST_PROCESSES) - 1
        self.until = None if budget.seconds is None else time.time() + SHARED_AT * budget.seconds
        solutions = None if budget.solutions is None else max(1, int(SHARED_AT * budget.solutions))
        self.answered = 0
        self._threads = ThreadPoolExecutor(count)
        self._processes: list[subprocess.Popen[bytes]] = []
        with suppress(OSError):  # no room for another process: those that there are go on
            self._processes.extend(_started() for _ in range(count))
        self._answers: list[Future[Found | None]] = []
        for number, process in enumerate(self._processes, 1):
            early = self.until - EARLY_SHARE * budget.seconds if self.until and budget.seconds else None
            task = Task(day, seed + number * 1_000_003, start[0], solutions, early, os.getpid(), start[1])
            self._answers.append(self._threads.submit(_answer, process, task))

    def found(self, cancel: Cancel) -> list[Found]:
        """What the others hand over, in the order of their seeds; without those that are late or dead."""
        until = None if self.until is None else max(self.until, time.time()) + LATE_SECONDS
        while wait(self._answers, timeout=SLICE_SECONDS).not_done:
            if cancel() or (until is not None and time.time() > until):
                break
        done = [answer.result() for answer in self._answers if answer.done()]
        found = [each for each in done if each is not None]
        self.answered = len(found)
        return found

    def end(self) -> None:
        """End every process that still runs."""
        for process in self._processes:
            process.kill()
        self._threads.shutdown()


@contextmanager
def others(day: Day, budget: Budget, seed: int, start: Start) -> Iterator[Others | None]:
    """Start the other processes of a search, if it is to have any, and end them with it."""
    is_short = budget.seconds is not None and budget.seconds < LEAST_SECONDS
    if budget.processes == 1 or is_short:
        yield None
        return
    running = Others(day, budget, seed, start)
    try:
        yield running
    finally:
        running.end()


def _started() -> "subprocess.Popen[bytes]":
    """Another interpreter that finds this package where this one did."""
    paths = [str(Path(optimizer.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def _answer(process: "subprocess.Popen[bytes]", task: Task) -> Found | None:
    """Hand the task over and wait; None from a process that died or had no time."""
    with process:
        answer, _ = process.communicate(pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL))
    if process.returncode != 0 or not answer:
        return None
    found: Found | None = pickle.loads(answer)  # noqa: S301 - from a process started here
    return found
