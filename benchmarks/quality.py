"""
Quality of plans at equal time: our engines and other solvers, one after the other, on one thread.

``python -m benchmarks.quality [--instances DIR] [--best FILE] [--days 100,500,1000] [--seconds 10]
[--seeds 1,2,3] [--solvers truckroll,routing,pyvrp,vroom] [--out FILE]``; the page
``docs/how-to/measure-the-engine.md`` says more. Building the model counts, compiling does not. Every plan is
timed, judged and priced by our checker; a visit that a solver placed where our rules refuse it is dropped.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.days import KINDS, field_day, vrptw
from benchmarks.peers.seam import SOLVERS, CannotTell, NotInstalled, Solver, solver
from benchmarks.tables import table
from optimizer import Plan, Problem, check, cost
from optimizer.insertion import mended
from optimizer.oracle import retimed
from optimizer.readers import read

CLASSIC = Path(__file__).parents[1] / "../shared/data/vrptw"
"""Looked into when no folder is named; the files are not part of the project."""
BEST = "best_known.json"
GENERATED = (100, 200)
VISITS_EACH = 8
"""Visits for each technician of a generated day."""
CALM = 0.93
"""Share of the clock that the processor must have worked for a run to count as undisturbed."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One problem, and the price of the best plan known where there is one."""

    name: str
    problem: Problem
    best: int | None = None


def cases_in(folder: Path, best: Path | None, names: list[str]) -> Iterator[Case]:
    """Instances of a folder in order of their names."""
    known_file = best or folder / BEST
    known = json.loads(known_file.read_text(encoding="utf-8")) if known_file.is_file() else {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".txt" and (not names or path.stem in names):
            yield Case(path.stem, read(path, "solomon"), known.get(path.stem))


def generated_cases(names: list[str]) -> Iterator[Case]:
    """Instances of our own for everybody who has no files."""
    for kind in KINDS:
        for customers in GENERATED:
            name = f"{kind}-{customers}-s1"
            if not names or name in names:
                yield Case(name, vrptw(kind, 1, customers))


def day_cases(sizes: list[int], day_seed: int, *, lunch: bool) -> Iterator[Case]:
    """Generated days of service work."""
    for visits in filter(None, sizes):
        problem = field_day(day_seed, visits, max(1, visits // VISITS_EACH), lunch=lunch)
        yield Case(f"day-{visits}-s{day_seed}{'-lunch' if lunch else ''}", problem)


def measured(case: Case, chosen: Solver, *, seconds: float, seed: int) -> Row:
    """Let one solver plan one case once, and judge the plan."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        found = chosen.plan(case.problem, seconds=seconds, seed=seed)
    except CannotTell as refusal:
        return {"refused": str(refusal)}
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    dropped = 0
    if not isinstance(found, Plan):
        sound = mended(case.problem, found)
        dropped = sum(map(len, found.values())) - sum(map(len, sound.values()))
        found = retimed(case.problem, sound)
    prices = cost(case.problem, found)
    served = sum(len(route.stops) for route in found.routes)
    unserved = len(case.problem.visits) - served
    is_comparable = case.best is not None and unserved == 0
    return {
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "unserved": unserved,
        "dropped": dropped,
        "cost": sum(prices.values()),
        "travel": prices["travel"],
        "gap": round(prices["travel"] / case.best - 1, 6) if is_comparable and case.best else None,
        "valid": not check(case.problem, found) and not dropped,
    }


def calmest(case: Case, chosen: Solver, *, seconds: float, seed: int, repeats: int) -> Row:
    """Measure again while other work on the machine disturbs, and keep the least disturbed run."""
    best: Row = {}
    for attempt in range(repeats + 1):
        row = measured(case, chosen, seconds=seconds, seed=seed)
        if "refused" in row:
            return row
        row["share"], row["attempts"] = (
            round(row["cpu_seconds"] / max(row["wall_seconds"], 1e-3), 3),
            attempt + 1,
        )
        if not best or row["share"] > best["share"]:
            best = {**row}
        best["attempts"] = attempt + 1
        if best["share"] >= CALM:
            break
    return best


def rows_of(cases: list[Case], solvers: dict[str, Solver], args: argparse.Namespace) -> Iterator[Row]:
    """All runs, one after the other."""
    for case in cases:
        for name, chosen in solvers.items():
            for seed in args.seeds if chosen.uses_seed else args.seeds[:1]:
                head = {"instance": case.name, "visits": len(case.problem.visits), "best": case.best}
                head |= {"solver": name, "version": chosen.version, "seed": seed, "seconds": args.seconds}
                row = calmest(case, chosen, seconds=args.seconds, seed=seed, repeats=args.repeats)
                yield {**head, **row}


def machine() -> Row:
    """Where the figures come from."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def loaded(names: list[str]) -> dict[str, Solver]:
    """Solvers that are installed, loaded and compiled; the others are named."""
    found = {}
    for name in names:
        try:
            found[name] = solver(name)
        except NotInstalled as error:
            print(f"not measured: {error}", file=sys.stderr)
            continue
        found[name].warm_up()
        print(f"{name}: {found[name].version}")
    return found


def chosen_cases(args: argparse.Namespace) -> list[Case]:
    """Instances of the folder, or generated ones, and generated days."""
    folder = args.instances or (CLASSIC if CLASSIC.is_dir() else None)
    if folder and not folder.is_dir():
        raise SystemExit(f"{folder} is no folder")
    found = list(cases_in(folder, args.best, args.names) if folder else generated_cases(args.names))
    if not found and (args.instances or args.names):
        raise SystemExit(f"no instance of these names in {folder or 'the generated ones'}")
    return found + list(day_cases(args.days, args.day_seed, lunch=args.lunch))


def parser_of_arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="quality of plans at equal time")
    parser.add_argument("--instances", type=Path, metavar="DIR", help="folder of Solomon or Homberger files")
    parser.add_argument("--names", type=_words, default=[], help="only these instances")
    parser.add_argument("--best", type=Path, metavar="FILE", help=f"JSON of best-known costs (DIR/{BEST})")
    parser.add_argument(
        "--days", type=_numbers, default=[100, 500, 1000], help="visits of generated days; 0 for none"
    )
    parser.add_argument("--day-seed", type=int, default=1)
    parser.add_argument("--lunch", action="store_true", help="days with a break, which PyVRP cannot tell")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=_numbers, default=[1, 2, 3])
    parser.add_argument("--solvers", type=_words, default=list(SOLVERS), help=f"of {', '.join(SOLVERS)}")
    parser.add_argument("--repeats", type=int, default=1, help="further tries for a disturbed run")
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    return parser


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


def main(arguments: list[str] | None = None) -> None:
    """Measure, write rows, print the table."""
    parser = parser_of_arguments()
    args = parser.parse_args(arguments)
    if unknown := sorted(set(args.solvers) - set(SOLVERS)):
        parser.error(f"no solver is called {', '.join(unknown)}")
    about = {"machine": machine(), "seconds": args.seconds, "seeds": args.seeds}
    print(json.dumps(about))
    solvers = loaded(args.solvers)
    rows = []
    for row in rows_of(chosen_cases(args), solvers, args):
        rows.append(row)
        shown = row.get("refused") or f"unserved {row['unserved']} cost {row['cost']} gap {row['gap']}"
        print(f"  {row['instance']} {row['solver']} seed {row['seed']}: {shown}", file=sys.stderr, flush=True)
        if args.out:
            with args.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**row, "machine": about["machine"]}) + "\n")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
