"""Putting a visit into the order of a route, and taking it out."""

from optimizer.engines.ruin.compiling import compiled, flat
from optimizer.engines.ruin.layout import DRIVER, FOLLOWING, PRECEDING, STOPS, Index, Whole

IMPOSSIBLE = 1 << 50
"""Price of a day that cannot be kept, so that no search accepts it."""
TOO_DEAR = 1 << 60
"""Price of an insertion that is not possible."""


@flat
def unlink(links: Index, tours: Whole, visit: int) -> None:
    """Take a visit out of its route; the route is to be timed again."""
    before, after = links[visit, PRECEDING], links[visit, FOLLOWING]
    links[before, FOLLOWING] = after
    links[after, PRECEDING] = before
    tours[links[visit, DRIVER], STOPS] -= 1
    links[visit, DRIVER] = -1


@compiled
def link(links: Index, tours: Whole, who: int, visit: int, before: int) -> None:
    """Put a visit behind a node of a route; the route is to be timed again."""
    after = links[before, FOLLOWING]
    links[before, FOLLOWING] = visit
    links[after, PRECEDING] = visit
    links[visit, PRECEDING] = before
    links[visit, FOLLOWING] = after
    links[visit, DRIVER] = who
    tours[who, STOPS] += 1
