"""Changing routes in compiled loops: take a visit out, put one in, and time a route anew."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import retime_richly
from optimizer.engines.ruin.compiling import compiled, flat, inner
from optimizer.engines.ruin.layout import (
    BREAKS,
    FIRST_WINDOW,
    FOLLOWING,
    IDLE,
    LATE,
    LEFT,
    LENGTH,
    ONWARD,
    PRECEDING,
    PRICE,
    STOPS,
    UNABLE,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE, TOO_DEAR
from optimizer.engines.ruin.plain import bear_plainly, drive_plainly
from optimizer.engines.ruin.timing import (
    CALM,
    back_home,
    departure,
    late_cents,
    latest_service_start,
    step,
    verdict,
)
from optimizer.units import NEVER


@compiled
def retimed(day: Day, routes: Routes, who: int) -> None:
    """Compute the times and the price of one technician's day from the order of its stops."""
    if day.rich.used:
        retime_richly(day, routes, who)
        return
    cents, place, pair, use = day.cents, day.place, day.pair, day.use
    links, tours = routes.links, routes.tours
    visits = use.shape[0]
    for part in range(use.shape[1]):
        tours[who, LEFT + part] = day.stock[who, part]
    tours[who, LATE] = 0
    node = visits + who
    if tours[who, STOPS] == 0:
        links[node, ONWARD] = tours[who, PRICE] = day.crew[who, IDLE]
        return
    price = 0
    visit = links[node, FOLLOWING]
    while visit < visits:
        links[node, ONWARD] = cents[place[node], place[visit]]
        price += links[node, ONWARD] + pair[visit, who]
        for part in range(use.shape[1]):
            tours[who, LEFT + part] -= use[visit, part]
        node, visit = visit, links[visit, FOLLOWING]
    links[node, ONWARD] = cents[place[node], place[visit]]
    if day.plain:
        moment = drive_plainly(day, routes, who)
        bear_plainly(day, routes, node, True)  # numba takes no names
    else:
        moment = _drive(day, routes, who)
        _bear(day, routes, who, node)
    tours[who, LATE] = late_cents(day.crew, who, moment)
    tours[who, PRICE] = price + links[node, ONWARD] + tours[who, LATE] if moment < NEVER else IMPOSSIBLE


@flat
def _drive(day: Day, routes: Routes, who: int) -> int:
    """Compute the earliest ends of a route from its first stop on; return the moment of the return."""
    seconds, place, nodes, crew, rests = day.seconds, day.place, day.nodes, day.crew, day.rests
    links, times, visits = routes.links, routes.times, day.use.shape[0]
    node = visits + who
    visit = links[node, FOLLOWING]
    while visit < visits:
        step(nodes, crew, rests, times, who, visit, node, seconds[place[node], place[visit]], visit)
        node, visit = visit, links[visit, FOLLOWING]
    return back_home(crew, rests, day.limits, times, who, node, seconds[place[node], place[visit]])


@flat
def _bear(day: Day, routes: Routes, who: int, last: int) -> None:
    """Compute the latest starts of a route from its last stop back."""
    seconds, place, nodes, rests = day.seconds, day.place, day.nodes, day.rests
    links, times = routes.links, routes.times
    states = times.shape[1] // 3
    count = day.crew[who, BREAKS]
    node = last
    while node < day.use.shape[0]:
        after = links[node, FOLLOWING]
        travel = seconds[place[node], place[after]]
        for block in (states, 2 * states):
            for taken in range(count + 1):
                leave = departure(rests, times, who, count, after, block, travel, taken)
                times[node, block + taken] = latest_service_start(nodes, node, leave - nodes[node, LENGTH])
        node = links[node, PRECEDING]


@flat
def may_take(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a technician may be sent and the van still carries all parts, on a day that is not rich."""
    if day.pair[visit, who] == UNABLE:
        return False
    for part in range(day.use.shape[1]):
        if day.use[visit, part] > routes.tours[who, LEFT + part]:
            return False
    return True


@flat
def price_of(day: Day, routes: Routes, who: int, visit: int, before: int, bound: int) -> int:
    """
    Price of a visit behind a node of a route, ``TOO_DEAR`` if it cannot be or costs ``bound`` or more.

    For days that are not rich. Where breaks or several windows make the clock dear, the earliest arrival and
    the latest moment that the rest bears rule out most places before.
    """
    cents, seconds, place, nodes = day.cents, day.seconds, day.place, day.nodes
    links, times = routes.links, routes.times
    after = links[before, FOLLOWING]
    a, b, c = place[before], place[visit], place[after]
    extra = cents[a, b] + cents[b, c] - links[before, ONWARD]
    extra += day.pair[visit, who] - routes.tours[who, LATE]
    if extra >= bound:
        return TOO_DEAR
    there, onward = seconds[a, b], seconds[b, c]
    if day.plain:
        start = max(times[before, 0] + there, nodes[visit, FIRST_WINDOW])
        arrives = start + nodes[visit, LENGTH] + onward
        if start > nodes[visit, FIRST_WINDOW + 1] or arrives > times[after, 1]:
            return TOO_DEAR
        is_calm = arrives <= times[after, 2]
    else:
        start = max(times[before, 0] + there, nodes[visit, FIRST_WINDOW])
        latest = times[after, times.shape[1] // 3 + day.crew[who, BREAKS]]
        if start + nodes[visit, LENGTH] + onward > latest:
            return TOO_DEAR
        kind = verdict(nodes, day.crew, day.rests, times, who, visit, before, there, after, onward)
        if kind == 0:
            return TOO_DEAR
        is_calm = kind == CALM
    if not is_calm:
        extra += _late_with(day, routes, who, visit, before)
    return extra if extra < bound else TOO_DEAR


@inner
def _late_with(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """Price of the overtime of a route with the visit in it; the last two rows of ``times`` are scratch."""
    seconds, place, nodes, crew, rests = day.seconds, day.place, day.nodes, day.crew, day.rests
    links, times = routes.links, routes.times
    row = times.shape[0] - 2
    step(nodes, crew, rests, times, who, visit, before, seconds[place[before], place[visit]], row)
    node, ahead = visit, links[before, FOLLOWING]
    while ahead < day.use.shape[0]:
        other = 2 * times.shape[0] - 3 - row
        step(nodes, crew, rests, times, who, ahead, row, seconds[place[node], place[ahead]], other)
        row, node, ahead = other, ahead, links[ahead, FOLLOWING]
    travel = seconds[place[node], place[ahead]]
    return late_cents(crew, who, back_home(crew, rests, day.limits, times, who, row, travel))
