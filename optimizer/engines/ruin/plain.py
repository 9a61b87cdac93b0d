"""The clock of a route on plain days: no breaks, at most one window a visit, one number for each moment."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, flat
from optimizer.engines.ruin.layout import (
    FIRST_WINDOW,
    FOLLOWING,
    LATE,
    LEFT,
    LENGTH,
    ONWARD,
    PRECEDING,
    PRICE,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.timing import late_cents
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
def bear_plainly(day: Day, routes: Routes, last: int, whole: bool) -> None:
    """Compute the latest starts from a stop back: of the whole route, or as far as they change."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    node, after = last, links[last, FOLLOWING]
    late, calm = times[after, 1], times[after, 2]
    while node < day.use.shape[0]:
        rest = seconds[place[node], place[after]] + nodes[node, LENGTH]
        opens, closes = nodes[node, FIRST_WINDOW], nodes[node, FIRST_WINDOW + 1]
        late, calm = min(late - rest, closes), min(calm - rest, closes)
        late, calm = late if late >= opens else -NEVER, calm if calm >= opens else -NEVER
        if not whole and node != last and times[node, 1] == late and times[node, 2] == calm:
            break
        times[node, 1], times[node, 2] = late, calm
        node, after = links[node, PRECEDING], node


@compiled
def retimed_about(day: Day, routes: Routes, who: int, visit: int) -> None:
    """Time a plain route anew about a visit just put in where it fits, as far as anything changes."""
    cents, place, links, tours = day.cents, day.place, routes.links, routes.tours
    before, after = links[visit, PRECEDING], links[visit, FOLLOWING]
    extra = day.pair[visit, who] - links[before, ONWARD] - tours[who, LATE]
    links[before, ONWARD] = cents[place[before], place[visit]]
    links[visit, ONWARD] = cents[place[visit], place[after]]
    for part in range(day.use.shape[1]):
        tours[who, LEFT + part] -= day.use[visit, part]
    moment = _driven_on(day, routes, visit)
    if moment >= 0:
        tours[who, LATE] = late_cents(day.crew, who, moment)
    bear_plainly(day, routes, visit, False)  # numba takes no names
    tours[who, PRICE] += extra + links[before, ONWARD] + links[visit, ONWARD] + tours[who, LATE]


@flat
def _driven_on(day: Day, routes: Routes, visit: int) -> int:
    """Compute earliest ends from a visit on; return the moment of the return, -1 when it stays as it was."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    node = links[visit, PRECEDING]
    now, here, node = times[node, 0], place[node], visit
    while node < day.use.shape[0]:
        now = max(now + seconds[here, place[node]], nodes[node, FIRST_WINDOW]) + nodes[node, LENGTH]
        if node != visit and now == times[node, 0]:
            return -1
        times[node, 0] = now
        here, node = place[node], links[node, FOLLOWING]
    return now + seconds[here, place[node]]


@compiled
def retimed_gaps(day: Day, routes: Routes, who: int, before: int, after: int, freed: int) -> None:
    """
    Time a plain route anew when stops between two nodes have been taken out, as far as anything changes.

    ``freed`` is the price of what has been taken out: the old drives from ``before`` to ``after`` and what
    the technician cost the visits beyond.
    """
    cents, place, links, tours = day.cents, day.place, routes.links, routes.tours
    node, price = before, 0
    while node != after:
        links[node, ONWARD] = cents[place[node], place[links[node, FOLLOWING]]]
        price += links[node, ONWARD]
        node = links[node, FOLLOWING]
    late = tours[who, LATE]
    moment = _driven_past(day, routes, who, before, after)
    if moment >= 0:
        tours[who, LATE] = late_cents(day.crew, who, moment)
    _bear_past(day, routes, before, after)
    tours[who, PRICE] += price - freed + tours[who, LATE] - late
    if moment >= NEVER:
        tours[who, PRICE] = IMPOSSIBLE


@flat
def _driven_past(day: Day, routes: Routes, who: int, before: int, after: int) -> int:
    """Compute earliest ends behind a node; return the moment of the return, -1 when it stays as it was."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    is_behind = False
    now, here, node = times[before, 0], place[before], links[before, FOLLOWING]
    while node < day.use.shape[0]:
        now = max(now + seconds[here, place[node]], nodes[node, FIRST_WINDOW])
        if now > nodes[node, FIRST_WINDOW + 1]:
            now = NEVER
        now += nodes[node, LENGTH]
        is_behind = is_behind or node == after
        if is_behind and now == times[node, 0]:
            return -1
        times[node, 0] = now
        here, node = place[node], links[node, FOLLOWING]
    now += seconds[here, place[node]]
    return now if now <= day.limits[who, 0] else NEVER


@flat
def _bear_past(day: Day, routes: Routes, before: int, after: int) -> None:
    """Compute the latest starts before a node, back to another and beyond it as far as they change."""
    seconds, place, nodes = day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    node, late, calm = links[after, PRECEDING], times[after, 1], times[after, 2]
    is_beyond = False
    while node < day.use.shape[0]:
        rest = seconds[place[node], place[after]] + nodes[node, LENGTH]
        opens, closes = nodes[node, FIRST_WINDOW], nodes[node, FIRST_WINDOW + 1]
        late, calm = min(late - rest, closes), min(calm - rest, closes)
        late, calm = late if late >= opens else -NEVER, calm if calm >= opens else -NEVER
        is_beyond = is_beyond or node == before
        if is_beyond and times[node, 1] == late and times[node, 2] == calm:
            break
        times[node, 1], times[node, 2] = late, calm
        node, after = links[node, PRECEDING], node
