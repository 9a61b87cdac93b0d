"""
Ruin and recreate in compiled loops: take strings of neighbouring stops out of some routes, put them back
greedily in a changing order, and keep the result by simulated annealing.

Written from the description of SISR (Christiaens and Vanden Berghe, *Slack Induction by String Removals for
Vehicle Routing Problems*, Transportation Science 54, 2020), with removal and exchange of whole routes and
with visits that few technicians may serve going first.
"""

import numpy as np

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled
from optimizer.engines.ruin.far import RELEASE, call_for_nothing
from optimizer.engines.ruin.inserting import recreate
from optimizer.engines.ruin.memory import (
    ABSENT,
    ACCEPTED,
    BEST,
    BEST_MISSED,
    KEPT,
    MISSED,
    ROUND,
    SAVED,
    TOTAL,
    Search,
    chance,
    keep_best,
    price_of_absent,
    price_of_changes,
    remember_bounds,
    stamp,
    undo,
)
from optimizer.engines.ruin.pool import Pool, collect
from optimizer.engines.ruin.removing import ruin

BLINK = 0.01
"""Share of positions that an insertion overlooks."""
SKIPPING, SKIPPED = 0.15, 0.4
"""Where visits depend on one another: how often so many are overlooked, since the cheapest place of one may
leave the others none."""
MOST_TRIED = 60
"""With more visits on no route, a random part of so many is tried in one iteration."""


@compiled
def anneal(
    day: Day, routes: Routes, search: Search, pool: Pool, heat: float, ease: float, margin: float, rounds: int
) -> None:
    """
    Do some iterations at one temperature, in cents.

    What is left out counts with ``ease`` of its price when a change is accepted or not: at full price no heat
    would ever let one visit make room for another. Routes of plans that cost at most ``margin`` of the best
    beyond it, so counted, go to the pool.
    """
    for _ in range(rounds):
        search.numbers[ROUND] += 1
        search.numbers[SAVED] = search.numbers[KEPT] = 0
        absent = search.numbers[ABSENT]
        for at in range(absent):
            search.former_absent[at] = search.absent[at]
        if day.rich.tied:
            remember_bounds(day)
        ruin(day, routes, search)
        if day.rich.tied:
            call_for_nothing(day.rich.calls[RELEASE], (day, routes, search))
        blink = BLINK
        if day.rich.tied and chance(search.chance) < SKIPPING:
            blink = SKIPPED
        recreate(day, routes, search, blink, MOST_TRIED)
        driven_before = search.numbers[TOTAL] - search.numbers[MISSED]
        driven = driven_before + price_of_changes(routes, search)
        missed = price_of_absent(day, search)
        before = driven_before + ease * search.numbers[MISSED]
        if driven + ease * missed < before - heat * np.log(chance(search.chance) + 1e-300):
            search.numbers[TOTAL] = driven + missed
            search.numbers[MISSED] = missed
            search.numbers[ACCEPTED] += 1
            stamp(day, routes, search)
            best_missed = search.numbers[BEST_MISSED]
            near_best = (1 + margin) * (search.numbers[BEST] - best_missed + ease * best_missed)
            if driven + ease * missed <= near_best:
                collect(day, routes, search, pool)
            if driven + missed < search.numbers[BEST]:
                keep_best(day, routes, search)
        else:
            undo(day, routes, search, absent)
