"""
The pool: good routes seen during a search, each once, for the master that combines them.

A route is known by the kind of its technician and its set of visits; of several orders the cheapest is kept.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, flat, inner
from optimizer.engines.ruin.layout import FOLLOWING, IDLE, PRICE, STOPS, Index, Whole
from optimizer.engines.ruin.memory import ROUND, SAVED, Search

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
        (n + m) random numbers whose exclusive or identifies kind of technician and visits.
    names, kind, price, seen, begin, size
        (ROUTES) identity, kind of technician, price beyond the idle day, iteration in which it was last seen,
        first entry in ``stops`` and number of stops.
    stops
        Visits of all routes in order, one route behind the other.
    """

    filled: Whole
    slots: Index
    marks: Whole
    names: Whole
    kind: Index
    price: Whole
    seen: Whole
    begin: Whole
    size: Index
    stops: Index


class Columns(NamedTuple):
    """Routes of pools as arrays that may be sent to another process: as in ``Pool``, cut to what is used."""

    kind: Index
    price: Whole
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
        kind=np.zeros(ROUTES, dtype=np.int32),
        price=np.zeros(ROUTES, dtype=np.int64),
        seen=np.zeros(ROUTES, dtype=np.int64),
        begin=np.zeros(ROUTES, dtype=np.int64),
        size=np.zeros(ROUTES, dtype=np.int32),
        stops=np.zeros(ROUTES * STOPS_PER_ROUTE, dtype=np.int32),
    )


def is_nearly_full(pool: Pool) -> bool:
    """Whether there is little room for further routes."""
    return bool(10 * pool.filled[COUNT] > 9 * ROUTES or 10 * pool.filled[USED] > 9 * pool.stops.size)


def columns_of(pool: Pool, chosen: Whole | None = None) -> Columns:
    """The routes of a pool, or some of them in the order in which they lie there."""
    count = int(pool.filled[COUNT])
    if chosen is None:
        stops = pool.stops[: int(pool.filled[USED])]
        return Columns(
            pool.kind[:count].copy(), pool.price[:count].copy(), pool.size[:count].copy(), stops.copy()
        )
    size = pool.size[chosen]
    first = np.cumsum(size) - size
    places = np.repeat(pool.begin[chosen] - first, size) + np.arange(int(size.sum()))
    return Columns(pool.kind[chosen], pool.price[chosen], size, pool.stops[places])


def merged(parts: Sequence[Columns]) -> Columns:
    """The routes of several pools."""
    return Columns(*map(np.concatenate, zip(*parts, strict=True)))


def forget_oldest(pool: Pool) -> None:
    """Keep the half of the routes that was seen last."""
    count = int(pool.filled[COUNT])
    chosen = np.sort(np.argsort(-pool.seen[:count], kind="stable")[: count // 2])
    kept, names, seen = columns_of(pool, chosen), pool.names[chosen], pool.seen[chosen]
    half = chosen.size
    pool.kind[:half], pool.price[:half], pool.size[:half] = kept.kind, kept.price, kept.size
    pool.names[:half], pool.seen[:half] = names, seen
    pool.begin[:half] = np.cumsum(kept.size) - kept.size
    pool.stops[: kept.stops.size] = kept.stops
    pool.filled[:] = half, kept.stops.size
    _index(pool)


@compiled
def _index(pool: Pool) -> None:
    """Enter every route by its hash."""
    for slot in range(SLOTS):
        pool.slots[slot] = -1
    for at in range(pool.filled[COUNT]):
        pool.slots[_place(pool, pool.names[at])] = at


@flat
def _place(pool: Pool, name: int) -> int:
    """Slot of a route, or the one where it would be entered."""
    place = name & (SLOTS - 1)
    while pool.slots[place] >= 0 and pool.names[pool.slots[place]] != name:
        place = (place + 1) & (SLOTS - 1)
    return place


@inner
def collect(day: Day, routes: Routes, search: Search, pool: Pool) -> None:
    """Keep the routes that the last iteration has changed."""
    for slot in range(search.numbers[SAVED]):
        keep_route(day, routes, pool, search.saved_who[slot], search.numbers[ROUND])


@compiled
def collect_all(day: Day, routes: Routes, pool: Pool, seen: int) -> None:
    """Keep every route."""
    for who in range(day.crew.shape[0]):
        keep_route(day, routes, pool, who, seen)


@inner
def keep_route(day: Day, routes: Routes, pool: Pool, who: int, seen: int) -> None:
    """Keep a route, unless it is known at this price or lower, or there is no room."""
    visits = day.use.shape[0]
    size = routes.tours[who, STOPS]
    if size == 0:
        return
    name = pool.marks[visits + day.kind[who]]
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        name ^= pool.marks[visit]
        visit = routes.links[visit, FOLLOWING]
    place = _place(pool, name)
    known = pool.slots[place]
    price = routes.tours[who, PRICE] - day.crew[who, IDLE]
    if known >= 0:
        pool.seen[known] = seen
        if pool.price[known] > price:
            pool.price[known] = price
            _write(routes, pool, who, known, visits)
        return
    at, begin = pool.filled[COUNT], pool.filled[USED]
    if at >= ROUTES or begin + size > pool.stops.shape[0]:
        return
    pool.slots[place] = at
    pool.names[at], pool.kind[at], pool.price[at] = name, day.kind[who], price
    pool.seen[at], pool.begin[at], pool.size[at] = seen, begin, size
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
