"""
What promising costs: every call of a generated day takes the first offer, against planning with hindsight.

``python -m benchmarks.offer_quality [--visits 300] [--technicians 40] [--seeds 5] [--seconds 60]``. The calls
come one after the other; each is promised the first of the offers in their order (R-303), in windows of two
hours. Then the day is planned as promised; the same with a plan that is improved after every call; and once
more as if every call had been known beforehand and customers took any window. Plans are compared only where
they serve the same number of visits. One row each.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.days import HOUR, field_day
from benchmarks.runs import tail
from optimizer import Budget, Problem, cost, solve
from optimizer.booking import open_oracle
from optimizer.plan import Plan
from optimizer.problem import Visit, Window

RESULTS = Path(__file__).parent / "results" / "offer-quality.jsonl"
ROUNDS = 2_000
"""Iterations after each call, as `dispatch.planning.tidying` gives a draft after the calls of a while."""
WINDOWS = tuple(Window(hour * HOUR, (hour + 2) * HOUR) for hour in range(8, 18, 2))


def taken(day: Problem, *, rounds: int = 0) -> tuple[Problem, Plan, int]:
    """
    The day as it is promised call by call, its plan as booked, and how many calls got no offer.

    With ``rounds`` the plan is improved by so many iterations after every call.
    """
    desk = open_oracle(replace(day, visits=()), Plan(()))
    turned_away = 0
    for visit in day.visits:
        offers = desk.quote(replace(visit, windows=()), WINDOWS)
        if offers:
            desk.commit(min(offers, key=lambda offer: (offer.extra_cost, offer.start)))
            if rounds:
                better = solve(desk.problem, Budget(solutions=rounds), start=desk.plan).plan
                desk = open_oracle(desk.problem, better)
        else:
            turned_away += 1
    return desk.problem, desk.plan, turned_away


def measured(seed: int, visits: int, technicians: int, seconds: float) -> dict[str, object]:
    """Costs of one day: as booked, planned as promised, and with hindsight."""
    day = field_day(seed, visits, technicians)
    free = replace(day, visits=tuple(_any_window(visit) for visit in day.visits))
    since = time.perf_counter()
    promised, booked, turned_away = taken(free)
    asked = time.perf_counter() - since
    kept, improved, _ = taken(free, rounds=ROUNDS)
    planned = solve(promised, Budget(seconds=seconds), seed=seed, start=booked).plan
    kept_planned = solve(kept, Budget(seconds=seconds), seed=seed, start=improved).plan
    hindsight = solve(free, Budget(seconds=seconds), seed=seed).plan
    rows = {
        "booked": (promised, booked),
        "planned": (promised, planned),
        "improved": (kept, improved),
        "improved_planned": (kept, kept_planned),
        "hindsight": (free, hindsight),
    }
    found: dict[str, object] = {
        "seed": seed,
        "visits": visits,
        "technicians": technicians,
        "seconds": seconds,
        "turned_away": turned_away,
        "booking_seconds": round(asked, 2),
    }
    for name, (problem, plan) in rows.items():
        found[f"{name}_cents"] = sum(cost(problem, plan).values())
        found[f"{name}_served"] = sum(len(route.stops) for route in plan.routes)
    return found


def _any_window(visit: Visit) -> Visit:
    """A visit whose customer takes any of the windows."""
    return replace(visit, windows=WINDOWS, optional=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every seed, write one row each and print the gap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=300)
    parser.add_argument("--technicians", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    for seed in range(1, args.seeds + 1):
        row = measured(seed, args.visits, args.technicians, args.seconds)
        with args.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"measure": "offer quality", **row, **tail()}) + "\n")
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
