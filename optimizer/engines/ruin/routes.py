"""Changing routes in compiled loops: take a visit out, put one in, and time a route anew."""

from optimizer.engines.ruin.compiling import compiled, inner
from optimizer.engines.ruin.layout import (
    BREAKS,
    DRIVER,
    FOLLOWING,
    IDLE,
    LATE,
    LEFT,
    LENGTH,
    PLACE,
    PRECEDING,
    PRICE,
    STOPS,
    UNABLE,
    Index,
    Table,
    Whole,
)
from optimizer.engines.ruin.timing import (
    CALM,
    back_home,
    departure,
    late_cents,
    latest_service_start,
    step,
    verdict,
)

TOO_DEAR = 1 << 60
"""Price of an insertion that is not possible."""


@inner
def retime(
    seconds: Index,
    cents: Index,
    nodes: Whole,
    crew: Whole,
    rests: Table,
    limits: Whole,
    pair: Whole,
    use: Whole,
    stock: Whole,
    links: Index,
    times: Whole,
    tours: Whole,
    who: int,
) -> None:
    """Compute the times and the price of one technician's day from the order of its stops."""
    visits, people = use.shape[0], crew.shape[0]
    for part in range(use.shape[1]):
        tours[who, LEFT + part] = stock[who, part]
    tours[who, LATE] = 0
    if tours[who, STOPS] == 0:
        tours[who, PRICE] = crew[who, IDLE]
        return
    price = 0
    node = visits + who
    place = nodes[node, PLACE]
    visit = links[node, FOLLOWING]
    while visit < visits:
        step(seconds, nodes, crew, rests, times, who, visit, node, place, visit)
        price += cents[place, nodes[visit, PLACE]] + pair[who, visit]
        for part in range(use.shape[1]):
            tours[who, LEFT + part] -= use[visit, part]
        node, place, visit = visit, nodes[visit, PLACE], links[visit, FOLLOWING]
    home = nodes[visits + people + who, PLACE]
    price += cents[place, home]
    moment = back_home(crew, rests, limits, times, who, node, seconds[place, home])
    tours[who, LATE] = late_cents(crew, who, moment)
    tours[who, PRICE] = price + tours[who, LATE]
    _bear(seconds, nodes, crew, rests, links, times, who, node, visits)


@inner
def _bear(
    seconds: Index,
    nodes: Whole,
    crew: Whole,
    rests: Table,
    links: Index,
    times: Whole,
    who: int,
    last: int,
    visits: int,
) -> None:
    """Compute the latest starts of a route from its last stop back."""
    states = times.shape[1] // 3
    count = crew[who, BREAKS]
    node = last
    while node < visits:
        after = links[node, FOLLOWING]
        travel = seconds[nodes[node, PLACE], nodes[after, PLACE]]
        for block in (states, 2 * states):
            for taken in range(count + 1):
                leave = departure(rests, times, who, count, after, block, travel, taken)
                times[node, block + taken] = latest_service_start(nodes, node, leave - nodes[node, LENGTH])
        node = links[node, PRECEDING]


@inner
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


@inner
def may_take(pair: Whole, use: Whole, tours: Whole, who: int, visit: int) -> bool:
    """Whether a technician may be sent and the van still carries the parts after all stops of the route."""
    if pair[who, visit] == UNABLE:
        return False
    for part in range(use.shape[1]):
        if use[visit, part] > tours[who, LEFT + part]:
            return False
    return True


@inner
def price_of(
    seconds: Index,
    cents: Index,
    nodes: Whole,
    crew: Whole,
    rests: Table,
    limits: Whole,
    pair: Whole,
    links: Index,
    times: Whole,
    tours: Whole,
    who: int,
    visit: int,
    before: int,
    bound: int,
) -> int:
    """Price of a visit behind a node of a route, ``TOO_DEAR`` if it cannot be or costs ``bound`` or more."""
    after = links[before, FOLLOWING]
    a, b, c = nodes[before, PLACE], nodes[visit, PLACE], nodes[after, PLACE]
    extra = cents[a, b] + cents[b, c] + pair[who, visit]
    is_used = tours[who, STOPS] > 0
    extra -= cents[a, c] + tours[who, LATE] if is_used else crew[who, IDLE]
    if extra >= bound:
        return TOO_DEAR
    kind = verdict(seconds, nodes, crew, rests, times, who, visit, before, after)
    if kind == 0:
        return TOO_DEAR
    if kind != CALM:
        extra += _late_with(
            seconds, nodes, crew, rests, limits, links, times, who, visit, before, pair.shape[1]
        )
    return extra if extra < bound else TOO_DEAR


@inner
def _late_with(
    seconds: Index,
    nodes: Whole,
    crew: Whole,
    rests: Table,
    limits: Whole,
    links: Index,
    times: Whole,
    who: int,
    visit: int,
    before: int,
    visits: int,
) -> int:
    """Price of the overtime of a route with the visit in it; the last two rows of ``times`` are scratch."""
    row = times.shape[0] - 2
    step(seconds, nodes, crew, rests, times, who, visit, before, nodes[before, PLACE], row)
    place, ahead = nodes[visit, PLACE], links[before, FOLLOWING]
    while ahead < visits:
        other = 2 * times.shape[0] - 3 - row
        step(seconds, nodes, crew, rests, times, who, ahead, row, place, other)
        row, place, ahead = other, nodes[ahead, PLACE], links[ahead, FOLLOWING]
    travel = seconds[place, nodes[ahead, PLACE]]
    return late_cents(crew, who, back_home(crew, rests, limits, times, who, row, travel))
