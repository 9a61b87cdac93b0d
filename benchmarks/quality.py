"""
Quality of plans at equal time: our engines and other solvers, one after the other, on one thread.

``python -m benchmarks.quality [--instances DIR] [--best FILE] [--days 100,500,1000] [--technicians 8]
[--roads FILE.npz,...] [--road-days 100,200,300,400] [--seconds 10] [--seeds 1,2,3]
[--solvers truckroll,routing,ortools,ortools-tuned,pyvrp,vroom,nextroute] [--out FILE]``; the page
``docs/how-to/measure-the-engine.md`` says more. Every run is a process of its own. Building the model
counts, compiling does not. Every plan is timed, judged and priced by our checker; a visit that a solver
placed where our rules refuse it is dropped.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks import best_known, cases
from benchmarks.cases import Case
from benchmarks.instances import BEST_NAMES
from benchmarks.peers.seam import SOLVERS
from benchmarks.runs import Row, Runner, head_of, key_of, machine, measured, rows_in, runners, tail, write
from benchmarks.tables import table

CLASSIC = Path(__file__).parents[1] / "../shared/data/vrptw"
"""Looked into when no folder is named; the files are not part of the project."""
DAYS = (100, 500, 1_000)


@dataclass(frozen=True, slots=True)
class Orders:
    """How every case of a measurement is run."""

    seconds: float
    seeds: tuple[int, ...]
    repeats: int = 1
    again: bool = False


def classic_folder() -> Path | None:
    """The folder of classic instances beside the checkout, if it is there."""
    return CLASSIC.resolve() if CLASSIC.is_dir() else None


def best_file(folder: Path | None, named: Path | None) -> Path | None:
    """The list of best-known costs: the named one, or one in the folder."""
    if named is not None:
        if not named.is_file():
            raise SystemExit(f"{named} is no file")
        return named
    found = (folder / name for name in BEST_NAMES) if folder else iter(())
    return next((path for path in found if path.is_file()), None)


def rows_of(
    chosen: Iterable[Case], solvers: dict[str, Runner], orders: Orders, out: Path | None
) -> Iterator[Row]:
    """All runs, one after the other; those whose row is in the file already are not run again."""
    known = {} if orders.again or out is None else {key_of(row): row for row in rows_in(out)}
    for case in chosen:
        for runner in solvers.values():
            for seed in orders.seeds if runner.uses_seed else orders.seeds[:1]:
                row = head_of(case, runner, seconds=orders.seconds, seed=seed)
                if key_of(row) in known:
                    yield known[key_of(row)]
                    continue
                told = measured(case, runner, seconds=orders.seconds, seed=seed, repeats=orders.repeats)
                row |= {**told, **tail()}
                write(out, row)
                print(f"  {_shown(row)}", file=sys.stderr, flush=True)
                yield row


def _shown(row: Row) -> str:
    """A row as one line for whoever waits."""
    who = f"{row['instance']} {row['solver']} seed {row['seed']}"
    if told := row.get("refused") or row.get("failed"):
        return f"{who}: {told}"
    gap = "" if row["gap"] is None else f" gap {row['gap']:.2%}"
    return f"{who}: unserved {row['unserved']} cost {row['cost']}{gap}"


def chosen_cases(args: argparse.Namespace) -> Iterator[Case]:
    """What the command line asks for; without a word, classic or made instances and generated days."""
    wants_other = args.technicians or args.roads or args.road_days or args.days
    folder = args.instances or (None if wants_other else classic_folder())
    if folder and not folder.is_dir():
        raise SystemExit(f"{folder} is no folder")
    if folder:
        best = best_file(folder, args.best)
        yield from cases.in_folder(folder, known_costs(best), best=best, names=args.names)
    elif not wants_other:
        yield from cases.vrptw_made(args.names)
    plain = args.instances is None and not wants_other and not args.names
    yield from cases.generated_days(DAYS if plain else args.days or (), args.day_seed, lunch=args.lunch)
    yield from cases.technicians(folder or classic_folder(), args.technicians, args.day_seed)
    if args.roads or args.road_days:
        yield from cases.road_days(args.roads, args.road_days or (100, 200, 300, 400), args.day_seed)


def known_costs(path: Path | None) -> best_known.BestKnown:
    """Best-known costs, with a word on costs that were not cut off as ours are."""
    try:
        known = best_known.read(path)
    except best_known.NoList as error:
        raise SystemExit(str(error)) from error
    if known.has_fine_digits and path is not None:
        print(f"{path.name}: costs are not cut off at one digit, gaps to them are not exact", file=sys.stderr)
    return known


def parser_of_arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="quality of plans at equal time")
    parser.add_argument("--instances", type=Path, metavar="DIR", help="folder of Solomon or Homberger files")
    parser.add_argument("--names", type=words, default=[], help="only these instances")
    parser.add_argument("--best", type=Path, metavar="FILE", help="best-known costs, JSON or a list")
    parser.add_argument("--days", type=numbers, default=None, help="visits of generated days; 0 for none")
    parser.add_argument("--day-seed", type=int, default=1)
    parser.add_argument("--lunch", action="store_true", help="days with a break, which PyVRP cannot tell")
    parser.add_argument(
        "--technicians", type=int, default=0, metavar="N", help="technician days of 100 visits"
    )
    parser.add_argument("--roads", type=_paths, default=[], metavar="FILE", help=".npz of road times")
    parser.add_argument("--road-days", type=numbers, default=[], help="visits of days on roads")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    parser.add_argument("--solvers", type=words, default=list(SOLVERS), help=f"of {', '.join(SOLVERS)}")
    parser.add_argument("--repeats", type=int, default=1, help="further tries for a disturbed run")
    parser.add_argument("--again", action="store_true", help="measure also what is in the file already")
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    return parser


def words(text: str) -> list[str]:
    """Words parted by commas."""
    return [word for word in text.split(",") if word]


def numbers(text: str) -> list[int]:
    """Whole numbers parted by commas."""
    return [int(word) for word in words(text)]


def _paths(text: str) -> list[Path]:
    return [Path(word) for word in words(text)]


def main(arguments: list[str] | None = None) -> None:
    """Measure, write rows, print the table."""
    parser = parser_of_arguments()
    args = parser.parse_args(arguments)
    if unknown := sorted(name for name in set(args.solvers) - set(SOLVERS) if ":" not in name):
        parser.error(f"no solver is called {', '.join(unknown)}")
    if not args.seeds or args.seconds <= 0:
        parser.error("name at least one seed and more than 0 seconds")
    found = chosen_cases(args)
    first = next(found, None)
    if first is None:
        raise SystemExit(f"no instance to measure in {args.instances or 'what was asked for'}")
    load = [round(part, 2) for part in os.getloadavg()]
    print(json.dumps({"machine": machine(), "load": load, "seconds": args.seconds, "seeds": args.seeds}))
    solvers = runners(args.solvers)
    for runner in solvers.values():
        print(f"{runner.name}: {runner.version}")
    orders = Orders(args.seconds, tuple(args.seeds), args.repeats, args.again)
    rows = list(rows_of(chain([first], found), solvers, orders, args.out))
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
