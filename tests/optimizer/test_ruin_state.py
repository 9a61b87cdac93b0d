"""What the loops keep between iterations is what timing all anew gives: clocks, prices, places known."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from optimizer import Budget, Problem
from optimizer.engines.ruin import memory, search
from optimizer.engines.ruin.arrays import day_of
from optimizer.engines.ruin.layout import BREAKS, DRIVER, LEAVE_OUT, LEFT, PRICE
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.run import Run
from optimizer.units import NEVER
from tests.optimizer.test_ruin import covered_day, plain_day

Maker: TypeAlias = Callable[[int], Problem]
HEATS = (3_000.0, 300.0, 1.0)
"""Hot, so that nearly everything is kept, to cold, so that nearly everything is undone."""


def searched(problem: Problem, seed: int, heat: float, rounds: int = 150) -> Run:
    """A search amidst its work at one temperature."""
    run = Run(day_of(problem), Budget(solutions=10**6), seed, lambda *_: None, lambda: False)
    run.begin([])
    search.anneal(run.day, run.routes, run.memory, run.pool, heat, 1.0, 0.1, rounds)
    return run


def orders_of(run: Run) -> list[tuple[int, list[int]]]:
    """Technicians with the nodes of their stops as they are now."""
    visits, found = run.day.visits, []
    for who in range(run.day.people):
        nodes, node = [], int(run.routes.links[visits + who, 0])
        while node < visits:
            nodes.append(node)
            node = int(run.routes.links[node, 0])
        found.append((who, nodes))
    return found


@pytest.mark.parametrize("heat", HEATS)
@pytest.mark.parametrize("make", [plain_day, covered_day])
@pytest.mark.parametrize("seed", range(12))
def test_routes_changed_and_undone_by_parts_are_as_timed_anew(make: Maker, seed: int, heat: float) -> None:
    run = searched(make(seed), seed, heat)
    kept, anew = run.routes, run.laid(orders_of(run))
    served = anew.links[:, DRIVER] >= 0
    assert (kept.links[: run.day.visits, DRIVER] == anew.links[: run.day.visits, DRIVER]).all()
    assert (kept.tours == anew.tours).all()
    assert (kept.links[served] == anew.links[served]).all()
    for moments in (kept.times, anew.times):
        np.clip(
            moments, -NEVER // 2, NEVER // 2, out=moments
        )  # beyond, a moment is never, whatever its number
    states = run.day.limits.shape[1]
    taken = run.day.crew[:, BREAKS][kept.links[served][:, DRIVER]]  # further columns belong to nobody
    told = np.tile(np.arange(states) <= taken[:, None], 3)
    assert (kept.times[: served.size][served] == anew.times[: served.size][served])[told].all()
    missed = run.memory.absent[: run.memory.numbers[memory.ABSENT]]
    assert sorted(missed.tolist()) == np.flatnonzero(anew.links[: run.day.visits, DRIVER] < 0).tolist()
    left_out = run.day.nodes[missed, LEAVE_OUT].sum()
    assert run.memory.numbers[memory.TOTAL] == anew.tours[:, PRICE].sum() + left_out


@pytest.mark.parametrize("heat", HEATS)
@pytest.mark.parametrize("make", [plain_day, covered_day])
def test_what_a_visit_is_known_to_cost_in_a_route_is_what_it_costs(make: Maker, heat: float) -> None:
    compared = 0
    for seed in range(8):
        run = searched(make(seed), seed, heat)
        known, drivers = run.memory.known, run.routes.links[: run.day.visits, DRIVER]
        for who, nodes in orders_of(run):
            is_known = (known[:, who, memory.STAMP] == run.memory.stamps[who]) & (drivers != who)
            for visit in np.flatnonzero(is_known).tolist():
                cost, behind, _ = known[visit, who].tolist()
                price = cheapest_by_laying(run, who, nodes, visit)
                assert price == cost if behind >= 0 else price >= run.day.nodes[visit, LEAVE_OUT]
                compared += 1
    assert compared > 20


def cheapest_by_laying(run: Run, who: int, nodes: list[int], visit: int) -> int:
    """Price of a visit at its best place in a route, found by laying the route with it everywhere."""
    day = run.day
    before = run.laid([(who, nodes)]).tours[who]
    if (day.use[visit] > before[LEFT:]).any():
        return IMPOSSIBLE
    ways = ([*nodes[:at], visit, *nodes[at:]] for at in range(len(nodes) + 1))
    return int(min(run.laid([(who, way)]).tours[who, PRICE] for way in ways) - before[PRICE])
