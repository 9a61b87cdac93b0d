"""
Latency of the booking oracle: ``python -m benchmarks.quotes [--seed N] [--seconds S]``.

Prints median and 99th percentile of a quote for 4 and 40 windows, at 500 visits of 50 technicians and 2,000
of 200 and with travel looked up beforehand, and how many windows that insertion refuses on a tight day are
opened by 30 ms of search. Times are processor time of the thread, so that other load does not count; the load
of the machine is printed beside them.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.days import HOUR, field_day
from optimizer import Budget, Plan, Problem, Visit, Window, solve
from optimizer.booking import Quoting, open_oracle
from optimizer.engines.ruin.booking import CompiledOracle

SIZES = ((500, 50), (2_000, 200))
WINDOWS = (4, 40)
ASKED = 500
"""Questions per figure."""
TIGHT = 60
"""Questions about a tight day."""


@dataclass(frozen=True, slots=True)
class Latency:
    """
    How long a quote takes, in microseconds.

    visits, technicians, windows
        Size of the day and of the question.
    median, p99
        The whole call, offers made.
    engine_median, engine_p99
        The compiled loops alone: every position of every route, and the times of what they found.
    """

    visits: int
    technicians: int
    windows: int
    median: float
    p99: float
    engine_median: float
    engine_p99: float


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What searching for room adds to insertion.

    asked, refused, opened, cheaper
        Windows asked about, those that insertion refuses, those of them that search opens, and those that
        insertion offers and search offers for less.
    milliseconds
        Median of one search, set-up and judgement included, in wall clock.
    """

    asked: int
    refused: int
    opened: int
    cheaper: int
    milliseconds: float


def grid(count: int) -> list[Window]:
    """So many windows of two hours, spread over the day."""
    step = 8 * HOUR // count
    return [Window(8 * HOUR + at * step, 8 * HOUR + at * step + 2 * HOUR) for at in range(count)]


def questions(problem: Problem, count: int, **changes: int) -> Iterator[Visit]:
    """Visits like those of the day, free in time."""
    for at in range(count):
        yield replace(problem.visits[at % len(problem.visits)], id="asked", windows=(), **changes)  # type: ignore[arg-type]


def quote_latency(problem: Problem, plan: Plan, windows: int, *, asked: int = ASKED) -> Latency:
    """Ask about visits of the day in so many windows."""
    desk = open_oracle(problem, plan)
    assert isinstance(desk, CompiledOracle)
    spans = np.array([(window.start, window.end) for window in grid(windows)], dtype=np.int64)
    whole, loops = [], []
    for visit in questions(problem, asked):
        began = time.thread_time_ns()
        desk.quote(visit, grid(windows))
        whole.append((time.thread_time_ns() - began) / 1000)
        began = time.thread_time_ns()
        desk.search(visit, spans)
        loops.append((time.thread_time_ns() - began) / 1000)
    return Latency(
        len(problem.visits),
        len(problem.technicians),
        windows,
        *(float(np.percentile(found, rank)) for found in (whole, loops) for rank in (50, 99)),
    )


def opened_windows(desk: Quoting, *, asked: int = TIGHT, minutes: int = 90) -> Opened:
    """Ask for long visits on a full day, by insertion and by thirty milliseconds of search."""
    refused = opened = cheaper = 0
    taken = []
    for visit in questions(desk.problem, asked, duration=60 * minutes):
        known = {offer.window: offer.extra_cost for offer in desk.quote(visit, grid(4))}
        for window in grid(4):
            began = time.perf_counter()
            found = desk.reopen(visit, window)
            taken.append(1000 * (time.perf_counter() - began))
            refused += window not in known
            opened += found is not None and window not in known
            cheaper += found is not None and window in known and found.extra_cost < known[window]
    return Opened(4 * asked, refused, opened, cheaper, float(np.median(taken)))


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description="latency of the booking oracle")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0, help="time to plan each day with")
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, seed {args.seed}, load {os.getloadavg()[0]:.1f}")
    for visits, technicians in SIZES:
        problem = field_day(args.seed, visits, technicians)
        plan = solve(problem, Budget(seconds=args.seconds), seed=args.seed).plan
        for windows in WINDOWS:
            row = quote_latency(problem, plan, windows)
            print(
                f"{visits:>5} visits {technicians:>3} technicians {windows:>2} windows | quote "
                f"{row.median:.0f} us, p99 {row.p99:.0f} us | loops {row.engine_median:.0f} us, "
                f"p99 {row.engine_p99:.0f} us | load {os.getloadavg()[0]:.1f}"
            )
        if visits == SIZES[0][0]:
            found = opened_windows(open_oracle(problem, plan))
            print(
                f"tight day: of {found.asked} windows {found.refused} refused, {found.opened} of them opened "
                f"by search, {found.cheaper} others cheaper; {found.milliseconds:.0f} ms each"
            )


if __name__ == "__main__":
    main()
