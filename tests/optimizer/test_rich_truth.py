"""Days with every feature: the fast engine held against the checker, and against trying everything."""

from collections.abc import Iterator
from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.fuzzed_days import wrong_with
from optimizer import Budget, Problem, Visit, check, solve
from optimizer.engines.base import engine
from optimizer.errors import InfeasibleRoute
from optimizer.planned import as_planned
from optimizer.schedule import Sequences, retimed
from optimizer.validate import errors_in
from tests.optimizer.brute_force import cents
from tests.optimizer.rich_days import rich_days
from tests.optimizer.side_days import KINDS, side_day

FEW, DAYS = 5, 8
"""Visits of a day of which every order on every shift is tried."""


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(problem=rich_days())
def test_whatever_hypothesis_thinks_of_is_planned_without_a_fault(problem: Problem) -> None:
    """No rule broken, every term exact, nothing lost, nothing unexplained."""
    assert errors_in(problem) == []
    result = solve(problem, Budget(solutions=200), engine="ruin")
    assert list(wrong_with(problem, result)) == []


def all_plans(problem: Problem) -> Iterator[Sequences]:
    """Every way to share out the visits, some left out, in every order."""
    names = [technician.id for technician in problem.technicians]
    for chosen in product([None, *names], repeat=len(problem.visits)):
        mine = {
            name: [v for v, who in zip(problem.visits, chosen, strict=True) if who == name] for name in names
        }
        busy = {name: visits for name, visits in mine.items() if visits}
        for orders in product(*(permutations(visits) for visits in busy.values())):
            yield dict(zip(busy, orders, strict=True))


def cheapest(problem: Problem) -> int:
    """Price of the cheapest plan that breaks no rule."""
    best = cents(problem, retimed(problem, {}))
    for sequences in all_plans(problem):
        try:
            plan = retimed(problem, sequences)
        except InfeasibleRoute:
            continue
        price = cents(problem, plan)
        if price < best and not check(problem, plan):
            best = price
    return best


def small(kind: str, seed: int) -> Problem:
    """A day with ties of one kind, cut down to a few visits and two people."""
    problem = as_planned(side_day(kind, seed))
    kept: tuple[Visit, ...] = problem.visits[:FEW]
    names = {visit.id for visit in kept}
    return Problem(
        problem.day,
        problem.technicians[:2],
        tuple(v for v in kept if all(after.visit_id in names for after in v.after)),
        problem.matrix,
        policy=problem.policy,
        depots=problem.depots,
        traffic=problem.traffic,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_tiny_days_with_ties_are_planned_as_well_as_by_trying_everything(kind: str) -> None:
    """All but one at most; of chains of visits that wait for one another the loops do not try every order."""
    worse = 0
    for seed in range(DAYS):
        problem = small(kind, seed)
        result = engine("ruin").solve(problem, budget=Budget(solutions=20_000), seed=seed)
        assert result.stats["engine"] == "ruin"
        assert check(problem, result.plan) == []
        worse += result.cost > cheapest(problem)
    assert worse <= 1
