"""
Speed of the planning engine on generated days: ``python -m benchmarks.engine [--seconds S] [--seed N]``.

Prints, for each size: the first plan by insertion, the plan after S seconds, and the time of one quote over
all technicians and eight windows. Every plan is judged by the checker. Figures are wall clock.
"""

import argparse
import platform
import random
import statistics
import time
from datetime import date

from optimizer import (
    Break,
    Budget,
    Matrix,
    Plan,
    Problem,
    Technician,
    Visit,
    Window,
    check,
    cost,
    quote,
    solve,
)
from optimizer.insertion import fill

HOUR = 3600
SIZES = ((120, 15), (300, 35))


def field_day(seed: int, visits: int, technicians: int) -> Problem:
    """
    A day of service work in a square of 20 km: homes and sites uniform, 30 km/h, detour 1.3.

    Shifts 8-17 with a lunch break, durations 20-75 min, two-hour windows from 8 to 16; of three skills a
    technician holds two, and half of the visits need one.
    """
    rng = random.Random(seed)
    points = [(rng.uniform(0, 20_000), rng.uniform(0, 20_000)) for _ in range(visits + technicians)]
    metres = [[int(1.3 * ((a - c) ** 2 + (b - d) ** 2) ** 0.5) for c, d in points] for a, b in points]
    seconds = [[cell * 36 // 300 for cell in row] for row in metres]
    skills = ("gas", "cooling", "electric")
    shift, lunch = Window(8 * HOUR, 17 * HOUR), Break(11 * HOUR, 13 * HOUR, HOUR // 2)
    crew = tuple(
        Technician(
            f"t{i}", f"Technician {i}", visits + i, visits + i, shift, breaks=(lunch,),
            skills=dict.fromkeys(rng.sample(skills, 2), 1),
        )
        for i in range(technicians)
    )  # fmt: skip
    work = []
    for i in range(visits):
        opens = rng.choice(range(8, 15)) * HOUR
        needs = {rng.choice(skills): 1} if rng.random() < 0.5 else {}
        minutes = rng.randrange(20, 76)
        work.append(Visit(f"v{i}", i, 60 * minutes, (Window(opens, opens + 2 * HOUR),), skills=needs))
    return Problem(date(2026, 3, 2), crew, tuple(work), Matrix(seconds, metres))


def quote_milliseconds(problem: Problem, plan: Plan, *, rounds: int = 40) -> list[float]:
    """Time of quoting visits of the day anew in eight windows, arrays built each time."""
    windows = [Window(h * HOUR, (h + 2) * HOUR) for h in range(8, 16)]
    taken = []
    for visit in problem.visits[:rounds]:
        began = time.perf_counter()
        quote(problem, plan, visit, windows)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def line_for(seed: int, visits: int, technicians: int, *, seconds: float) -> str:
    """Measure one size."""
    problem = field_day(seed, visits, technicians)
    began = time.perf_counter()
    first = fill(problem, {})
    first_seconds = time.perf_counter() - began
    result = solve(problem, Budget(seconds=seconds), seed=seed)
    assert not check(problem, first)
    assert not check(problem, result.plan)
    quotes = quote_milliseconds(problem, result.plan)
    costs = cost(problem, first)
    return (
        f"{visits:>4} visits {technicians:>3} technicians | insertion {first_seconds:.2f} s: "
        f"{len(first.unserved)} unserved, travel {costs['travel']} | after {seconds:g} s: "
        f"{len(result.plan.unserved)} unserved, travel {result.cost_by_term['travel']} | quote, 8 windows: "
        f"median {statistics.median(quotes):.1f} ms, max {max(quotes):.1f} ms"
    )


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description="speed of the planning engine")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, seed {args.seed}")
    for visits, technicians in SIZES:
        print(line_for(args.seed, visits, technicians, seconds=args.seconds))


if __name__ == "__main__":
    main()
