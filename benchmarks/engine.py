"""
Speed of the planning engine on generated days: ``python -m benchmarks.engine [--seconds S] [--seed N]``.

Prints, for each size: the first plan by insertion, the plan after S seconds, and the time of one quote over
all technicians and eight windows. Every plan is judged by the checker. Figures are wall clock.
"""

import argparse
import platform
import statistics
import time

from benchmarks.days import HOUR, field_day
from optimizer import Budget, Plan, Problem, Window, check, cost, quote, solve
from optimizer.insertion import fill

SIZES = ((120, 15), (300, 35))


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
