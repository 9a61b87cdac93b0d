"""The clock of a route on plain days: no breaks, at most one window a visit, one number for each moment."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat
from optimizer.engines.ruin.layout import FIRST_WINDOW, FOLLOWING, LENGTH, PRECEDING
from optimizer.units import NEVER


@flat
def drive_plainly(day: Day, routes: Routes, who: int) -> int:
    """Compute the earliest ends of a route from its first stop on; return the moment of the return."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times, visits = routes.links, routes.times, day.use.shape[0]
    node = visits + who
    now, here = times[node, 0], place[node]
    node = links[node, FOLLOWING]
    while node < visits:
        now = max(now + seconds[here, place[node]], nodes[node, FIRST_WINDOW])
        if now > nodes[node, FIRST_WINDOW + 1]:
            now = NEVER
        now += nodes[node, LENGTH]
        times[node, 0] = now
        here, node = place[node], links[node, FOLLOWING]
    now += seconds[here, place[node]]
    return now if now <= day.limits[who, 0] else NEVER


@flat
def bear_plainly(day: Day, routes: Routes, last: int) -> None:
    """Compute the latest starts of a route from its last stop back."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    node, after = last, links[last, FOLLOWING]
    late, calm = times[after, 1], times[after, 2]
    while node < day.use.shape[0]:
        rest = seconds[place[node], place[after]] + nodes[node, LENGTH]
        opens, closes = nodes[node, FIRST_WINDOW], nodes[node, FIRST_WINDOW + 1]
        late, calm = min(late - rest, closes), min(calm - rest, closes)
        late, calm = late if late >= opens else -NEVER, calm if calm >= opens else -NEVER
        times[node, 1], times[node, 2] = late, calm
        node, after = links[node, PRECEDING], node
