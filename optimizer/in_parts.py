"""
A day too large for one search: its parts are planned one after another, then parts that cross them.

One search over everything is better as long as it gets round: at 5,000 visits and ten seconds it still is, at
10,000 visits and twenty seconds the plan of parts costs an eighth less, and takes less memory.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from optimizer.check import cost
from optimizer.decompose import Part, borders, cut, joined, plan_of, problem_of, replaced
from optimizer.engines.base import Budget, Cancel, Engine, OnProgress, Progress, Result
from optimizer.insertion import mended, never_cancelled
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.schedule import Sequences, retimed

WHOLE_VISITS = 6_000
"""Up to so many visits one search plans the whole day."""
PART_VISITS = 2_500
LEAST_SECONDS = 0.1
"""A part that would be improved for less than this stays as it is."""
FIRST_SHARE = 0.6
"""Share of the budget for the parts; the rest is for the parts that cross them."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """
    What parts are planned with.

    engine
        Plans one part.
    seed
        Of every search.
    on_progress, cancel
        As in ``solve``.
    """

    engine: Engine
    seed: int = 0
    on_progress: OnProgress | None = None
    cancel: Cancel = never_cancelled

    def planned(self, problem: Problem, budget: Budget, start: Plan | None) -> Result:
        """Plan one part."""
        return self.engine.solve(problem, budget=budget, seed=self.seed, start=start, cancel=self.cancel)


def solve_in_parts(
    shop: Workshop,
    problem: Problem,
    budget: Budget,
    *,
    start: Plan | None = None,
    most_visits: int = PART_VISITS,
) -> Result:
    """Plan a day by parts; the plan is neither judged nor explained."""
    began = time.monotonic()
    end = None if budget.seconds is None else began + budget.seconds
    parts = cut(problem, most_visits, plan=start)
    first = _scaled(budget, FIRST_SHARE, end)
    results = list(_each(shop, problem, parts, budget=first, start=start))
    plan = joined(problem, [result.plan for result in results])
    solutions = sum(int(result.stats.get("solutions", 0)) for result in results)
    prices = cost(problem, plan)
    if shop.on_progress is not None:
        spent = time.monotonic() - began
        shop.on_progress(Progress(spent, sum(prices.values()), solutions, len(plan.unserved)))
    if not budget.is_reached(sum(prices.values())):
        crossing = cut(problem, most_visits, plan=plan, turn=1)
        rest = replace(_scaled(budget, 1 - FIRST_SHARE, end), target=budget.target)
        plan = improved(shop, problem, plan, crossing, budget=rest)
    stats: dict[str, int | float | str] = {
        "engine": str(results[0].stats.get("engine", "")) if results else "",
        "seconds": round(time.monotonic() - began, 3),
        "parts": len(parts),
        "solutions": solutions,
    }
    return Result(plan, cost(problem, plan), None, stats)


def polished(
    shop: Workshop,
    problem: Problem,
    plan: Plan,
    parts: Sequence[Part],
    *,
    budget: Budget,
    most_visits: int = PART_VISITS,
    turn: int = 1,
) -> Plan:
    """The plan with strips along the borders of its parts planned anew, while there is time; never dearer."""
    strips = borders(problem, plan, parts, most_visits=most_visits, turn=turn)
    return improved(shop, problem, plan, strips, budget=budget)


def improved(shop: Workshop, problem: Problem, plan: Plan, parts: Sequence[Part], *, budget: Budget) -> Plan:
    """
    The plan with some parts planned anew, each from what it has.

    Those that get no time stay, as do those to come once the whole plan is good enough.
    """
    results = _each(shop, problem, parts, budget=budget, start=plan, least=LEAST_SECONDS)
    for part, result in zip(parts, results, strict=False):
        plan = replaced(problem, plan, part, result.plan)
        if budget.target is not None and budget.is_reached(sum(cost(problem, plan).values())):
            break
    return plan


def laid(problem: Problem, sequences: Sequences) -> Plan:
    """A plan out of orders of visits, without what the problem no longer allows."""
    return retimed(problem, mended(problem, sequences))


def _each(
    shop: Workshop,
    problem: Problem,
    parts: Sequence[Part],
    *,
    budget: Budget,
    start: Plan | None,
    least: float = 0.0,
) -> Iterator[Result]:
    """Plan parts in turn, each with its share of what is left of the budget, until that is too little."""
    end = None if budget.seconds is None else time.monotonic() + budget.seconds
    left = sum(len(part.visits) for part in parts)
    solutions = budget.solutions
    for part in parts:
        share = len(part.visits) / max(1, left)
        left -= len(part.visits)
        if end is not None and share * (end - time.monotonic()) < least:
            return
        own = _scaled(replace(budget, solutions=solutions), share, end)
        if solutions is not None and own.solutions is not None:
            solutions = max(1, solutions - own.solutions)
        yield shop.planned(problem_of(problem, part), own, plan_of(start, part) if start else None)


def _scaled(budget: Budget, share: float, end: float | None) -> Budget:
    """A share of what is left of a budget; a target is one of the whole plan, not of a part."""
    seconds = None if end is None else max(0.05, share * (end - time.monotonic()))
    solutions = None if budget.solutions is None else max(1, round(share * budget.solutions))
    return Budget(seconds, solutions, budget.processes)
