"""Where a route of a rich day goes by a depot, in compiled loops (as ``optimizer.fetching``)."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat, inner, wide
from optimizer.engines.ruin.driving import depot_place, drive_richly, step_to_depot
from optimizer.engines.ruin.layout import FOLLOWING, LEFT
from optimizer.engines.ruin.rich import BEHIND, DEPOT, FETCHED, PLACE, SHELF
from optimizer.units import NEVER

DIRECT, FROM_DEPOT, TO_DEPOT, BY_DEPOT = range(4)
"""Ways to a visit and on: without a depot, on from that of the route, on to it, by one before the visit."""


@inner
def give_back(day: Day, who: int) -> None:
    """Put what a route has fetched back on its shelf."""
    fetch, parts = day.rich.crew, day.use.shape[1]
    if fetch[who, BEHIND] < 0:
        return
    for part in range(parts):
        day.rich.depots[fetch[who, DEPOT], SHELF + parts + part] += fetch[who, FETCHED + part]
        fetch[who, FETCHED + part] = 0
    fetch[who, BEHIND] = -1


@inner
def take_again(day: Day, who: int) -> None:
    """Take from the shelf what a route has fetched, when it is brought back as it was."""
    fetch, parts = day.rich.crew, day.use.shape[1]
    if fetch[who, BEHIND] >= 0:
        for part in range(parts):
            day.rich.depots[fetch[who, DEPOT], SHELF + parts + part] -= fetch[who, FETCHED + part]


@inner
def has_all(day: Day, routes: Routes, who: int, depot: int, visit: int) -> bool:
    """Whether a depot has what a route is short of, with one more visit on it or none (-1)."""
    for part in range(day.use.shape[1]):
        left = routes.tours[who, LEFT + part]
        if visit >= 0:
            left -= day.use[visit, part]
        if -left > day.rich.depots[depot, SHELF + part]:
            return False
    return True


@inner
def drive_by_depot(day: Day, routes: Routes, who: int) -> int:
    """
    Drive a route that is short of parts the cheapest way by a depot that can be kept; NEVER when none can.

    The parts left in ``tours`` count what the van carries alone; ways are tried by their detour, then by
    their place in the route, then by the number of the depot.
    """
    fetch, first = day.rich.crew, _places_before_need(day, routes, who)
    price, position, depot = -(1 << 60), -1, -1
    while True:
        found, at, which, node = _next_way(day, routes, who, first, price, position, depot)
        if which < 0:
            fetch[who, BEHIND] = -1
            return NEVER
        price, position, depot = found, at, which
        fetch[who, BEHIND], fetch[who, DEPOT] = node, depot
        moment = drive_richly(day, routes, who)
        if moment < NEVER:
            return moment if _take(day, routes, who) else NEVER


@inner
def _places_before_need(day: Day, routes: Routes, who: int) -> int:
    """Number of stops before the first at which a part is short."""
    visits, parts = day.use.shape[0], day.use.shape[1]
    first = 1 << 30
    for part in range(parts):
        left, count = day.stock[who, part], 0
        visit = wide(routes.links[visits + who, FOLLOWING])
        while visit < visits:
            left -= day.use[visit, part]
            if left < 0 and day.use[visit, part] > 0:
                first = min(first, count)
                break
            count += 1
            visit = wide(routes.links[visit, FOLLOWING])
    return first


@inner
def _next_way(
    day: Day, routes: Routes, who: int, first: int, price: int, position: int, depot: int
) -> tuple[int, int, int, int]:
    """Detour, place, depot and node of the next dearer way by a depot than the one given."""
    links, place, cents = routes.links, day.place, day.cents
    best, at, which, behind = 1 << 60, -1, -1, -1
    for number in range(day.rich.depots.shape[0]):
        if not has_all(day, routes, who, number, -1):
            continue
        there = day.rich.depots[number, PLACE]
        node, count = day.use.shape[0] + who, 0
        while count <= first and node >= 0:
            after = wide(links[node, FOLLOWING])
            here, onward = wide(place[node]), wide(place[after])
            detour = wide(cents[here, there]) + cents[there, onward] - cents[here, onward]
            is_next = detour > price or (
                detour == price and (count > position or (count == position and number > depot))
            )
            is_better = detour < best or (detour == best and (count < at or (count == at and number < which)))
            if is_next and is_better:
                best, at, which, behind = detour, count, number, node
            node, count = after, count + 1
    return best, at, which, behind


@inner
def _take(day: Day, routes: Routes, who: int) -> bool:
    """Take what a route is short of from the shelf, if other routes have left so much."""
    fetch, depots, parts = day.rich.crew, day.rich.depots, day.use.shape[1]
    depot = fetch[who, DEPOT]
    for part in range(parts):
        short = max(0, -routes.tours[who, LEFT + part])
        if short > depots[depot, SHELF + parts + part]:
            fetch[who, BEHIND] = -1
            return False
    for part in range(parts):
        short = max(0, -routes.tours[who, LEFT + part])
        fetch[who, FETCHED + part] = short
        fetch[who, FETCHED + parts + part] = day.stock[who, part]
        depots[depot, SHELF + parts + part] -= short
    node = wide(routes.links[day.use.shape[0] + who, FOLLOWING])
    while fetch[who, BEHIND] < day.use.shape[0]:
        for part in range(parts):
            fetch[who, FETCHED + parts + part] -= day.use[node, part]
        if node == fetch[who, BEHIND]:
            break
        node = wide(routes.links[node, FOLLOWING])
    return True


@flat
def is_short_with(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether the van lacks a part for the stops of a route and one more visit."""
    for part in range(day.use.shape[1]):
        if routes.tours[who, LEFT + part] < day.use[visit, part]:
            return True
    return False


@inner
def may_fetch(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether any depot has what a route with one more visit is short of."""
    for depot in range(day.rich.depots.shape[0]):
        if has_all(day, routes, who, depot, visit):
            return True
    return False


@inner
def first_way(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """How a route gets the parts for a visit behind a node, if possible by its depot where it is."""
    behind = day.rich.crew[who, BEHIND]
    if behind < 0:
        return BY_DEPOT if is_short_with(day, routes, who, visit) else DIRECT
    if before == behind:
        return FROM_DEPOT if _may_stay(day, routes, who, visit, False) else BY_DEPOT
    is_before = routes.times[before, 0] <= routes.times[behind, 0]
    if _may_stay(day, routes, who, visit, is_before):
        return DIRECT
    return BY_DEPOT if is_before else -1


@inner
def second_way(day: Day, routes: Routes, who: int, visit: int) -> int:
    """The other way, where the first goes on from the depot."""
    return TO_DEPOT if _may_stay(day, routes, who, visit, True) else -1


@inner
def _may_stay(day: Day, routes: Routes, who: int, visit: int, is_before: bool) -> bool:
    """Whether the depot of a route can stay where it is and has enough, with a visit before it or behind."""
    fetch, depots, parts = day.rich.crew, day.rich.depots, day.use.shape[1]
    for part in range(parts):
        needed = day.use[visit, part]
        if is_before and needed > fetch[who, FETCHED + parts + part]:
            return False
        more = needed - max(0, routes.tours[who, LEFT + part])
        if more > depots[fetch[who, DEPOT], SHELF + parts + part]:
            return False
    return True


@inner
def fetched_first(day: Day, routes: Routes, who: int, visit: int, before: int) -> tuple[int, int]:
    """
    Go by the nearest depot with enough on the way from a node to a visit: its place, and the way there.

    The ends of the stop are written to the last row of ``times``, NEVER where no depot has enough. The depot
    at which the route is now is left out, as far as the price goes.
    """
    crew, cents, place = day.rich.crew, day.cents, day.place
    here, there, row = wide(place[before]), wide(place[visit]), routes.times.shape[0] - 1
    least, depot, behind, known = 1 << 60, -1, crew[who, BEHIND], crew[who, DEPOT]
    for number in range(day.rich.depots.shape[0]):
        at = day.rich.depots[number, PLACE]
        price = wide(cents[here, at]) + cents[at, there]
        if price < least and _has_for(day, routes, who, number, visit):
            least, depot = price, number
    if depot < 0:
        for taken in range(routes.times.shape[1] // 3):
            routes.times[row, taken] = NEVER
        return here, 0
    more = 0
    if behind >= 0:
        after = wide(routes.links[behind, FOLLOWING])
        at, a, c = depot_place(day, who), wide(place[behind]), wide(place[after])
        more = wide(cents[a, c]) - wide(cents[a, at]) - wide(cents[at, c])
    crew[who, DEPOT] = depot
    step_to_depot(day, routes, who, before, here, row)
    at = depot_place(day, who)
    crew[who, DEPOT] = known
    return at, more + wide(cents[here, at])


@inner
def _has_for(day: Day, routes: Routes, who: int, depot: int, visit: int) -> bool:
    """Whether a depot still has all that a route with one more visit is short of."""
    crew, parts = day.rich.crew, day.use.shape[1]
    for part in range(parts):
        there = day.rich.depots[depot, SHELF + parts + part]
        if crew[who, BEHIND] >= 0 and crew[who, DEPOT] == depot:
            there += crew[who, FETCHED + part]
        if day.use[visit, part] - routes.tours[who, LEFT + part] > there:
            return False
    return True
