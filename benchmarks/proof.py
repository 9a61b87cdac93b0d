"""
How much is proved about small territories: planned, then bounded, in one span of processor time.

``python -m benchmarks.proof [--visits 25] [--seconds 5] [--seeds 1,2,...] [--instances DIR] [--out FILE]``
plans generated days of service work with one technician for seven visits and for nine, and the first
customers of VRPTW files (without any, of instances made by seed). Compiling does not count.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.days import KINDS, field_day, vrptw
from benchmarks.quality import classic_folder, numbers
from benchmarks.runs import Row, machine, tail, write
from optimizer import Budget, Plan, Problem, check, cost, solve
from optimizer.bounds import bound
from optimizer.engines.base import warm_up
from optimizer.readers import solomon

OWN = "truckroll"
SEARCHED = 0.2
"""Part of the time that the search gets; the proof has the rest."""
SHOWN = 0.01
"""A plan proved to be nearer to the best than this counts."""
EACH = (7, 9)
"""Visits for each technician of a generated day."""


@dataclass(frozen=True, slots=True)
class Territory:
    """One small problem."""

    kind: str
    name: str
    problem: Problem


def territories(visits: int, seeds: Iterable[int], folder: Path | None) -> Iterator[Territory]:
    """Generated days, then the first customers of files."""
    for seed in seeds:
        for each in EACH:
            crew = -(-visits // each)
            yield Territory("day", f"day-{visits}-{crew}-s{seed}-lunch", field_day(seed, visits, crew))
    if folder is None:
        for kind in KINDS:
            for seed in seeds:
                yield Territory("classic", f"{kind}-{visits}-s{seed}", vrptw(kind, seed, visits))
        return
    for path in sorted(folder.glob("*.txt")):
        whole = solomon.instance_from_text(path.read_text(encoding="utf-8"), path.stem)
        if len(whole.customers) == 101:
            first = replace(whole, customers=whole.customers[: visits + 1])
            yield Territory("classic", f"{path.stem}-{visits}", solomon.problem_of(first))


def planned(problem: Problem, seconds: float, seed: int) -> Plan:
    """A plan after so much processor time."""
    until = time.process_time() + seconds
    budget = Budget(seconds=20 * seconds)
    return solve(problem, budget, seed=seed, cancel=lambda: time.process_time() >= until).plan


def proved(territory: Territory, seconds: float, seed: int = 1) -> Row:
    """Plan one territory and prove what can be proved."""
    problem, began, wall = territory.problem, time.process_time(), time.perf_counter()
    plan = planned(problem, SEARCHED * seconds, seed)
    left = seconds - (time.process_time() - began)
    found = bound(problem, seconds=left, start=plan, clock=time.process_time)
    best = found.better or plan
    price = sum(cost(problem, best).values())
    return {
        "measure": "proof",
        "kind": territory.kind,
        "instance": territory.name,
        "visits": len(problem.visits),
        "solver": OWN,
        "seed": seed,
        "seconds": seconds,
        "planned": sum(cost(problem, plan).values()),
        "cost": price,
        "unserved": len(problem.visits) - sum(len(route.stops) for route in best.routes),
        "bound": found.cents,
        "proved": found.gap(price),
        "told": found.told(price),
        "valid": not check(problem, best),
        "cpu_seconds": round(time.process_time() - began, 2),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        **tail(),
    }


def summary(rows: list[Row]) -> str:
    """The share that counts, and how long it took."""
    lines = []
    for kind in sorted({row["kind"] for row in rows}):
        group = [row for row in rows if row["kind"] == kind]
        shown = [row for row in group if row["proved"] is not None and row["proved"] <= SHOWN]
        whole = [row for row in group if row["proved"] == 0]
        better = [row for row in group if row["cost"] < row["planned"]]
        took = median(row["cpu_seconds"] for row in group)
        lines.append(
            f"{kind}: {len(shown)} of {len(group)} within 1 %, {len(whole)} optimal, {len(better)} plans"
            f" bettered by the proof, median {took:.2f} s"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write rows, then the shares."""
    parser = argparse.ArgumentParser(description="what is proved about small territories")
    parser.add_argument("--visits", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=5.0, help="processor time of search and proof")
    parser.add_argument("--seeds", type=numbers, default=list(range(1, 11)))
    parser.add_argument("--instances", type=Path, metavar="DIR", default=classic_folder())
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    args = parser.parse_args(arguments)
    print(json.dumps({"machine": machine(), "seconds": args.seconds, "seeds": args.seeds}))
    warm_up("ruin")
    rows = []
    for territory in territories(args.visits, args.seeds, args.instances):
        row = proved(territory, args.seconds)
        rows.append(row)
        write(args.out, row)
        better = f" (search alone {row['planned']})" if row["cost"] < row["planned"] else ""
        print(f"{territory.name:<18} cost {row['cost']:>8}{better} {row['told']}, {row['cpu_seconds']} s")
        sys.stdout.flush()
    print(summary(rows))


if __name__ == "__main__":
    main()
