"""What a search remembers between iterations, and its random numbers."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import give_back_far, keep_far
from optimizer.engines.ruin.compiling import flat, inner
from optimizer.engines.ruin.far import BRING_BACK, call_for_nothing
from optimizer.engines.ruin.layout import (
    ABLE,
    DRIVER,
    FOLLOWING,
    LEAVE_OUT,
    PRECEDING,
    PRICE,
    STOPS,
    WIDTH,
    Index,
    Whole,
)
from optimizer.engines.ruin.rich import BEST_LOW, FORMER, LOW, NEXT_SHIFT, NEXT_TIED

Chance: TypeAlias = NDArray[np.uint64]

TOTAL, BEST, ABSENT, ROUND, ACCEPTED, SAVED, MISSED, BEST_MISSED, KEPT = range(9)
"""Places of the numbers in ``Search.numbers``."""

COST, BEHIND, STAMP = range(3)
"""Places of what is known of a visit and a route in ``Search.known``."""
MOST_KNOWN = 250
"""With more visits the routes change faster than such a table fills."""


class Search(NamedTuple):
    """
    Memory of one search.

    numbers
        Price now, best price, visits on no route, iterations, accepted ones, routes saved in this one,
        price of the visits on no route now and in the best plan, stops of the saved routes.
    chance
        State of the random numbers, and places still looked at before the next one is overlooked.
    absent, former_absent
        (n) visits on no route, now and before the iteration.
    best
        (n + 2m, 4) links of the best routes.
    touched
        (m) iteration in which a route was last saved.
    saved_who, saved_size, saved_stops, saved_tours
        Routes as they were before the iteration.
    saved_links, saved_times
        (n + 2m, columns) on plain days also the rows of their nodes, route by route from opening to end.
    stamps
        (m) iteration in which a route was last changed for good.
    known
        (n, m, 3) price of a visit at its best place in a route, the node before it, and the stamp of the
        route of which that is known; empty on rich and on large days.
    waiting, keys
        (n) visits to be put back and what orders them.
    """

    numbers: Whole
    chance: Chance
    absent: Index
    former_absent: Index
    best: Index
    touched: Whole
    saved_who: Index
    saved_size: Index
    saved_stops: Index
    saved_tours: Whole
    saved_links: Index
    saved_times: Whole
    stamps: Index
    known: NDArray[np.int32]
    waiting: Index
    keys: NDArray[np.float64]


def new_search(day: Day, routes: Routes, seed: int) -> Search:
    """Open a search at these routes."""
    absent = np.flatnonzero(routes.links[: day.visits, DRIVER] < 0)
    missed = int(day.nodes[absent, LEAVE_OUT].sum())
    total = int(routes.tours[:, PRICE].sum()) + missed
    is_known = not day.rich.used and day.visits <= MOST_KNOWN
    known = (day.visits, day.people, STAMP + 1) if is_known else (0, 0, STAMP + 1)
    search = Search(
        numbers=np.array([total, total, absent.size, 0, 0, 0, missed, missed, 0], dtype=np.int64),
        chance=np.array([seed % (1 << 62) + 0x9E3779B9, 0], dtype=np.uint64),
        absent=np.zeros(day.visits, dtype=np.int32),
        former_absent=np.zeros(day.visits, dtype=np.int32),
        best=routes.links.copy(),
        touched=np.zeros(day.people, dtype=np.int64),
        saved_who=np.zeros(day.people, dtype=np.int32),
        saved_size=np.zeros(day.people, dtype=np.int32),
        saved_stops=np.zeros(day.visits, dtype=np.int32),
        saved_tours=np.zeros_like(routes.tours),
        saved_links=np.zeros_like(routes.links),
        saved_times=np.zeros_like(routes.times),
        stamps=np.zeros(day.people, dtype=np.int32),
        known=np.full(known, -1, dtype=np.int32),
        waiting=np.zeros(day.visits, dtype=np.int32),
        keys=np.zeros(day.visits, dtype=np.float64),
    )
    search.absent[: absent.size] = absent[_scarcest_first(day, absent)]
    return search


def _scarcest_first(day: Day, absent: Whole) -> Whole:
    """Order of visits: dearest first, then what few technicians can do, then narrow windows."""
    rows = day.nodes[absent]
    return np.lexsort((rows[:, WIDTH], rows[:, ABLE], -rows[:, LEAVE_OUT]))


@flat
def chance(state: Chance) -> float:
    """Next random number from 0 up to 1 (splitmix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    mixed = state[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return float(mixed >> np.uint64(11)) / 9007199254740992.0


@flat
def below(state: Chance, limit: int) -> int:
    """Random whole number from 0 up to a limit."""
    return int(chance(state) * limit)


@flat
def overlooks(state: Chance, blink: float) -> bool:
    """Whether to overlook the next place; on average one of so many is."""
    if state[1] > 0:
        state[1] -= np.uint64(1)
        return False
    if blink > 0:
        state[1] = np.uint64(np.log(chance(state) + 1e-300) / np.log(1 - blink))
    return blink > 0


@inner
def remember_bounds(day: Day) -> None:
    """Keep the bounds of visits that depend on one another as they are before an iteration."""
    visit = day.rich.visit[day.use.shape[0], NEXT_TIED]
    while visit >= 0:
        for side in range(2):
            day.rich.visit[visit, FORMER + side] = day.rich.visit[visit, LOW + side]
        visit = day.rich.visit[visit, NEXT_TIED]


@inner
def restore_bounds(day: Day) -> None:
    """Bring back the bounds from before the iteration."""
    visit = day.rich.visit[day.use.shape[0], NEXT_TIED]
    while visit >= 0:
        for side in range(2):
            day.rich.visit[visit, LOW + side] = day.rich.visit[visit, FORMER + side]
        visit = day.rich.visit[visit, NEXT_TIED]


@flat
def save(day: Day, routes: Routes, search: Search, who: int) -> None:
    """Remember a route, and all shifts of its person, as they are before this iteration's changes."""
    if not day.rich.shared:
        _save(day, routes, search, who)
        return
    shift = who
    while True:
        _save(day, routes, search, shift)
        shift = day.rich.crew[shift, NEXT_SHIFT]
        if shift == who:
            break


@flat
def _save(day: Day, routes: Routes, search: Search, who: int) -> None:
    """Remember one route."""
    if search.touched[who] == search.numbers[ROUND]:
        return
    search.touched[who] = search.numbers[ROUND]
    slot, at, visits = search.numbers[SAVED], search.numbers[KEPT], day.use.shape[0]
    links, size = routes.links, 0
    row = at + 2 * slot
    node = visits + who
    while True:
        if not day.rich.used:
            _keep_row(routes, search, row + size, node)
        node = links[node, FOLLOWING]
        if node >= visits:
            break
        search.saved_stops[at + size] = node
        size += 1
    if not day.rich.used:
        _keep_row(routes, search, row + size + 1, node)
    search.saved_who[slot] = who
    search.saved_size[slot] = size
    for column in range(routes.tours.shape[1]):
        search.saved_tours[slot, column] = routes.tours[who, column]
    search.numbers[SAVED] = slot + 1
    search.numbers[KEPT] = at + size
    if day.rich.used:
        keep_far(day, routes, who)


@flat
def _keep_row(routes: Routes, search: Search, row: int, node: int) -> None:
    """Remember neighbours and times of a node."""
    for column in range(routes.links.shape[1]):
        search.saved_links[row, column] = routes.links[node, column]
    for column in range(routes.times.shape[1]):
        search.saved_times[row, column] = routes.times[node, column]


@inner
def clear(day: Day, routes: Routes, who: int) -> None:
    """Take every stop out of a route; it is to be timed again."""
    if day.rich.fetching:
        give_back_far(day, who)
    visits, people = day.use.shape[0], day.crew.shape[0]
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        after = routes.links[visit, FOLLOWING]
        routes.links[visit, DRIVER] = -1
        visit = after
    routes.links[visits + who, FOLLOWING] = visits + people + who
    routes.links[visits + people + who, PRECEDING] = visits + who
    routes.tours[who, STOPS] = 0


@inner
def undo(day: Day, routes: Routes, search: Search, absent: int) -> None:
    """Bring the saved routes back, and so many absent."""
    for at in range(absent):
        search.absent[at] = search.former_absent[at]
    search.numbers[ABSENT] = absent
    if day.rich.used:
        if day.rich.tied:
            restore_bounds(day)
        call_for_nothing(day.rich.calls[BRING_BACK], (day, routes, search))
        return
    for at in range(absent):
        routes.links[search.absent[at], DRIVER] = -1
    row = 0
    for slot in range(search.numbers[SAVED]):
        who = search.saved_who[slot]
        node = day.use.shape[0] + who
        for _ in range(search.saved_size[slot] + 2):
            for column in range(routes.links.shape[1]):
                routes.links[node, column] = search.saved_links[row, column]
            for column in range(routes.times.shape[1]):
                routes.times[node, column] = search.saved_times[row, column]
            node = routes.links[node, FOLLOWING]
            row += 1
        for column in range(routes.tours.shape[1]):
            routes.tours[who, column] = search.saved_tours[slot, column]


@inner
def stamp(day: Day, routes: Routes, search: Search) -> None:
    """Mark the saved routes as changed for good, but for those that are as they were."""
    at, visits = 0, day.use.shape[0]
    for slot in range(search.numbers[SAVED]):
        who, size = search.saved_who[slot], search.saved_size[slot]
        is_same = routes.tours[who, STOPS] == size
        node = routes.links[visits + who, FOLLOWING]
        for place in range(at, at + size):
            if not is_same or search.saved_stops[place] != node:
                is_same = False
                break
            node = routes.links[node, FOLLOWING]
        if not is_same:
            search.stamps[who] = search.numbers[ROUND]
        at += size


@inner
def price_of_changes(routes: Routes, search: Search) -> int:
    """What the routes saved in this iteration cost more than before."""
    more = 0
    for slot in range(search.numbers[SAVED]):
        more += routes.tours[search.saved_who[slot], PRICE] - search.saved_tours[slot, PRICE]
    return more


@inner
def price_of_absent(day: Day, search: Search) -> int:
    """Price of what is left out."""
    missed = 0
    for at in range(search.numbers[ABSENT]):
        missed += day.nodes[search.absent[at], LEAVE_OUT]
    return missed


@inner
def keep_best(day: Day, routes: Routes, search: Search) -> None:
    """Remember the routes as the best so far."""
    search.numbers[BEST] = search.numbers[TOTAL]
    search.numbers[BEST_MISSED] = search.numbers[MISSED]
    for node in range(routes.links.shape[0]):
        for column in range(routes.links.shape[1]):
            search.best[node, column] = routes.links[node, column]
    if day.rich.tied:
        keep_best_bounds(day)


@inner
def keep_best_bounds(day: Day) -> None:
    """Remember the bounds as those of the best plan."""
    visit = day.rich.visit[day.use.shape[0], NEXT_TIED]
    while visit >= 0:
        for side in range(2):
            day.rich.visit[visit, BEST_LOW + side] = day.rich.visit[visit, LOW + side]
        visit = day.rich.visit[visit, NEXT_TIED]
