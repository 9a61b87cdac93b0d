"""
Is the plan of a small day the cheapest there is? Held against all others, up to eight open visits.

First against ``cheaper_plan``, which rules most plans out by what their routes cost at least; where there are
few enough, against every plan as well, timed and judged one by one. Both serve every visit as early as it can
be served: that no plan becomes cheaper by letting tied visits wait is not proved. A visit that somebody has
locked to a place in a route and the plan serves is served by its rivals as well.
"""

from optimizer import Problem, Result, cost
from optimizer.engines.ruin.arrays import Uncovered, require_covered
from optimizer.every_plan import cheaper_plan, is_tiny
from optimizer.leading import led
from optimizer.planned import as_planned
from optimizer.schedule import retimed
from tests.optimizer.brute_force import cheapest_of_all, places_kept, plans_of

MOST_TRIED = 2_000
"""Plans of a day all of which are timed and judged."""
TRIED, PROVED, TOO_MANY = "tried in full", "proved", "with too many plans"
KEEPING, DEARER = "with a lock dearer than what is left out", "dearer than another plan"
"""What a small day is counted as."""


def is_small(problem: Problem) -> bool:
    """Whether all plans of a day may be looked at."""
    return is_tiny(as_planned(problem))


def is_left_to_routing(problem: Problem) -> bool:
    """Whether the fast engine leaves a day to the other."""
    day = as_planned(problem)
    try:
        require_covered(led(day) or day)
    except Uncovered:
        return True
    return False


def held_against_all(problem: Problem, result: Result) -> tuple[str, list[str]]:
    """What a small day is counted as by its plan, and what is wrong, in words."""
    day = as_planned(problem)
    kept, is_tried = places_kept(day, result.plan), plans_of(day) <= MOST_TRIED
    least = cheapest_of_all(day, serving=kept) if is_tried else None
    if least is not None and least < result.cost:
        return _dearer(result, least)
    found = cheaper_plan(day, result.cost)
    if found.sequences is None:
        return TRIED if is_tried else PROVED if found.is_whole else TOO_MANY, []
    if not kept <= {visit.id for route in found.sequences.values() for visit in route}:
        return TRIED if is_tried else KEEPING, []
    return _dearer(result, sum(cost(day, retimed(day, found.sequences)).values()))


def _dearer(result: Result, price: int) -> tuple[str, list[str]]:
    return DEARER, [f"not the cheapest plan: it costs {result.cost} cents, another one {price}"]
