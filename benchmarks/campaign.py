"""
The whole measurement by one command: ``python -m benchmarks.campaign [--only days,roads] [--folder DIR]``.

Says first how long it will take, writes one file of rows for each part as it goes, leaves out what is in
these files already, and writes the results page anew at the end. Interrupted, it goes on where it stopped;
after a change of the engine only our own rows are measured again.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cases, page, quality, speed
from benchmarks.cases import Case
from benchmarks.quality import Orders, best_file, classic_folder
from benchmarks.runs import Row, Runner, head_of, key_of, rows_in, runners

RESULTS = Path(__file__).parent / "results"
OURS = ("truckroll",)
ENGINES = ("truckroll", "routing")
PEERS = ("ortools", "ortools-tuned", "pyvrp", "vroom", "nextroute")
SEEDS = (1, 2, 3)
BESIDES = 2.5
"""Seconds that a run takes besides its limit: a new process, the problem, judging."""
SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where instances come from."""

    instances: Path | None
    best: Path | None
    roads: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the measurement: problems, solvers and seconds for each run."""

    name: str
    cases: Callable[[Sources], Iterator[Case]]
    solvers: tuple[str, ...]
    seconds: float


def _classic(sources: Sources) -> Iterator[Case]:
    if sources.instances is None:
        return cases.vrptw_made()
    known = quality.known_costs(sources.best)
    return cases.in_folder(sources.instances, known, best=sources.best)


def _large(sources: Sources) -> Iterator[Case]:
    found = cases.vrptw_made(sizes=(400,)) if sources.instances is None else _classic(sources)
    return (case for case in found if len(case.problem.visits) >= 400)


def _technicians(sources: Sources) -> Iterator[Case]:
    return cases.technicians(sources.instances, 8)


def _roads(sources: Sources) -> Iterator[Case]:
    return cases.road_days(sources.roads, (100, 200, 300, 400))


PARTS = (
    Part("days", lambda _: cases.generated_days((100, 500, 1_000)), (*ENGINES, *PEERS), 10),
    Part("days-in-1-s", lambda _: cases.generated_days((100, 500, 1_000, 2_000)), OURS, 1),
    Part("days-in-20-s", lambda _: cases.generated_days((100, 500, 1_000, 2_000)), PEERS, 20),
    Part("roads", _roads, (*OURS, *PEERS), 10),
    Part("technicians", _technicians, (*OURS, *PEERS), 10),
    Part("classic", _classic, (*ENGINES, *PEERS), 10),
    Part("classic-60-s", _large, (*OURS, "pyvrp"), 60),
    Part(
        "large-days", lambda _: cases.generated_days((2_000, 5_000)), (*OURS, "ortools", "pyvrp", "vroom"), 10
    ),
)
NAMES = (SPEED, *(part.name for part in PARTS))


@dataclass(frozen=True, slots=True)
class Task:
    """A part with its problems, and how many of its runs are still to be made."""

    part: Part
    cases: list[Case]
    orders: Orders
    out: Path
    solvers: dict[str, Runner]

    def heads(self) -> Iterator[Row]:
        """What every run asks."""
        for case in self.cases:
            for runner in self.solvers.values():
                for seed in self.orders.seeds if runner.uses_seed else self.orders.seeds[:1]:
                    yield head_of(case, runner, seconds=self.orders.seconds, seed=seed)

    def missing(self) -> int:
        """Runs that are not in the file."""
        known = {key_of(row) for row in rows_in(self.out)}
        return sum(key_of(head) not in known for head in self.heads())

    def seconds(self) -> float:
        """About how long they take."""
        return self.missing() * (self.orders.seconds + BESIDES)


def tasks_of(args: argparse.Namespace, sources: Sources, found: dict[str, Runner]) -> list[Task]:
    """The parts that are asked for."""
    made = []
    for part in PARTS:
        if part.name not in args.only:
            continue
        orders = Orders(args.seconds or part.seconds, tuple(args.seeds), args.repeats)
        solvers = {name: found[name] for name in part.solvers if name in found}
        problems = list(part.cases(sources))[: args.most]
        made.append(Task(part, problems, orders, args.folder / f"{part.name}.jsonl", solvers))
    return made


def announce(tasks: Iterable[Task], speeds: int, speed_seconds: float) -> None:
    """How long it will take, part by part."""
    whole = speeds * (speed_seconds + 10)
    if speeds:
        print(f"  {SPEED:<14} {speeds:>4} runs, about {whole / 60:.0f} min")
    for task in tasks:
        print(f"  {task.part.name:<14} {task.missing():>4} runs, about {task.seconds() / 60:.0f} min")
        whole += task.seconds()
    print(f"about {whole / 60:.0f} minutes in all; what is interrupted goes on where it stopped", flush=True)


def parser_of_arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="measure everything and write the results page")
    parser.add_argument("--only", type=quality.words, default=list(NAMES), help=f"of {', '.join(NAMES)}")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the rows are")
    parser.add_argument("--page", type=Path, default=page.PAGE, help="the page to be written")
    parser.add_argument("--instances", type=Path, default=classic_folder(), metavar="DIR")
    parser.add_argument("--best", type=Path, metavar="FILE")
    parser.add_argument("--roads", type=lambda text: [Path(word) for word in quality.words(text)], default=[])
    parser.add_argument("--solvers", type=quality.words, default=[*ENGINES, *PEERS])
    parser.add_argument("--seeds", type=quality.numbers, default=list(SEEDS))
    parser.add_argument("--seconds", type=float, help="for each run, in place of each part's own")
    parser.add_argument("--sizes", type=quality.numbers, default=list(speed.SIZES), help="of speed")
    parser.add_argument("--most", type=int, help="at most so many problems of each part")
    parser.add_argument("--repeats", type=int, default=1, help="further tries for a disturbed run")
    parser.add_argument("--dry", action="store_true", help="only say how long it will take")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, then write the page."""
    parser = parser_of_arguments()
    args = parser.parse_args(arguments)
    if unknown := sorted(set(args.only) - set(NAMES)):
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    found = runners(args.solvers)
    sources = Sources(args.instances, best_file(args.instances, args.best), tuple(args.roads))
    tasks = tasks_of(args, sources, found)
    searching = args.seconds or 5.0
    speed_out = args.folder / f"{SPEED}.jsonl"
    firsts = {name: runner for name, runner in found.items() if name in speed.FIRST_SOLVERS}
    proofs = min(speed.PROVED, args.most or speed.PROVED)
    todo = list(speed.jobs(args.sizes, firsts, seconds=searching, seeds=args.seeds, proofs=proofs))
    todo = todo if SPEED in args.only else []
    known = {key_of(row) for row in rows_in(speed_out)}
    announce(tasks, sum(key_of(head) not in known for head, _ in todo), searching)
    if args.dry:
        return
    for row in speed.rows_of(todo, speed_out):
        print(speed.line_of(row), file=sys.stderr, flush=True)
    for task in tasks:
        print(f"{task.part.name}: {task.missing()} runs", file=sys.stderr, flush=True)
        for _ in quality.rows_of(task.cases, task.solvers, task.orders, task.out):
            pass
    page.write(args.page, sorted(args.folder.glob("*.jsonl")))


if __name__ == "__main__":
    main()
