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
from optimizer.engines.ruin.linking import link
from optimizer.engines.ruin.rich import BEST_LOW, FORMER, LOW, NEXT_SHIFT, NEXT_TIED
from optimizer.engines.ruin.routes import retimed

Chance: TypeAlias = NDArray[np.uint64]

TOTAL, BEST, ABSENT, ROUND, ACCEPTED, SAVED, MISSED, BEST_MISSED = range(8)
"""Places of the numbers in ``Search.numbers``."""


class Search(NamedTuple):
    """
    Memory of one search.

    numbers
        Price now, best price, visits on no route, iterations, accepted ones, routes saved in this one,
        price of the visits on no route now and in the best plan.
    chance
        State of the random numbers, and places still looked at before the next one is overlooked.
    absent, former_absent
        (n) visits on no route, now and before the iteration.
    best
        (n + 2m, 4) links of the best routes.
    touched
        (m) iteration in which a route was last saved.
    saved_who, saved_size, saved_price, saved_stops
        Routes as they were before the iteration.
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
    saved_price: Whole
    saved_stops: Index
    waiting: Index
    keys: NDArray[np.float64]


def new_search(day: Day, routes: Routes, seed: int) -> Search:
    """Open a search at these routes."""
    absent = np.flatnonzero(routes.links[: day.visits, DRIVER] < 0)
    missed = int(day.nodes[absent, LEAVE_OUT].sum())
    total = int(routes.tours[:, PRICE].sum()) + missed
    search = Search(
        numbers=np.array([total, total, absent.size, 0, 0, 0, missed, missed], dtype=np.int64),
        chance=np.array([seed % (1 << 62) + 0x9E3779B9, 0], dtype=np.uint64),
        absent=np.zeros(day.visits, dtype=np.int32),
        former_absent=np.zeros(day.visits, dtype=np.int32),
        best=routes.links.copy(),
        touched=np.zeros(day.people, dtype=np.int64),
        saved_who=np.zeros(day.people, dtype=np.int32),
        saved_size=np.zeros(day.people, dtype=np.int32),
        saved_price=np.zeros(day.people, dtype=np.int64),
        saved_stops=np.zeros(day.visits, dtype=np.int32),
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
    slot = search.numbers[SAVED]
    at = 0
    for earlier in range(slot):
        at += search.saved_size[earlier]
    visits = day.use.shape[0]
    size = 0
    visit = routes.links[visits + who, FOLLOWING]
    while visit < visits:
        search.saved_stops[at + size] = visit
        size += 1
        visit = routes.links[visit, FOLLOWING]
    search.saved_who[slot] = who
    search.saved_size[slot] = size
    search.saved_price[slot] = routes.tours[who, PRICE]
    search.numbers[SAVED] = slot + 1
    if day.rich.used:
        keep_far(day, routes, who)


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
def undo(day: Day, routes: Routes, search: Search) -> None:
    """Bring the saved routes back."""
    if day.rich.tied:
        restore_bounds(day)
    if day.rich.used:
        call_for_nothing(day.rich.calls[BRING_BACK], (day, routes, search))
        return
    for slot in range(search.numbers[SAVED]):
        clear(day, routes, search.saved_who[slot])
    at = 0
    for slot in range(search.numbers[SAVED]):
        who = search.saved_who[slot]
        node = day.use.shape[0] + who
        for _ in range(search.saved_size[slot]):
            link(routes.links, routes.tours, who, search.saved_stops[at], node)
            node = search.saved_stops[at]
            at += 1
        retimed(day, routes, who)


@inner
def price_of_changes(routes: Routes, search: Search) -> int:
    """What the routes saved in this iteration cost more than before."""
    more = 0
    for slot in range(search.numbers[SAVED]):
        more += routes.tours[search.saved_who[slot], PRICE] - search.saved_price[slot]
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
