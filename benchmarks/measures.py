"""What is measured inside a process of its own besides whole plans: search speed, memory, quotes."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.cases import made
from benchmarks.days import HOUR
from benchmarks.peers.own import Truckroll
from optimizer import Budget, Progress, Visit, Window, cost
from optimizer.booking import Quoting, open_oracle
from optimizer.bounds import bound
from optimizer.engines.base import available, engine

QUOTED = 100
"""Visits that are quoted, each of them not yet planned."""
ROUNDS = 3
WINDOWS = tuple(Window(start, start + 2 * HOUR) for start in range(8 * HOUR, 18 * HOUR, HOUR // 4))
"""Forty windows of two hours, one every quarter of an hour."""
PLAN_SECONDS = 2.0
PROVED_PLAN_SECONDS = 1.0
TINY, COMPILING = 6, 120.0
"""Visits of the day whose proof compiles the loops, and the seconds it may take."""
SMALL = 24
"""Visits of the day that tells whether the engine knows a set of rules at all."""
PATIENCE = 5
"""Times the processor time of a search that the clock may show at its end."""
Outcome = dict[str, Any]


def search(job: Outcome) -> Outcome:
    """
    Iterations of the engine for each second of processor time, counted from its first plan on.

    ``setup_seconds`` is what the engine tells of its own preparation, ``first_plan_seconds`` the wall clock
    until the first plan, preparation included. The search is cancelled when it has had its processor time.
    """
    own = Truckroll()
    chosen = engine(available(own.name))
    small = made(json.dumps({**job["recipe"], "visits": SMALL}, sort_keys=True))
    if chosen.solve(small, budget=Budget(solutions=1)).stats.get("engine") != own.name:
        return {"failed": "left to the reference engine"}
    problem = made(json.dumps(job["recipe"], sort_keys=True))
    own.warm_up()
    firsts: list[tuple[float, float]] = []
    began = time.perf_counter()

    def note(_: Progress) -> None:
        if not firsts:
            firsts.append((time.perf_counter() - began, time.process_time()))

    def has_had_its_time() -> bool:
        return bool(firsts) and time.process_time() - firsts[0][1] >= job["seconds"]

    budget = Budget(seconds=PATIENCE * job["seconds"])
    result = chosen.solve(problem, budget=budget, seed=job["seed"], on_progress=note, cancel=has_had_its_time)
    ended = time.process_time()
    first_wall, first_cpu = firsts[0] if firsts else (0.0, ended)
    spent = max(1e-6, ended - first_cpu)
    return {
        "setup_seconds": result.stats.get("setup_seconds"),
        "first_plan_seconds": round(first_wall, 4),
        "iterations": result.stats["solutions"],
        "iterations_per_cpu_second": round(float(result.stats["solutions"]) / spent, 1),
        "wall_seconds": round(time.perf_counter() - began, 3),
    }


def quotes(job: Outcome) -> Outcome:
    """Time of quoting visits that are not planned yet, in forty windows, on a plan that is open already."""
    whole = made(json.dumps(job["recipe"], sort_keys=True))
    asked = whole.visits[-QUOTED:]
    problem = replace(whole, visits=whole.visits[:-QUOTED])
    own = Truckroll()
    own.warm_up()
    plan = own.plan(problem, seconds=PLAN_SECONDS, seed=job["seed"])
    open_oracle(problem, plan).quote(asked[0], WINDOWS)
    began = time.perf_counter()
    oracle = open_oracle(problem, plan)
    opened = time.perf_counter() - began
    taken, offers = _timed(oracle, asked)
    taken.sort()
    return {
        "open_seconds": round(opened, 5),
        "quotes": len(taken),
        "windows": len(WINDOWS),
        "technicians": len(problem.technicians),
        "offers": offers,
        "median_us": round(taken[len(taken) // 2] / 1000, 1),
        "p99_us": round(taken[int(0.99 * len(taken))] / 1000, 1),
    }


def proof(job: Outcome) -> Outcome:
    """
    How far a plan of one second can be from the best, proved within the seconds of the job.

    The proof counts processor time; ``proved`` is the part of the price that a better plan might save.
    """
    problem = made(json.dumps(job["recipe"], sort_keys=True))
    own = Truckroll()
    own.warm_up()
    tiny = made(json.dumps({**job["recipe"], "visits": TINY}, sort_keys=True))
    bound(tiny, seconds=COMPILING, start=own.plan(tiny, seconds=0.1, seed=1))
    plan = own.plan(problem, seconds=PROVED_PLAN_SECONDS, seed=job["seed"])
    left = job["seconds"] - PROVED_PLAN_SECONDS
    found = bound(problem, seconds=left, start=plan, clock=time.process_time)
    best = plan if found.better is None else found.better
    price = sum(cost(problem, best).values())
    gap = found.gap(price)
    return {
        "price": price,
        "bound": found.cents,
        "proved": None if gap is None else round(gap, 6),
        "why": found.why,
        "proof_seconds": found.stats.get("seconds"),
    }


def _timed(oracle: Quoting, asked: Sequence[Visit]) -> tuple[list[int], int]:
    """Nanoseconds of each quote, and how many offers were made."""
    taken, offers = [], 0
    for _ in range(ROUNDS):
        for visit in asked:
            began = time.perf_counter_ns()
            found = oracle.quote(visit, WINDOWS)
            taken.append(time.perf_counter_ns() - began)
            offers += len(found)
    return taken, offers


def with_quoted(recipe: Outcome) -> Outcome:
    """The recipe of a day that holds the visits to be quoted as well."""
    return {**recipe, "visits": recipe["visits"] + QUOTED}


MEASURES: dict[str, Callable[[Outcome], Outcome]] = {"search": search, "quotes": quotes, "proof": proof}
