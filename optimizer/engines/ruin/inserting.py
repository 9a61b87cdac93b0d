"""Recreate: put visits back where they cost least, in a changing order."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import is_kept, sought
from optimizer.engines.ruin.compiling import compiled, flat, inner, wide
from optimizer.engines.ruin.far import PLACE_TIED, PUT_IN_WAITING, call_for_nothing, call_for_truth
from optimizer.engines.ruin.layout import (
    ABLE,
    DRIVER,
    FIRST_WINDOW,
    FOLLOWING,
    LATE,
    LEAVE_OUT,
    LEFT,
    LENGTH,
    ONWARD,
    PRECEDING,
    PRICE,
    STOPS,
    UNABLE,
    WIDTH,
    WINDOWS,
)
from optimizer.engines.ruin.linking import link, unlink
from optimizer.engines.ruin.memory import (
    ABSENT,
    BEHIND,
    BEST,
    COST,
    KEPT,
    MISSED,
    ROUND,
    SAVED,
    STAMP,
    TOTAL,
    Chance,
    Search,
    below,
    chance,
    keep_best,
    overlooks,
    price_of_absent,
    save,
)
from optimizer.engines.ruin.plain import retimed_about
from optimizer.engines.ruin.rich import TIED
from optimizer.engines.ruin.routes import may_take, price_of, retimed

NEAR_ENOUGH = 150
"""Up to so many visits every position is tried; beyond, first those beside near visits."""
DEAREST = (1 << 31) - 1
"""Prices from here on are not remembered; such a visit is put in where a route is tried anew."""
REFRESHED = 50
"""On larger days so many stops of routes of which a visit's price is no longer known are tried at once."""
FAR_TRIED = 0.1
"""Share of the visits without a place near their neighbours for which every position is tried."""


@inner
def cheapest(day: Day, routes: Routes, search: Search, visit: int, blink: float) -> tuple[int, int]:
    """Technician and node behind which a visit costs least; technician -1 when it is not worth its price."""
    state = search.chance
    if day.rich.used:
        return sought(day, routes, state, visit, blink, day.nodes[visit, LEAVE_OUT], 0)
    if search.known.shape[0] > 0:
        return _everywhere(day, routes, search, visit, blink)
    bound, who, before = day.nodes[visit, LEAVE_OUT], -1, -1
    if day.use.shape[0] > NEAR_ENOUGH:
        bound, who, before = _near(day, routes, state, visit, blink, bound)
        if who < 0 and chance(state) > FAR_TRIED:
            return _on_idle_days(day, routes, visit, bound, who, before)
    if who < 0:
        bound, who, before = _anywhere(day, routes, state, visit, blink, bound)
    return _on_idle_days(day, routes, visit, bound, who, before)


@flat
def _everywhere(day: Day, routes: Routes, search: Search, visit: int, blink: float) -> tuple[int, int]:
    """
    Technician and node, of all places there are.

    What a visit costs in a route is remembered until that route is changed for good; routes changed in this
    iteration are tried anew. On larger days places beside near visits are tried first, and of what is no
    longer known only a part, from anywhere on.
    """
    tours, known, state, crew = routes.tours, search.known, search.chance, day.crew.shape[0]
    bound, found, behind, tried = day.nodes[visit, LEAVE_OUT], -1, -1, -1
    dearest, who, left = min(bound, DEAREST), 0, day.use.shape[0]
    if left > NEAR_ENOUGH:
        bound, found, behind = _near(day, routes, state, visit, blink, bound)
        who, left = below(state, crew), REFRESHED
    for _ in range(crew):
        who = who + 1 if who + 1 < crew else 0
        if tours[who, STOPS] == 0:
            if day.kind[who] != tried and may_take(day, routes, who, visit):
                tried = day.kind[who]
                node = day.use.shape[0] + who
                price = price_of(day, routes, who, visit, node, bound)
                if price < bound:
                    bound, found, behind = price, who, node
            continue
        if day.pair[visit, who] == UNABLE:
            continue
        if search.touched[who] == search.numbers[ROUND]:
            price, node = in_route(day, routes, who, visit, bound)
        else:
            if known[visit, who, STAMP] != search.stamps[who]:
                if left <= 0:
                    continue
                left -= tours[who, STOPS]
                price, node = in_route(day, routes, who, visit, dearest)
                known[visit, who, COST], known[visit, who, BEHIND] = min(price, DEAREST), node
                known[visit, who, STAMP] = search.stamps[who]
            price, node = wide(known[visit, who, COST]), wide(known[visit, who, BEHIND])
        if price < bound and node >= 0 and not overlooks(state, blink):
            bound, found, behind = price, who, node
    return found, behind


@inner
def in_route(day: Day, routes: Routes, who: int, visit: int, bound: int) -> tuple[int, int]:
    """Price of a visit at its best place in a route, and the node before it; -1 when all reach a bound."""
    links, times, cents, place = routes.links, routes.times, day.cents, day.place
    visits, found = day.use.shape[0], -1
    for part in range(day.use.shape[1]):
        if day.use[visit, part] > routes.tours[who, LEFT + part]:
            return bound, found
    closes, here = day.nodes[visit, FIRST_WINDOW + 1], place[visit]
    extra = day.pair[visit, who] - routes.tours[who, LATE]
    for at in range(FIRST_WINDOW + 3, FIRST_WINDOW + 2 * day.nodes[visit, WINDOWS], 2):
        closes = max(closes, day.nodes[visit, at])
    node = visits + who
    while times[node, 0] <= closes:
        after = links[node, FOLLOWING]
        least = cents[here, place[after]] - links[node, ONWARD] + extra  # nearly always enough to tell
        if least < bound:
            price = price_of(day, routes, who, visit, node, bound)
            if price < bound:
                bound, found = price, node
        node = after
        if node >= visits:
            break
    return bound, found


@flat
def _near(
    day: Day, routes: Routes, state: Chance, visit: int, blink: float, bound: int
) -> tuple[int, int, int]:
    """Price, technician and node, tried beside the nearest visits."""
    links, beside = routes.links, day.beside
    found, behind = -1, -1
    half = beside.shape[1] // 2
    for at in range(2 * half):
        node = beside[visit, at]
        if node < 0:
            continue
        who = links[node, DRIVER]
        if who < 0 or not may_take(day, routes, who, visit):
            continue
        if at >= half:
            node = links[node, PRECEDING]
        price = price_of(day, routes, who, visit, node, bound)
        if price < bound and not overlooks(state, blink):
            bound, found, behind = price, who, node
    return bound, found, behind


@flat
def _anywhere(
    day: Day, routes: Routes, state: Chance, visit: int, blink: float, bound: int
) -> tuple[int, int, int]:
    """Price, technician and node, tried at every position of the routes in use."""
    links, times, tours, visits = routes.links, routes.times, routes.tours, day.use.shape[0]
    found, behind = -1, -1
    closes = day.nodes[visit, FIRST_WINDOW + 1]
    for at in range(FIRST_WINDOW + 3, FIRST_WINDOW + 2 * day.nodes[visit, WINDOWS], 2):
        closes = max(closes, day.nodes[visit, at])
    for who in range(day.crew.shape[0]):
        if tours[who, STOPS] == 0 or not may_take(day, routes, who, visit):
            continue
        node = visits + who
        while times[node, 0] <= closes:
            price = price_of(day, routes, who, visit, node, bound)
            if price < bound and not overlooks(state, blink):
                bound, found, behind = price, who, node
            node = links[node, FOLLOWING]
            if node >= visits:
                break
    return bound, found, behind


@flat
def _on_idle_days(
    day: Day, routes: Routes, visit: int, bound: int, found: int, behind: int
) -> tuple[int, int]:
    """Technician and node at which a visit costs less than found so far, tried on idle days of every kind."""
    tours, kind = routes.tours, day.kind
    tried = -1
    for who in range(day.crew.shape[0]):
        if tours[who, STOPS] > 0 or kind[who] == tried:
            continue
        tried = kind[who]
        if not may_take(day, routes, who, visit):
            continue
        node = day.use.shape[0] + who
        price = price_of(day, routes, who, visit, node, bound)
        if price < bound:
            bound, found, behind = price, who, node
    return found, behind


@inner
def _farness(day: Day, visit: int) -> int:
    """Price of the way to a visit that is neither near nor far."""
    other = day.near[visit, day.near.shape[1] // 2]
    return day.cents[day.place[visit], day.place[other]]


@inner
def key_of(day: Day, search: Search, visit: int, order: int) -> float:
    """What a visit is sorted by, smallest first."""
    if order < 3:
        return chance(search.chance)
    if order < 6:
        return float(day.nodes[visit, ABLE]) + chance(search.chance)
    if order == 6:
        return -float(day.nodes[visit, LENGTH])
    if order == 7:
        return float(day.nodes[visit, WIDTH])
    if order == 8:
        return -float(day.nodes[visit, LEAVE_OUT]) + chance(search.chance)
    if order == 9:
        return -float(_farness(day, visit))
    return float(day.nodes[visit, FIRST_WINDOW])


@flat
def put_in(day: Day, routes: Routes, who: int, visit: int, before: int) -> None:
    """Put a visit behind a node of a route where it fits."""
    link(routes.links, routes.tours, who, visit, before)
    if day.plain:
        retimed_about(day, routes, who, visit)
    else:
        retimed(day, routes, who)


@inner
def _put_in_order(day: Day, search: Search, turns: int, order: int) -> None:
    """Write the first of the absent to ``waiting``, sorted."""
    for count in range(turns):
        visit = search.absent[count]
        key = key_of(day, search, visit, order)
        at = count
        while at > 0 and search.keys[at - 1] > key:
            search.keys[at], search.waiting[at] = search.keys[at - 1], search.waiting[at - 1]
            at -= 1
        search.keys[at], search.waiting[at] = key, visit


@inner
def _put_in(day: Day, routes: Routes, search: Search, visit: int, blink: float) -> bool:
    """Put a visit where it costs least; whether there is such a place."""
    if day.rich.tied and day.rich.visit[visit, TIED] > 0:
        return call_for_truth(day.rich.calls[PLACE_TIED], (day, routes, search, wide(visit)))
    who, before = cheapest(day, routes, search, visit, blink)
    if who < 0:
        return False
    save(day, routes, search, who)
    put_in(day, routes, who, visit, before)
    if day.rich.used and not is_kept(day, routes, who):
        unlink(routes.links, routes.tours, visit)
        retimed(day, routes, who)
        return False
    return True


@inner
def recreate(day: Day, routes: Routes, search: Search, blink: float, most: int) -> None:
    """Put back what waits, in a random kind of order; what fits nowhere or is not worth it stays out."""
    count = search.numbers[ABSENT]
    turns = min(count, most)
    if count > most:  # with many waiting, a random part of them has its turn
        for at in range(turns):
            swap = at + below(search.chance, count - at)
            search.absent[at], search.absent[swap] = search.absent[swap], search.absent[at]
    _put_in_order(day, search, turns, below(search.chance, 11))
    left = 0
    for at in range(turns):
        visit = search.waiting[at]
        if day.rich.tied and routes.links[visit, DRIVER] >= 0:
            continue  # put in with its team
        if not _put_in(day, routes, search, visit, blink):
            search.absent[left] = visit
            left += 1
    for at in range(turns, count):
        if routes.links[search.absent[at], DRIVER] < 0:
            search.absent[left] = search.absent[at]
            left += 1
    search.numbers[ABSENT] = left
    if day.rich.tied:
        call_for_nothing(day.rich.calls[PUT_IN_WAITING], (day, routes, search))


@compiled
def construct(day: Day, routes: Routes, search: Search, first: int, most: int) -> int:
    """Put in some of what is on no route; return how many of the absent have had their turn in vain."""
    search.numbers[ROUND] += 1
    search.numbers[SAVED] = search.numbers[KEPT] = 0
    count = search.numbers[ABSENT]
    left, until = first, min(count, first + most)
    for at in range(first, until):
        visit = search.absent[at]
        if day.rich.used:
            if routes.links[visit, DRIVER] < 0 and not _put_in(day, routes, search, visit, 0.0):
                search.absent[left] = visit
                left += 1
            continue
        bound, who, before = day.nodes[visit, LEAVE_OUT], -1, -1
        bound, who, before = _near(day, routes, search.chance, visit, 0.0, bound)
        if who < 0:
            bound, who, before = _anywhere(day, routes, search.chance, visit, 0.0, bound)
        who, before = _on_idle_days(day, routes, visit, bound, who, before)
        if who < 0:
            search.absent[left] = visit
            left += 1
            continue
        put_in(day, routes, who, visit, before)
    for at in range(until, count):
        search.absent[left + at - until] = search.absent[at]
    search.numbers[ABSENT] = left + count - until
    if day.rich.tied and until == count:
        call_for_nothing(day.rich.calls[PUT_IN_WAITING], (day, routes, search))
    missed = price_of_absent(day, search)
    search.numbers[TOTAL] = missed
    for who in range(day.crew.shape[0]):
        search.numbers[TOTAL] += routes.tours[who, PRICE]
    search.numbers[MISSED] = missed
    if search.numbers[TOTAL] < search.numbers[BEST]:
        keep_best(day, routes, search)
    return left
