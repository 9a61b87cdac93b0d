"""Days with every feature: the fast engine held against the checker, and against trying everything."""

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.fuzzed_days import wrong_with
from optimizer import Budget, Problem, Visit, check, solve
from optimizer.engines.base import engine
from optimizer.every_plan import EveryPlan, Looked, cheaper_plan
from optimizer.planned import as_planned
from optimizer.schedule import retimed
from optimizer.validate import errors_in
from tests.optimizer.brute_force import cents, cheapest_of_all
from tests.optimizer.rich_days import KINDS as RICH_KINDS
from tests.optimizer.rich_days import rich_day, rich_days
from tests.optimizer.side_days import KINDS, side_day

FEW, DAYS = 5, 8
"""Visits of a day of which every order on every shift is tried."""


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(problem=rich_days())
def test_whatever_hypothesis_thinks_of_is_planned_without_a_fault(problem: Problem) -> None:
    """No rule broken, every term exact, nothing lost, nothing unexplained."""
    assert errors_in(problem) == []
    result = solve(problem, Budget(solutions=200), engine="ruin")
    assert list(wrong_with(problem, result)) == []


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
    """Every one, chains of visits that wait for one another included, and before the search has begun."""
    worse = {}
    for seed in range(DAYS):
        problem = small(kind, seed)
        result = engine("ruin").solve(problem, budget=Budget(solutions=1), seed=seed)
        assert result.stats["engine"] == "ruin"
        assert result.stats["model_cost"] == result.cost
        assert check(problem, result.plan) == []
        least = cheapest_of_all(problem)
        if least is not None and result.cost > least:
            worse[seed] = result.cost - least
    assert worse == {}


@pytest.mark.parametrize("kind", RICH_KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_looking_at_every_plan_finds_what_trying_everything_finds(seed: int, kind: str) -> None:
    """On days of all rules at once; and nothing where the cheapest plan is known."""
    problem = as_planned(rich_day(seed, kind=kind, visits=4, technicians=2))
    least = cheapest_of_all(problem)
    assert least is not None
    found = cheaper_plan(problem, 1 << 60)
    assert found.is_whole
    assert found.sequences is not None
    assert cents(problem, retimed(problem, found.sequences)) == least
    assert cheaper_plan(problem, least) == Looked(None, is_whole=True)
    for visit in problem.visits[:2]:
        found = cheaper_plan(problem, 1 << 50, serving=[visit.id])
        known = cheapest_of_all(problem, serving=[visit.id])
        sequences = found.sequences
        assert known == (None if sequences is None else cents(problem, retimed(problem, sequences)))


@pytest.mark.parametrize("kind", KINDS)
def test_all_plans_of_eight_visits_are_looked_at_and_none_is_cheaper(kind: str) -> None:
    for seed in range(4):
        problem = as_planned(side_day(kind, seed, visits=8))
        result = engine("ruin").solve(problem, budget=Budget(solutions=500), seed=seed)
        assert result.stats["engine"] == "ruin"
        assert cheaper_plan(problem, result.cost) == Looked(None, is_whole=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_look_broken_off_goes_on_where_it_was(seed: int) -> None:
    """As often as it takes; it finds what one look finds."""
    problem = as_planned(rich_day(seed, kind=RICH_KINDS[seed % len(RICH_KINDS)], visits=5, technicians=3))
    plans, known, turns, asked = EveryPlan(problem), 1 << 50, 0, 0

    def is_enough() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20 * (turns + 1)

    is_whole = False
    while not is_whole:
        asked, looked = 0, plans.on(known, is_enough)
        is_whole, turns = looked.is_whole, turns + 1
        if looked.sequences is not None:
            known = cents(problem, retimed(problem, looked.sequences))
    assert turns > 1
    assert cheaper_plan(problem, known) == Looked(None, is_whole=True)
    assert cheaper_plan(problem, known + 1).sequences is not None


def test_a_look_at_every_plan_ends_when_it_is_cancelled_or_the_day_is_larger() -> None:
    assert cheaper_plan(side_day("teams", 1, visits=8), 1 << 60, lambda: True) == Looked(None, is_whole=False)
    assert cheaper_plan(side_day("teams", 1, visits=9), 1 << 60) == Looked(None, is_whole=False)
