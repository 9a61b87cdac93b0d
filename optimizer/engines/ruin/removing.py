"""Ruin: take strings of neighbouring stops out of some routes, a whole route, or exchange two routes."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import may_take_richly, price_richly
from optimizer.engines.ruin.compiling import compiled, flat, inner, wide
from optimizer.engines.ruin.layout import DRIVER, FOLLOWING, LEFT, ONWARD, PRECEDING, STOPS
from optimizer.engines.ruin.linking import TOO_DEAR, link, unlink
from optimizer.engines.ruin.memory import ABSENT, ROUND, SAVED, Search, below, chance, clear, save
from optimizer.engines.ruin.plain import retimed_gaps
from optimizer.engines.ruin.rich import TIED
from optimizer.engines.ruin.routes import may_take, price_of, retimed

MEAN_REMOVAL = 10
"""Stops taken out in an iteration, on average."""
LARGE, LARGER = 0.1, 3.0
"""Share of iterations that take out more stops, and how many times as many."""
MOST_REMOVED = 50
LONGEST_STRING = 10
SPLIT = 0.5
"""Share of strings that leave some stops in their middle standing."""
ABOUT_ABSENT = 0.3
"""Share of iterations that make room around a visit on no route, if there is one."""
WHOLE_ROUTE, EXCHANGE = 0.03, 0.03
"""Share of iterations that take out a whole route, or exchange two technicians' routes."""


@inner
def remove_string(day: Day, routes: Routes, search: Search, visit: int, longest: float) -> None:
    """Take a string of stops around a visit out of its route."""
    who = routes.links[visit, DRIVER]
    save(day, routes, search, who)
    size = routes.tours[who, STOPS]
    length = 1 + below(search.chance, int(min(longest, size)))
    kept = 0
    if length > 1 and length < size and chance(search.chance) < SPLIT:
        kept = 1
        while length + kept < size and chance(search.chance) > SPLIT:
            kept += 1
    node = visit
    back = below(search.chance, length + kept)
    while back > 0 and routes.links[node, PRECEDING] < day.use.shape[0]:
        node = routes.links[node, PRECEDING]
        back -= 1
    skip_from = 1 + below(search.chance, length) if kept > 0 else length
    first = waiting = search.numbers[ABSENT]
    before = wide(routes.links[node, PRECEDING])
    freed = wide(routes.links[before, ONWARD])
    for at in range(length + kept):
        if node >= day.use.shape[0]:
            break
        freed += routes.links[node, ONWARD]
        after = routes.links[node, FOLLOWING]
        if not skip_from <= at < skip_from + kept:
            freed += day.pair[node, who]
            unlink(routes.links, routes.tours, node)
            search.absent[waiting] = node
            waiting += 1
        node = after
    search.numbers[ABSENT] = waiting
    if not day.plain or routes.tours[who, STOPS] == 0:
        retimed(day, routes, who)
        return
    for at in range(first, waiting):
        for part in range(day.use.shape[1]):
            routes.tours[who, LEFT + part] += day.use[search.absent[at], part]
    retimed_gaps(day, routes, who, before, node, freed)


@inner
def remove_route(day: Day, routes: Routes, search: Search, who: int) -> None:
    """Take all stops out of a route."""
    save(day, routes, search, who)
    visit = routes.links[day.use.shape[0] + who, FOLLOWING]
    while visit < day.use.shape[0]:
        search.absent[search.numbers[ABSENT]] = visit
        search.numbers[ABSENT] += 1
        visit = routes.links[visit, FOLLOWING]
    clear(day, routes, who)
    retimed(day, routes, who)


@compiled
def fits(day: Day, routes: Routes, who: int, visit: int, before: int) -> bool:
    """Whether there is time for a visit behind a node."""
    if day.rich.used:
        return price_richly(day, routes, who, visit, before, TOO_DEAR) < TOO_DEAR
    return price_of(day, routes, who, visit, before, TOO_DEAR) < TOO_DEAR


@flat
def _may_have(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a technician may be sent to a visit."""
    return may_take_richly(day, routes, who, visit) if day.rich.used else may_take(day, routes, who, visit)


@inner
def exchange(day: Day, routes: Routes, search: Search, one: int, other: int) -> None:
    """Let two technicians swap their routes; what the new one cannot do waits."""
    save(day, routes, search, one)
    save(day, routes, search, other)
    slots = search.numbers[SAVED]
    clear(day, routes, one)
    clear(day, routes, other)
    at = 0
    for slot in range(slots):
        size = search.saved_size[slot]
        who = other if search.saved_who[slot] == one else one
        retimed(day, routes, who)
        node = day.use.shape[0] + who
        for place in range(at, at + size):
            visit = search.saved_stops[place]
            is_tied = day.rich.tied and day.rich.visit[visit, TIED] > 0
            if not is_tied and _may_have(day, routes, who, visit) and fits(day, routes, who, visit, node):
                link(routes.links, routes.tours, who, visit, node)
                retimed(day, routes, who)
                node = visit
            else:
                search.absent[search.numbers[ABSENT]] = visit
                search.numbers[ABSENT] += 1
        at += size


@inner
def ruin(day: Day, routes: Routes, search: Search) -> None:
    """Take out strings from routes around a random visit, a whole route, or exchange two routes."""
    visits, crew = day.use.shape[0], day.crew.shape[0]
    drawn = chance(search.chance)
    seed = below(search.chance, visits)
    if search.numbers[ABSENT] > 0 and chance(search.chance) < ABOUT_ABSENT:
        seed = search.absent[below(search.chance, search.numbers[ABSENT])]
    mine = routes.links[seed, DRIVER]
    if mine >= 0 and drawn < WHOLE_ROUTE:
        remove_route(day, routes, search, mine)
        return
    if mine >= 0 and crew > 1 and not day.rich.shared and drawn < WHOLE_ROUTE + EXCHANGE:
        other = below(search.chance, crew - 1)
        exchange(day, routes, search, mine, other + (other >= mine))
        return
    used = 0
    for who in range(crew):
        used += routes.tours[who, STOPS] > 0
    mean = (visits - search.numbers[ABSENT]) / max(1, used)
    longest = min(float(LONGEST_STRING), max(1.0, mean))
    mean_removal = MEAN_REMOVAL * (LARGER if chance(search.chance) < LARGE else 1.0)
    strings = 1 + int(chance(search.chance) * (4.0 * mean_removal / (1.0 + longest) - 1.0))
    most = search.numbers[ABSENT] + MOST_REMOVED
    for at in range(day.near.shape[1]):
        visit = day.near[seed, at]
        who = routes.links[visit, DRIVER]
        if who < 0 or search.touched[who] == search.numbers[ROUND]:
            continue
        remove_string(day, routes, search, visit, longest)
        strings -= 1
        if strings <= 0 or search.numbers[ABSENT] >= most:
            break
