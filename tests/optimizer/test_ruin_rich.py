"""Rich days in the compiled loops: what an iteration leaves behind is what timing the routes anew says."""

import numpy as np
import pytest

from benchmarks.fuzzed_days import day_number, wrong_with
from optimizer import Budget, solve
from optimizer.engines.ruin import memory, search
from optimizer.engines.ruin.arrays import Routes, day_of
from optimizer.engines.ruin.layout import BREAKS, DRIVER, FOLLOWING, LEAVE_OUT, PRICE
from optimizer.engines.ruin.rich import HIGH, LOW
from optimizer.engines.ruin.run import Orders, Run
from optimizer.insertion import never_cancelled
from optimizer.planned import as_planned
from optimizer.problem import Problem
from tests.optimizer.rich_days import KINDS, rich_day

ITERATIONS, HEAT = 40, 3_000.0


def a_run(problem: Problem) -> Run:
    """A search about to begin."""
    return Run(day_of(problem), Budget(solutions=ITERATIONS), 3, lambda *_: None, never_cancelled)


def orders_in(run: Run) -> Orders:
    """The order of stops of each route."""
    orders, visits = [], run.day.visits
    for who in range(run.day.people):
        nodes, node = [], int(run.routes.links[visits + who, FOLLOWING])
        while node < visits:
            nodes.append(node)
            node = int(run.routes.links[node, FOLLOWING])
        orders.append((who, nodes))
    return orders


def assert_same_times(run: Run, anew: Routes, orders: Orders) -> None:
    """Every stop of the routes has the times of routes laid anew, for as many breaks as there are."""
    states = anew.times.shape[1] // 3
    for who, nodes in orders:
        taken = range(int(run.day.crew[who, BREAKS]) + 1)
        columns = [block * states + count for block in range(3) for count in taken]
        assert (run.routes.times[nodes][:, columns] == anew.times[nodes][:, columns]).all()


@pytest.mark.parametrize("seed", range(24))
def test_after_every_iteration_routes_are_as_if_timed_anew(seed: int) -> None:
    """Whether a change was kept or brought back; so is the price of the plan, which follows by changes."""
    problem = as_planned(rich_day(seed, kind=KINDS[seed % len(KINDS)], visits=24, technicians=5))
    problem = problem.with_locks(lock for lock in problem.locks if lock.sequence is None or lock.is_begun)
    run, other = a_run(problem), a_run(problem)
    run.begin(())
    for _ in range(ITERATIONS):
        search.anneal(run.day, run.routes, run.memory, run.pool, HEAT, 1.0, 0.1, 1)
        orders = orders_in(run)
        anew = other.laid(orders, run.day.rich.visit[:, LOW : HIGH + 1].copy())
        assert (run.routes.tours[:, PRICE] == anew.tours[:, PRICE]).all()
        if not run.day.rich.tied:  # a line between two visits moves what they might do
            assert_same_times(run, anew, orders)
        absent = np.flatnonzero(run.routes.links[: run.day.visits, DRIVER] < 0)
        missed = int(run.day.nodes[absent, LEAVE_OUT].sum())
        assert run.memory.numbers[memory.TOTAL] == int(anew.tours[:, PRICE].sum()) + missed


def test_a_start_that_is_not_bettered_keeps_the_bounds_of_its_moments() -> None:
    """What waits for a stop that has begun is laid again behind it, whichever plan was the best."""
    problem = day_number(5376)
    start = solve(problem, Budget(solutions=50), seed=5377, engine="ruin").plan
    result = solve(problem, Budget(solutions=2_000), seed=5376, engine="ruin", start=start)
    assert list(wrong_with(problem, result)) == []
