"""
How well told chances hold:
``python -m benchmarks.chances [--days 40] [--learnt 10] [--visits 60] [--draws 60] [--seed 1] [--out FILE]``.

Days are generated, planned, and lived many times: every drive and every repair takes its planned time times
a skewed factor, part of which the whole day shares. The model learns mean and deviation of the factors from
some days and is judged on others, by the Brier score beside that of a fixed guess, and by a table of told
against seen.
"""

import argparse
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

from benchmarks.days import field_day
from benchmarks.runs import Row, tail, write
from dispatch.planning.chances import Spread, forecast
from optimizer import Budget, Plan, solve
from optimizer.plan import Route
from optimizer.problem import Window

MEASURE = "chances"
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
VISITS_EACH = 8
Told = tuple[float, bool]
"""A chance as it was told, and whether the arrival was in time."""


@dataclass(frozen=True, slots=True)
class Nature:
    """How long things really take: skewed, and slower altogether on some days."""

    travel_mean: float = 1.08
    travel_spread: float = 0.28
    work_mean: float = 1.03
    work_spread: float = 0.38
    day_spread: float = 0.08

    def drive(self, day: float, chance: random.Random) -> float:
        """Factor of a drive on such a day."""
        return day * skewed(self.travel_mean, self.travel_spread, chance)

    def work(self, day: float, chance: random.Random) -> float:
        """Factor of a repair on such a day."""
        return day * skewed(self.work_mean, self.work_spread, chance)


def skewed(mean: float, spread: float, chance: random.Random) -> float:
    """A log-normal factor with a mean and a deviation relative to it."""
    wide = math.log(1 + spread**2)
    return mean * math.exp(chance.gauss(-wide / 2, math.sqrt(wide)))


@dataclass(slots=True)
class Seen:
    """What was measured while days were lived, and the nature that they are lived under."""

    nature: Nature
    chance: random.Random
    drives: list[float]
    works: list[float]

    def spread(self) -> Spread:
        """Means and deviations, as the product measures them."""
        return Spread(fmean(self.drives), pstdev(self.drives), fmean(self.works), pstdev(self.works))


def planned(seed: int, visits: int, seconds: float) -> tuple[Plan, dict[str, Window]]:
    """A generated day, planned, and what was promised."""
    problem = field_day(seed, visits, max(1, visits // VISITS_EACH))
    plan = solve(problem, Budget(seconds=seconds), seed=seed).plan
    return plan, {visit.id: visit.windows[0] for visit in problem.visits}


def lived(route: Route, promised: dict[str, Window], seen: Seen, day: float) -> Iterator[tuple[str, bool]]:
    """Drive a route once: who is in time."""
    now = float(route.departure)
    before = route.departure
    for stop in route.stops:
        drive, work = seen.nature.drive(day, seen.chance), seen.nature.work(day, seen.chance)
        seen.drives.append(drive)
        seen.works.append(work)
        now += stop.travel * drive + max(0, stop.arrival - before - stop.travel)
        yield stop.visit_id, now <= promised[stop.visit_id].end
        now = max(now, promised[stop.visit_id].start) + (stop.end - stop.start) * work
        before = stop.end


def live(
    days: Sequence[tuple[Plan, dict[str, Window]]], draws: int, spread: Spread | None, seed: int
) -> tuple[Seen, list[Told]]:
    """Live days many times, and put what was told beside what happened."""
    seen = Seen(Nature(), random.Random(seed), [], [])
    told: list[Told] = []
    for plan, promised in days:
        chances = {
            visit: found.chance
            for route in plan.routes
            for visit, found in (forecast(route, promised, spread) if spread else {}).items()
        }
        for _ in range(draws):
            day = skewed(1.0, seen.nature.day_spread, seen.chance)
            for route in plan.routes:
                for visit, is_kept in lived(route, promised, seen, day):
                    if spread:
                        told.append((chances[visit], is_kept))
    return seen, told


def brier(told: Sequence[Told]) -> float:
    """Mean square of chance less outcome; 0 is clairvoyant."""
    return fmean((chance - is_kept) ** 2 for chance, is_kept in told)


def table(told: Sequence[Told]) -> list[Row]:
    """Told against seen, by bins of what was told."""
    rows, low = [], 0.0
    for high in EDGES:
        group = [pair for pair in told if low <= pair[0] < high or high == pair[0] == 1.0]
        if group:
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "told": round(fmean(chance for chance, _ in group), 4),
                    "seen": round(fmean(is_kept for _, is_kept in group), 4),
                    "arrivals": len(group),
                }
            )
        low = high
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Learn, judge, print and write one row."""
    parser = argparse.ArgumentParser(description="how well told chances hold")
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--learnt", type=int, default=10, help="days that the spread is measured on")
    parser.add_argument("--visits", type=int, default=60)
    parser.add_argument("--draws", type=int, default=60, help="how often each day is lived")
    parser.add_argument("--seconds", type=float, default=1.0, help="planning of each day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    args = parser.parse_args(arguments)
    made = [planned(args.seed + n, args.visits, args.seconds) for n in range(args.learnt + args.days)]
    seen, _ = live(made[: args.learnt], args.draws, None, args.seed)
    spread = seen.spread()
    _, told = live(made[args.learnt :], args.draws, spread, args.seed + 1)
    kept = fmean(is_kept for _, is_kept in told)
    row: Row = {
        "measure": MEASURE,
        "days": args.days,
        "learnt": args.learnt,
        "visits": args.visits,
        "draws": args.draws,
        "seed": args.seed,
        "brier": round(brier(told), 5),
        "brier_of_a_fixed_guess": round(kept * (1 - kept), 5),
        "kept": round(kept, 4),
        "table": table(told),
        **tail(),
    }
    write(args.out, row)
    print(json.dumps({name: row[name] for name in ("brier", "brier_of_a_fixed_guess", "kept")}))
    for line in row["table"]:
        print(f"{line['from']:.2f}-{line['to']:.2f}  told {line['told']:.3f}  seen {line['seen']:.3f}"
              f"  {line['arrivals']} arrivals")  # fmt: skip


if __name__ == "__main__":
    main()
