"""
Ten thousand days nobody thought of, planned by both engines and judged by the checker:
``python -m benchmarks.fuzzed_days [--days 10000] [--minutes M] [--first N] [--rounds 2000] [--seconds 1]``.

Day N is always the same day. Every fifth is searched long enough for the master, without a clock; every
seventh begins from another plan, and is never to end dearer; every thirteenth is cancelled on the way, every
fiftieth searched by two processes. Days of at most eight open visits are planned without a clock as well,
unless they are cancelled, and the fast engine's plan is held against all others: a cheaper one is a fault
(``tests.optimizer.small_days`` says what that does not prove). What has been judged is kept in a state file,
so an interrupted campaign goes on where it stopped, unless the engine has changed since; a day that fails is
written as a problem file for ``truckroll optimise``.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.runs import tail
from benchmarks.sources import Sources
from optimizer import Budget, Problem, Result, check, cost, solve
from optimizer.engines.base import warm_up
from optimizer.planned import as_planned
from optimizer.validate import errors_in
from optimizer.wire import problem_from_json, problem_to_json, write
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.small_days import held_against_all, is_left_to_routing, is_small

RESULTS = Path(__file__).parent / "results" / "campaign.jsonl"
FOLDER = Path("build/campaign-engine")
MEASURE = "fuzzed days"
"""What its rows are called among others."""
ENGINES = ("ruin", "routing")
EVERY = {"master": 5, "start": 7, "cancel": 13, "processes": 50}
"""Which days are planned in another way than from nothing by one process until a limit is reached."""
START_ROUNDS, CANCEL_AFTER = 50, 20
"""Iterations for a plan to begin from; questions after which a search is cancelled."""
SOLUTION_ROUNDS = 40
"""A solution of OR-Tools takes as long as so many rounds of ours."""
HELD_AS = "held against all"
"""Figure of a plan: what a small day is counted as."""
ROUNDS_HELP = (
    f"iterations of the fast engine for a day; OR-Tools gets one solution for every {SOLUTION_ROUNDS} of "
    "them, which takes it about as long"
)
SAVE_EVERY = 20
"""Days between two writings of the state."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long each engine works on a day."""

    rounds: int = 2_000
    seconds: float | None = 1.0

    def budget(self, engine: str, number: int, *, is_clocked: bool = True) -> Budget:
        """The limits of one run."""
        seconds = self.seconds if is_clocked else None
        if engine != "ruin":
            return Budget(seconds=seconds, solutions=max(1, self.rounds // SOLUTION_ROUNDS))
        if number % EVERY["master"] == 0:
            return Budget(solutions=3 * self.rounds)
        if number % EVERY["processes"] == 1:
            return Budget(solutions=3 * self.rounds, processes=2)
        return Budget(seconds=seconds, solutions=self.rounds)


def day_number(number: int, *, most_visits: int = 60, most_technicians: int = 12) -> Problem:
    """The day of a number."""
    rng = random.Random(number)
    visits, technicians = rng.randint(5, most_visits), rng.randint(1, most_technicians)
    return rich_day(number, kind=KINDS[number % len(KINDS)], visits=visits, technicians=technicians)


def faults(
    problem: Problem, engine: str, effort: Effort, *, number: int = 1
) -> tuple[list[str], Result | None]:
    """What is wrong with an engine's plan of a day, in words; nothing should be."""
    found = [f"input: {finding}" for finding in errors_in(problem)]
    if found:
        return found, None
    if (
        engine == ENGINES[0]
        and problem_from_json(json.loads(json.dumps(problem_to_json(problem)))) != problem
    ):
        return ["the problem comes back from its file as another"], None
    try:
        start, result = _planned(problem, engine, effort, number)
    except Exception as error:  # noqa: BLE001  # whatever it is, the campaign writes it down and goes on
        return [f"{type(error).__name__}: {error}"], None
    if start is not None and result.cost > start.cost:
        return [f"begun from a plan of {start.cost} cents it ends at {result.cost}"], result
    wrong = list(wrong_with(problem, result))
    if engine == "ruin" and _is_held(problem, number):
        word, dearer = held_against_all(problem, result)
        wrong, result = [*wrong, *dearer], replace(result, stats={**result.stats, HELD_AS: word})
    return wrong, result


def _is_held(problem: Problem, number: int) -> bool:
    """Whether our plan of a day is to be the cheapest."""
    return number % EVERY["cancel"] != 0 and is_small(problem)


def _planned(problem: Problem, engine: str, effort: Effort, number: int) -> tuple[Result | None, Result]:
    """The plan to begin from, if the day is one of those, and the engine's own."""
    is_ours = engine == "ruin"
    answering = "routing" if is_ours and is_left_to_routing(problem) else engine
    start = None
    if is_ours and number % EVERY["start"] == 0:
        rounds = START_ROUNDS if answering == "ruin" else 1
        start = solve(problem, Budget(solutions=rounds), seed=number + 1, engine=engine)
    result = solve(
        problem,
        effort.budget(answering, number, is_clocked=not _is_held(problem, number)),
        seed=number,
        engine=engine,
        start=start.plan if start is not None else None,
        cancel=_Cancel(CANCEL_AFTER if number % EVERY["cancel"] == 0 else None),
    )
    return start, result


class _Cancel:
    """Answers no so many times, then yes; None: always no."""

    def __init__(self, after: int | None) -> None:
        self.left = after

    def __call__(self) -> bool:
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0


def wrong_with(problem: Problem, result: Result) -> Iterator[str]:
    """Rules broken, prices misstated, visits lost or left out without a reason."""
    plan = result.plan
    yield from (f"{v.code} {v.subject}: {v.message}" for v in check(problem, plan))
    prices = cost(problem, plan)
    for term in prices.keys() | result.cost_by_term.keys():
        if prices.get(term) != result.cost_by_term.get(term):
            yield f"{term}: engine {result.cost_by_term.get(term)}, checker {prices.get(term)} cents"
        stated = result.stats.get(f"model_{term}", prices.get(term))
        if stated != prices.get(term):
            yield f"{term}: the engine's model counts {stated}, the checker {prices.get(term)} cents"
    if result.stats.get("unstated"):
        yield f"OR-Tools counts {result.stats['unstated']} sixtieths of a cent that no term has stated"
    if result.stats["engine"] == "ruin" and result.stats.get("model_cost", result.cost) != result.cost:
        yield f"the arrays count {result.stats['model_cost']} cents, the checker {result.cost}"
    served = [stop.visit_id for route in plan.routes for stop in route.stops]
    told = [left.visit_id for left in plan.unserved]
    if sorted([*served, *told]) != sorted(visit.id for visit in as_planned(problem).visits):
        yield "visits are lost or doubled"
    for left in plan.unserved:
        if not (left.reason and left.sentence and left.action):
            yield f"visit {left.visit_id} is left out without a reason"


@dataclass(slots=True)
class State:
    """How far a campaign has come."""

    path: Path
    version: str
    next: int
    counts: Counter[str]
    failed: list[dict[str, Any]]
    seconds: float = 0.0

    @classmethod
    def at(cls, path: Path, first: int, version: str) -> "State":
        """The state in a file, or a new one where there is none of this version of the engine."""
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if kept.get("version") != version:
            return cls(path, version, first, Counter(), [])
        return cls(path, version, kept["next"], Counter(kept["counts"]), kept["failed"], kept["seconds"])

    def save(self) -> None:
        """Write it down."""
        write(
            self.path,
            {
                "version": self.version,
                "next": self.next,
                "counts": self.counts,
                "failed": self.failed,
                "seconds": round(self.seconds, 1),
            },
        )


def run(state: State, *, last: int, engines: Sequence[str], effort: Effort, until: float) -> None:
    """Judge days from where the state stands until the last, or until time is up."""
    while state.next < last and time.monotonic() < until:
        began = time.monotonic()
        number, problem = state.next, day_number(state.next)
        for engine in engines:
            since = time.monotonic()
            found, result = faults(problem, engine, effort, number=number)
            _count(state, engine, found, result, time.monotonic() - since)
            if found:
                name = state.path.parent / f"day-{number:05d}.json"
                write(name, problem_to_json(problem))
                state.failed.append({"day": number, "engine": engine, "faults": found[:5]})
                print(f"day {number} {engine}: {found[0][:300]} · {name}", flush=True)
        state.next += 1
        state.seconds += time.monotonic() - began
        if state.next % SAVE_EVERY == 0:
            state.save()
    state.save()


def _count(state: State, engine: str, found: list[str], result: Result | None, seconds: float) -> None:
    """Add one run to the figures."""
    counts = state.counts
    counts[f"{engine} runs"] += 1
    counts[f"{engine} faulty"] += bool(found)
    counts[f"{engine} milliseconds, longest"] = max(
        int(1000 * seconds), counts[f"{engine} milliseconds, longest"]
    )
    if result is not None:
        counts[f"{engine} answered by {result.stats['engine']}"] += 1
        counts[f"{engine} improved by the master"] += int(result.stats.get("combinations", 0)) > 0
        counts[f"{engine} searched by several"] += int(result.stats.get("processes", 1)) > 1
        counts[f"{engine} visits left out"] += len(result.plan.unserved)
        if HELD_AS in result.stats:
            counts[f"{engine} small days {result.stats[HELD_AS]}"] += 1
        counts[f"{engine} visits served"] += sum(len(route.stops) for route in result.plan.routes)


def _words(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e6, help="stop after so long; run again to go on")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=2_000, help=ROUNDS_HELP)
    parser.add_argument("--seconds", type=float, default=1.0, help="most seconds of each engine for a day")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="state, and days that fail")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of rows, one for each call")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign, print one line and write one row; 1 when any day failed."""
    args = _words(argv)
    engines = args.engines.split(",")
    args.folder.mkdir(parents=True, exist_ok=True)
    for engine in engines:
        warm_up(engine)
    version = Sources().digest_for(Path(__file__).resolve())
    state = State.at(args.folder / f"state-{args.first}.json", args.first, version)
    effort = Effort(args.rounds, args.seconds)
    until = time.monotonic() + 60 * args.minutes
    run(state, last=args.first + args.days, engines=engines, effort=effort, until=until)
    row = {
        "measure": MEASURE,
        "version": version,
        "first": args.first,
        "days": state.next - args.first,
        "rounds": args.rounds,
        "seconds_each": args.seconds,
        "seconds": round(state.seconds, 1),
        **dict(sorted(state.counts.items())),
        "failed_days": sorted({failed["day"] for failed in state.failed})[:50],
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("a", encoding="utf-8") as rows:
        rows.write(json.dumps({**row, **tail()}) + "\n")
    print(f"{row['days']} days, {len(row['failed_days'])} failed · {json.dumps(row)}")
    return 1 if state.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
