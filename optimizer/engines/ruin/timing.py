"""
The clock of one route in compiled loops: the same arithmetic as ``optimizer.timing``, on arrays.

``times`` holds for every node the earliest end of service by number of breaks taken (as ``forward`` in
``timing.Track``), the latest start that the rest of the day bears (``backward``), and the same without
overtime; one insertion is judged from them without driving the route again. The arrays are those of
``arrays.Day`` and ``arrays.Routes``, passed one by one to functions that are not compiled into their callers.
"""

from optimizer.engines.ruin.compiling import inner
from optimizer.engines.ruin.layout import (
    BREAKS,
    EARLIEST,
    FIRST_WINDOW,
    LATEST,
    LENGTH,
    OVERTIME,
    REST,
    SHIFT_END,
    WINDOWS,
    Table,
    Whole,
)
from optimizer.units import NEVER

FIRM, CALM = 1, 2
"""An insertion that only overtime makes possible, and one without."""


@inner
def crossed(rests: Table, who: int, ready: int, travel: int, taken: int, then: int) -> int:
    """Moment when a drive and the breaks ``taken`` to ``then`` on its way are over; NEVER when too late."""
    now, left = ready, travel
    for at in range(taken, then):
        begin = max(now, rests[who, at, EARLIEST])
        if begin > rests[who, at, LATEST]:
            return NEVER
        left = max(0, left - (begin - now))
        now = begin + rests[who, at, REST]
    return now + left


@inner
def crossed_back(rests: Table, who: int, deadline: int, travel: int, taken: int, then: int) -> int:
    """Latest moment to set out so that drive and breaks are over by a deadline; -NEVER when impossible."""
    now, left = deadline, travel
    for at in range(then - 1, taken - 1, -1):
        begin = min(now - rests[who, at, REST], rests[who, at, LATEST])
        if begin < rests[who, at, EARLIEST]:
            return -NEVER
        left = max(0, left - (now - begin - rests[who, at, REST]))
        now = begin
    return now - left


@inner
def arrival(rests: Table, times: Whole, who: int, node: int, travel: int, taken: int) -> int:
    """Earliest arrival with so many breaks taken, coming from a node."""
    best = times[node, taken] + travel
    for before in range(taken):
        if times[node, before] < NEVER:
            best = min(best, crossed(rests, who, times[node, before], travel, before, taken))
    return best


@inner
def departure(
    rests: Table, times: Whole, who: int, count: int, node: int, column: int, travel: int, taken: int
) -> int:
    """Latest departure for a node with so many breaks taken of ``count``; ``column`` is its block's first."""
    best = times[node, column + taken] - travel
    for then in range(taken + 1, count + 1):
        if times[node, column + then] > -NEVER // 2:
            best = max(best, crossed_back(rests, who, times[node, column + then], travel, taken, then))
    return best


@inner
def service_start(nodes: Whole, visit: int, moment: int) -> int:
    """Earliest start of service for an arrival; NEVER when every window is missed."""
    count = nodes[visit, WINDOWS]
    if count == 0:
        return moment
    for at in range(FIRST_WINDOW, FIRST_WINDOW + 2 * count, 2):
        if moment <= nodes[visit, at + 1]:
            return max(moment, nodes[visit, at])
    return NEVER


@inner
def latest_service_start(nodes: Whole, visit: int, deadline: int) -> int:
    """Latest start of service not after a deadline; -NEVER when every window opens later."""
    count = nodes[visit, WINDOWS]
    if count == 0:
        return deadline
    best = -NEVER
    for at in range(FIRST_WINDOW, FIRST_WINDOW + 2 * count, 2):
        if nodes[visit, at] <= deadline:
            best = max(best, min(deadline, nodes[visit, at + 1]))
    return best


@inner
def verdict(
    nodes: Whole,
    crew: Whole,
    rests: Table,
    times: Whole,
    who: int,
    visit: int,
    before: int,
    there: int,
    after: int,
    onward: int,
) -> int:
    """Whether a visit has time between two nodes, so many seconds away: 0, ``FIRM`` or ``CALM``."""
    states = times.shape[1] // 3
    count = crew[who, BREAKS]
    found = 0
    for taken in range(count + 1):
        moment = arrival(rests, times, who, before, there, taken)
        start = service_start(nodes, visit, moment) if moment < NEVER else NEVER
        if start >= NEVER:
            continue
        end = start + nodes[visit, LENGTH]
        if end <= departure(rests, times, who, count, after, states, onward, taken):
            if end <= departure(rests, times, who, count, after, 2 * states, onward, taken):
                return CALM
            found = FIRM
    return found


@inner
def step(
    nodes: Whole,
    crew: Whole,
    rests: Table,
    times: Whole,
    who: int,
    visit: int,
    origin: int,
    travel: int,
    row: int,
) -> None:
    """Drive so long from where the earliest ends are in row ``origin``, serve a visit and fill ``row``."""
    for taken in range(crew[who, BREAKS] + 1):
        moment = arrival(rests, times, who, origin, travel, taken)
        start = service_start(nodes, visit, moment) if moment < NEVER else NEVER
        times[row, taken] = start + nodes[visit, LENGTH] if start < NEVER else NEVER


@inner
def back_home(crew: Whole, rests: Table, limits: Whole, times: Whole, who: int, row: int, travel: int) -> int:
    """Earliest return that still lets the remaining breaks begin in time; NEVER when there is none."""
    best = NEVER
    for before in range(crew[who, BREAKS] + 1):
        if times[row, before] >= NEVER:
            continue
        for after in range(before, crew[who, BREAKS] + 1):
            moment = crossed(rests, who, times[row, before], travel, before, after)
            if moment <= limits[who, after]:
                best = min(best, moment)
    return best


@inner
def late_cents(crew: Whole, who: int, moment: int) -> int:
    """Price of a return, as ``overtime.route_cents`` rounds it."""
    over = max(0, moment - crew[who, SHIFT_END])
    return (over * crew[who, OVERTIME] + 30) // 60
