"""Exact answers where they are cheap: all plans of a tiny day."""

from collections.abc import Callable, Mapping

from optimizer.bounds.scope import scope_of
from optimizer.problem import Problem

MOST_VISITS = 8
"""Open visits of a day of which every plan is looked at."""
MOST_LABELS = 60_000


def is_exact(problem: Problem) -> bool:
    """Whether all rules and prices of the problem are in these models."""
    scope = scope_of(problem)
    return not scope.relaxed and not scope.unknown


Orders = list[tuple[int, tuple[int, ...]]]
"""Technicians, as numbers in the order of the problem, and the open visits each serves, likewise."""


def cheapest_orders(problem: Problem, cancel: Callable[[], bool] = lambda: False) -> Orders | None:
    """
    The cheapest plan of all; None for a day too large, with rules that are not in the model, or if cancelled.

    Every set of visits that a technician can serve is driven in its cheapest order, and of all ways to share
    out the visits the cheapest is taken.
    """
    from optimizer.bounds.sets import every_day
    from optimizer.bounds.ways import day_to_bound

    count = sum(not problem.is_begun(visit.id) for visit in problem.visits)
    if count > MOST_VISITS or not is_exact(problem):
        return None
    sight = day_to_bound(problem)
    if sight.uncounted:
        return None
    best: dict[int, tuple[int, Orders]] = {0: (0, [])}
    for kind in sight.kinds:
        days = None if cancel() else every_day(kind.way, MOST_LABELS)
        if days is None:
            return None
        for who in kind.crew:
            if cancel():
                return None
            best = _with(best, who, days)
    missed = sight.left_out.tolist()
    _, chosen = min(
        (price + sum(cents for node, cents in enumerate(missed) if not mask >> node & 1), orders)
        for mask, (price, orders) in best.items()
    )
    return chosen


def _with(
    best: dict[int, tuple[int, Orders]], who: int, days: Mapping[int, tuple[int, tuple[int, ...]]]
) -> dict[int, tuple[int, Orders]]:
    """For each set of visits the cheapest way to serve it, one more technician at hand."""
    grown = dict(best)
    for mask, (price, orders) in best.items():
        for more, (extra, order) in days.items():
            whole = mask | more
            if not mask & more and (whole not in grown or price + extra < grown[whole][0]):
                grown[whole] = price + extra, [*orders, (who, order)]
    return grown
