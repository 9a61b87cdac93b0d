"""Where a route of a rich day goes by a depot, in compiled loops (as ``optimizer.fetching``)."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.driving import drive_richly
from optimizer.engines.ruin.layout import FOLLOWING, LEFT
from optimizer.engines.ruin.rich import BEHIND, DEPOT, FETCHED, SHELF
from optimizer.units import NEVER


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
        there = int(day.rich.depots[number, 0])
        node, count = day.use.shape[0] + who, 0
        while count <= first and node >= 0:
            after = wide(links[node, FOLLOWING])
            here, onward = wide(place[node]), wide(place[after])
            detour = int(cents[here, there]) + cents[there, onward] - cents[here, onward]
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
        depots[depot, SHELF + parts + part] -= short
    return True
