"""
The pool: good routes seen during a search, each once, for the master that combines them.

A route is known by its kind of technician and set of visits, on a rich day also by the starts of those
that depend on others and by the depot it goes by; of several orders the cheapest is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, flat, inner
from optimizer.engines.ruin.layout import FOLLOWING, IDLE, PRICE, STOPS, Index, Whole
from optimizer.engines.ruin.memory import ROUND, SAVED, Search
from optimizer.engines.ruin.rich import BEGIN, BEHIND, DEPOT, OWN, TIED, WORK

ROUTES = 1 << 15
"""Most routes that are kept."""
SLOTS = 1 << 17
STOPS_PER_ROUTE = 24
"""Room for so many stops a route on average."""
COUNT, USED = range(2)
WORKED_ON, BY = range(2)
"""``aside``: seconds of driving and service, depot that the route goes by or -1."""
SPREAD = 0x1E3779B97F4A7C15
"""Odd number that spreads the starts of visits over all bits."""


class Pool(NamedTuple):
    """
    Routes seen.

    filled
        Number of routes, and of entries of ``stops`` in use.
    slots
        (SLOTS) index of a route by hash, or -1.
    marks
        (n + m + d) random numbers whose exclusive or identifies kind of technician, visits and depot.
    names, kind, price, seen, begin, size
        (ROUTES) identity, kind of technician, price beyond the idle day, iteration in which it was last seen,
        first entry in ``stops`` and number of stops. Where somebody has several shifts the price is without
        that of all work of a person.
    stops
        Visits of all routes in order, one route behind the other.
    starts
        The start of each of them where visits depend on one another, else empty.
    aside
        (ROUTES, columns) what else a rich day's master asks for, named above; else empty.
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
    starts: Whole
    aside: Whole


class Columns(NamedTuple):
    """Routes of pools as arrays that may be sent to another process: as in ``Pool``, cut to what is used."""

    kind: Index
    price: Whole
    size: Index
    stops: Index
    starts: Whole
    aside: Whole


@dataclass(frozen=True, slots=True)
class Column:
    """
    One route: kind of technician, price beyond the idle day, visits in order.

    Of rich days also starts of the visits, seconds of work, depot it goes by or -1; place among all routes.
    """

    kind: int
    price: int
    visits: tuple[int, ...]
    starts: tuple[int, ...] = ()
    work: int = 0
    depot: int = -1
    at: int = -1


def as_columns(routes: Sequence[Column]) -> Columns:
    """Routes as arrays."""
    return Columns(
        np.array([route.kind for route in routes], dtype=np.int32),
        np.array([route.price for route in routes], dtype=np.int64),
        np.array([len(route.visits) for route in routes], dtype=np.int32),
        np.array([visit for route in routes for visit in route.visits], dtype=np.int32),
        np.array([start for route in routes for start in route.starts], dtype=np.int64),
        np.array([(route.work, route.depot) for route in routes], dtype=np.int64).reshape(-1, 2),
    )


def new_pool(day: Day) -> Pool:
    """Make an empty pool."""
    marks: NDArray[np.int64] = np.random.default_rng(0).integers(
        1, 1 << 62, size=day.visits + day.people + len(day.rich.depots), dtype=np.int64
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
        starts=np.zeros(ROUTES * STOPS_PER_ROUTE if day.rich.tied else 0, dtype=np.int64),
        aside=np.zeros((ROUTES if day.rich.used else 0, BY + 1), dtype=np.int64),
    )


def is_nearly_full(pool: Pool) -> bool:
    """Whether there is little room for further routes."""
    return bool(10 * pool.filled[COUNT] > 9 * ROUTES or 10 * pool.filled[USED] > 9 * pool.stops.size)


def columns_of(pool: Pool, chosen: Whole | None = None) -> Columns:
    """The routes of a pool, or some of them in the order in which they lie there."""
    count = int(pool.filled[COUNT])
    if chosen is None:
        stops = slice(int(pool.filled[USED]))
        return Columns(
            pool.kind[:count].copy(),
            pool.price[:count].copy(),
            pool.size[:count].copy(),
            pool.stops[stops].copy(),
            pool.starts[stops].copy(),
            pool.aside[:count].copy(),
        )
    size = pool.size[chosen]
    first = np.cumsum(size) - size
    places = np.repeat(pool.begin[chosen] - first, size) + np.arange(int(size.sum()))
    starts = pool.starts[places] if pool.starts.size else pool.starts
    aside = pool.aside[chosen] if pool.aside.size else pool.aside
    return Columns(pool.kind[chosen], pool.price[chosen], size, pool.stops[places], starts, aside)


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
    pool.starts[: kept.starts.size] = kept.starts
    pool.aside[: len(kept.aside)] = kept.aside
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
    price = routes.tours[who, PRICE] - day.crew[who, IDLE]
    if day.rich.used:
        name ^= _mark_aside(day, routes, pool, who)
        if day.rich.shared:
            price = day.rich.crew[who, OWN] - day.crew[who, IDLE]
    place = _place(pool, name)
    known = pool.slots[place]
    if known >= 0:
        pool.seen[known] = seen
        if pool.price[known] > price:
            pool.price[known] = price
            _write(day, routes, pool, who, known)
        return
    at, begin = pool.filled[COUNT], pool.filled[USED]
    if at >= ROUTES or begin + size > pool.stops.shape[0]:
        return
    pool.slots[place] = at
    pool.names[at], pool.kind[at], pool.price[at] = name, day.kind[who], price
    pool.seen[at], pool.begin[at], pool.size[at] = seen, begin, size
    pool.filled[COUNT] = at + 1
    pool.filled[USED] = begin + size
    _write(day, routes, pool, who, at)


@inner
def _mark_aside(day: Day, routes: Routes, pool: Pool, who: int) -> int:
    """What tells a route of a rich day from others of the same visits: starts that tie it, and its depot."""
    visits, name = day.use.shape[0], 0
    if day.rich.crew[who, BEHIND] >= 0:
        name = pool.marks[visits + day.crew.shape[0] + day.rich.crew[who, DEPOT]]
    visit = routes.links[visits + who, FOLLOWING]
    while day.rich.tied and visit < visits:
        if day.rich.visit[visit, TIED] > 0:
            name ^= (pool.marks[visit] ^ day.rich.visit[visit, BEGIN]) * SPREAD
        visit = routes.links[visit, FOLLOWING]
    return name


@inner
def _write(day: Day, routes: Routes, pool: Pool, who: int, at: int) -> None:
    """Write the stops of a route into its place, and what a rich day has aside."""
    place, visits = pool.begin[at], day.use.shape[0]
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        pool.stops[place] = visit
        if day.rich.tied:
            pool.starts[place] = day.rich.visit[visit, BEGIN]
        place += 1
        visit = routes.links[visit, FOLLOWING]
    if day.rich.used:
        pool.aside[at, WORKED_ON] = day.rich.crew[who, WORK]
        pool.aside[at, BY] = day.rich.crew[who, DEPOT] if day.rich.crew[who, BEHIND] >= 0 else -1
