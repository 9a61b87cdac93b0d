"""
Speed of the planning engine: ``python -m benchmarks.speed [--sizes 500,1000,2000,5000] [--out FILE]``.

On generated days of each size: the first feasible plan with everything before it, beside other solvers'
first plans; iterations for a second of processor time, plain and with all rules of ``rich``; peak memory; the
time of a quote in forty windows; proofs of small territories. Every measurement is a process of its own and
one row.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import rich
from benchmarks.cases import Case
from benchmarks.measures import QUOTED, with_quoted
from benchmarks.quality import numbers, words
from benchmarks.runs import (
    PATIENCE,
    SETTING_UP,
    Row,
    Runner,
    in_worker,
    judged,
    key_of,
    machine,
    rows_in,
    runners,
    tail,
    write,
)

SIZES = (500, 1_000, 2_000, 5_000)
QUOTE_SIZES = (500, 2_000)
VISITS_FOR_ONE = 10
"""Visits for each technician on the days on which visits are quoted."""
FIRST_LIMIT = 120.0
"""Seconds after which a first plan is not waited for any longer."""
PROVED, PROVED_VISITS, PROOF_SECONDS = 20, 25, 5.0
"""Small territories whose plans are proved: every second one on the district's roads."""
FIRST_SOLVERS = ("truckroll", "ortools", "ortools-tuned", "pyvrp", "vroom")
OWN = "truckroll"


def jobs(
    sizes: Iterable[int],
    solvers: dict[str, Runner],
    *,
    seconds: float,
    seeds: Iterable[int],
    proofs: int = PROVED,
) -> Iterator[tuple[Row, dict[str, Any]]]:
    """What is to be measured: the head of the row, and the job."""
    sizes, seeds = list(sizes), list(seeds)
    for size in sizes:
        recipe = {"make": "day", "visits": size, "seed": 1}
        for runner in solvers.values():
            head = {"measure": "first plan", "solver": runner.name, "version": runner.version, "size": size}
            for seed in seeds if runner.uses_seed else seeds[:1]:
                yield head | {"recipe": recipe, "seed": seed}, {"task": "plan", "first": True}
    if OWN not in solvers:
        return
    own = {"solver": OWN, "version": solvers[OWN].version}
    for size in sizes:
        for name, rules in rich.SETS.items():
            recipe = {"make": "day", "visits": size, "seed": 1} | ({"rules": list(rules)} if rules else {})
            for seed in seeds:
                head = {"measure": "search", **own, "size": size, "rules": name, "seed": seed}
                yield head | {"recipe": recipe, "seconds": seconds}, {"task": "search"}
    for size in (size for size in QUOTE_SIZES if size <= max(sizes)):
        crew = size // VISITS_FOR_ONE
        recipe = with_quoted({"make": "day", "visits": size, "seed": 1, "technicians": crew})
        for seed in seeds:
            yield (
                {"measure": "quotes", **own, "size": size, "seed": seed, "recipe": recipe},
                {"task": "quotes"},
            )
            for name, rules in rich.QUOTED.items():
                head = {"measure": "quotes", **own, "size": size, "seed": seed, "rules": name}
                yield head | {"recipe": {**recipe, "rules": list(rules)}}, {"task": "quotes"}
    for number in range(1, proofs + 1):
        place = {"make": "roads"} if number % 2 else {"make": "day"}
        recipe = {**place, "visits": PROVED_VISITS, "seed": number}
        head = {"measure": "proof", **own, "size": PROVED_VISITS, "seed": 1, "seconds": PROOF_SECONDS}
        yield head | {"recipe": recipe}, {"task": "proof"}


def rows_of(
    todo: Iterable[tuple[Row, dict[str, Any]]], out: Path | None, *, again: bool = False
) -> Iterator[Row]:
    """All measurements, one after the other; those whose row is in the file already are not made again."""
    known = {} if again or out is None else {key_of(row): row for row in rows_in(out)}
    for head, job in todo:
        if key_of(head) in known:
            yield known[key_of(head)]
            continue
        asked = {"seconds": 1.0, "seed": 1, **head, **job}
        limit = FIRST_LIMIT if job["task"] == "plan" else 2 * PATIENCE * asked["seconds"]
        outcome = in_worker(asked, limit=SETTING_UP + limit)
        if "orders" in outcome or "plan" in outcome:
            outcome = judged(Case("", "day", head["recipe"]).problem, outcome)
        row = {**head, **outcome, **tail()}
        write(out, row)
        yield row


def line_of(row: Row) -> str:
    """A row for the terminal."""
    what = f"{row['measure']:<11} {row['size']:>5} visits {row['solver']:<14}"
    if told := row.get("failed") or row.get("refused"):
        return f"{what} {row.get('rules', '')} {told}"
    if row["measure"] == "first plan":
        figures = f"{row['wall_seconds']:.3f} s, {row['unserved']} left out, travel {row['travel']}"
        return f"{what} {figures}, {row['rss_mb']} MB"
    if row["measure"] == "search":
        rate = (
            f"{row['iterations_per_cpu_second']:.0f} iterations/s, first plan {row['first_plan_seconds']} s"
        )
        return f"{what} {row['rules']:<10} {rate}, {row['rss_mb']} MB"
    if row["measure"] == "proof":
        told = row["why"] if row["proved"] is None else f"{100 * row['proved']:.2f} %"
        return f"{what} {row['recipe']['make']} {row['recipe']['seed']}: proved within {told}"
    return f"{what} median {row['median_us']} us, p99 {row['p99_us']} us, opened in {row['open_seconds']} s"


def main(arguments: list[str] | None = None) -> None:
    """Measure, write rows, print them."""
    parser = argparse.ArgumentParser(description="speed of the planning engine")
    parser.add_argument("--sizes", type=numbers, default=list(SIZES), help="visits of the generated days")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each search")
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    parser.add_argument("--solvers", type=words, default=list(FIRST_SOLVERS), help="whose first plans")
    parser.add_argument("--proofs", type=int, default=PROVED, help="small territories to be proved")
    parser.add_argument("--again", action="store_true", help="measure also what is in the file already")
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    args = parser.parse_args(arguments)
    print(json.dumps({"machine": machine(), "seconds": args.seconds, "seeds": args.seeds, "quoted": QUOTED}))
    solvers = runners(args.solvers)
    for runner in solvers.values():
        print(f"{runner.name}: {runner.version}")
    todo = jobs(args.sizes, solvers, seconds=args.seconds, seeds=args.seeds, proofs=args.proofs)
    for row in rows_of(todo, args.out, again=args.again):
        print(line_of(row))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
