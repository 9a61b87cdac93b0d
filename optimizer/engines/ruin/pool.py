"""
The pool: good routes seen during a search, each once, for the master that combines them.

A route is known by its technician and its set of visits; of several orders the cheapest is kept.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, inner
from optimizer.engines.ruin.layout import FOLLOWING, PRICE, STOPS, Index, Whole
from optimizer.engines.ruin.memory import SAVED, Search

ROUTES = 1 << 15
"""Most routes that are kept."""
SLOTS = 1 << 17
STOPS_PER_ROUTE = 24
"""Room for so many stops a route on average."""
COUNT, USED = range(2)


class Pool(NamedTuple):
    """
    Routes seen.

    filled
        Number of routes, and of entries of ``stops`` in use.
    slots
        (SLOTS) index of a route by hash, or -1.
    marks
        (n + m) random numbers whose exclusive or identifies technician and visits.
    names, who, price, begin, size
        (ROUTES) identity, technician, price, first entry in ``stops`` and number of stops.
    stops
        Visits of all routes in order.
    """

    filled: Whole
    slots: Index
    marks: Whole
    names: Whole
    who: Index
    price: Whole
    begin: Index
    size: Index
    stops: Index


def new_pool(day: Day) -> Pool:
    """Make an empty pool."""
    marks: NDArray[np.int64] = np.random.default_rng(0).integers(
        1, 1 << 62, size=day.visits + day.people, dtype=np.int64
    )
    return Pool(
        filled=np.zeros(2, dtype=np.int64),
        slots=np.full(SLOTS, -1, dtype=np.int32),
        marks=marks,
        names=np.zeros(ROUTES, dtype=np.int64),
        who=np.zeros(ROUTES, dtype=np.int32),
        price=np.zeros(ROUTES, dtype=np.int64),
        begin=np.zeros(ROUTES, dtype=np.int32),
        size=np.zeros(ROUTES, dtype=np.int32),
        stops=np.zeros(ROUTES * STOPS_PER_ROUTE, dtype=np.int32),
    )


@inner
def collect(day: Day, routes: Routes, search: Search, pool: Pool) -> None:
    """Keep the routes that the last iteration has changed."""
    for slot in range(search.numbers[SAVED]):
        keep_route(day, routes, pool, search.saved_who[slot])


@compiled
def collect_all(day: Day, routes: Routes, pool: Pool) -> None:
    """Keep every route."""
    for who in range(day.crew.shape[0]):
        keep_route(day, routes, pool, who)


@inner
def keep_route(day: Day, routes: Routes, pool: Pool, who: int) -> None:
    """Keep a route, unless it is known at this price or lower, or there is no room."""
    visits = day.use.shape[0]
    size = routes.tours[who, STOPS]
    if size == 0:
        return
    name = pool.marks[visits + who]
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        name ^= pool.marks[visit]
        visit = routes.links[visit, FOLLOWING]
    place = name & (SLOTS - 1)
    while pool.slots[place] >= 0 and pool.names[pool.slots[place]] != name:
        place = (place + 1) & (SLOTS - 1)
    known = pool.slots[place]
    price = routes.tours[who, PRICE]
    if known >= 0:
        if pool.price[known] > price:
            pool.price[known] = price
            _write(routes, pool, who, known, visits)
        return
    at = pool.filled[COUNT]
    begin = pool.filled[USED]
    if at >= ROUTES or begin + size > pool.stops.shape[0]:
        return
    pool.slots[place] = at
    pool.names[at], pool.who[at], pool.price[at] = name, who, price
    pool.begin[at], pool.size[at] = begin, size
    pool.filled[COUNT] = at + 1
    pool.filled[USED] = begin + size
    _write(routes, pool, who, at, visits)


@inner
def _write(routes: Routes, pool: Pool, who: int, at: int, visits: int) -> None:
    """Write the stops of a route into its place."""
    place = pool.begin[at]
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        pool.stops[place] = visit
        place += 1
        visit = routes.links[visit, FOLLOWING]
