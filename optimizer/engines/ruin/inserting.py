"""Recreate: put visits back where they cost least, in a changing order."""

import numpy as np

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, inner
from optimizer.engines.ruin.layout import (
    ABLE,
    DRIVER,
    FIRST_WINDOW,
    FOLLOWING,
    LEAVE_OUT,
    LENGTH,
    PLACE,
    PRECEDING,
    STOPS,
    WIDTH,
)
from optimizer.engines.ruin.memory import (
    ABSENT,
    BEST,
    MISSED,
    ROUND,
    SAVED,
    TOTAL,
    Chance,
    Search,
    below,
    chance,
    keep_best,
    price_now,
    retimed,
    save,
)
from optimizer.engines.ruin.routes import link, may_take, price_of

NEAR_ENOUGH = 60
"""Up to so many visits every position is tried; beyond, those beside the nearest visits."""
NEAR_TRIED = 40
FAR_TRIED = 0.1
"""Share of the visits without a place near their neighbours for which every position is tried."""


@inner
def cheapest(day: Day, routes: Routes, state: Chance, visit: int, blink: float) -> tuple[int, int]:
    """Technician and node behind which a visit costs least; technician -1 when it is not worth its price."""
    bound, who, before, overlooked = _near(day, routes, state, visit, blink)
    if day.use.shape[0] > NEAR_ENOUGH and (who >= 0 or chance(state) > FAR_TRIED):
        return who, before
    return _anywhere(day, routes, visit, bound, who, before, overlooked)


@inner
def _near(day: Day, routes: Routes, state: Chance, visit: int, blink: float) -> tuple[int, int, int, int]:
    """Price, technician, node and an overlooked node, tried beside the nearest visits and on empty routes."""
    seconds, cents, nodes, crew, rests = day.seconds, day.cents, day.nodes, day.crew, day.rests
    limits, pair, use = day.limits, day.pair, day.use
    links, times, tours = routes.links, routes.times, routes.tours
    visits = use.shape[0]
    bound, found, behind, overlooked = nodes[visit, LEAVE_OUT], -1, -1, -1
    near = min(NEAR_TRIED, day.near.shape[1])
    for turn in range(2 * near + crew.shape[0]):
        if turn < 2 * near:
            node = day.near[visit, turn >> 1]
            who = links[node, DRIVER]
            if who < 0 or not may_take(pair, use, tours, who, visit):
                continue
            if turn & 1:
                node = links[node, PRECEDING]
            if chance(state) < blink:
                overlooked = node
                continue
        else:
            who = turn - 2 * near
            node = visits + who
            if tours[who, STOPS] > 0 or not may_take(pair, use, tours, who, visit):
                continue
        price = price_of(
            seconds, cents, nodes, crew, rests, limits, pair, links, times, tours, who, visit, node, bound
        )
        if price < bound:
            bound, found, behind = price, who, node
    return bound, found, behind, overlooked


@inner
def _anywhere(
    day: Day, routes: Routes, visit: int, bound: int, found: int, behind: int, overlooked: int
) -> tuple[int, int]:
    """Technician and node at which a visit costs less than found so far, tried at every position but one."""
    seconds, cents, nodes, crew, rests = day.seconds, day.cents, day.nodes, day.crew, day.rests
    limits, pair, use = day.limits, day.pair, day.use
    links, times, tours = routes.links, routes.times, routes.tours
    visits = use.shape[0]
    for who in range(crew.shape[0]):
        if tours[who, STOPS] == 0 or not may_take(pair, use, tours, who, visit):
            continue
        node = visits + who
        while True:
            if node != overlooked:
                price = price_of(
                    seconds,
                    cents,
                    nodes,
                    crew,
                    rests,
                    limits,
                    pair,
                    links,
                    times,
                    tours,
                    who,
                    visit,
                    node,
                    bound,
                )
                if price < bound:
                    bound, found, behind = price, who, node
            node = links[node, FOLLOWING]
            if node >= visits:
                break
    return found, behind


@inner
def _farness(day: Day, visit: int) -> int:
    """Price of the way to a visit that is neither near nor far."""
    other = day.near[visit, day.near.shape[1] // 2]
    return day.cents[day.nodes[visit, PLACE], day.nodes[other, PLACE]]


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


@inner
def recreate(day: Day, routes: Routes, search: Search, blink: float, most: int) -> None:
    """Put back what waits, in a random kind of order; what fits nowhere or is not worth it stays out."""
    count = search.numbers[ABSENT]
    for at in range(min(count, most)):  # with many waiting, a random part of them has its turn
        swap = at + below(search.chance, count - at) if count > most else at
        visit = search.absent[swap]
        search.absent[swap] = search.absent[at]
        search.absent[at] = visit
    turns = min(count, most)
    order = below(search.chance, 11)
    for at in range(turns):
        search.keys[at] = key_of(day, search, search.absent[at], order)
    by_key = np.argsort(search.keys[:turns])
    for at in range(count):
        search.waiting[at] = search.absent[at]
    left = 0
    for at in range(turns):
        visit = search.waiting[by_key[at]]
        who, before = cheapest(day, routes, search.chance, visit, blink)
        if who < 0:
            search.absent[left] = visit
            left += 1
            continue
        save(day, routes, search, who)
        link(routes.links, routes.tours, who, visit, before)
        retimed(day, routes, who)
    for at in range(turns, count):
        search.absent[left] = search.waiting[at]
        left += 1
    search.numbers[ABSENT] = left


@compiled
def construct(day: Day, routes: Routes, search: Search) -> None:
    """Put in what is on no route, dearest first, then what few technicians can do, then narrow windows."""
    search.numbers[ROUND] += 1
    search.numbers[SAVED] = 0
    count = search.numbers[ABSENT]
    for at in range(count):
        visit = search.absent[at]
        rank = float(day.nodes[visit, ABLE]) + min(1.0, day.nodes[visit, WIDTH] / 1e6)
        search.keys[at] = -1e6 * float(day.nodes[visit, LEAVE_OUT]) + rank
    by_key = np.argsort(search.keys[:count])
    search.waiting[:count] = search.absent[:count]
    left = 0
    for at in range(count):
        visit = search.waiting[by_key[at]]
        bound, who, before, _ = _near(day, routes, search.chance, visit, 0.0)
        if who < 0:
            who, before = _anywhere(day, routes, visit, bound, who, before, -1)
        if who < 0:
            search.absent[left] = visit
            left += 1
            continue
        link(routes.links, routes.tours, who, visit, before)
        retimed(day, routes, who)
    search.numbers[ABSENT] = left
    driven, missed = price_now(day, routes, search)
    search.numbers[TOTAL] = driven + missed
    search.numbers[MISSED] = missed
    if search.numbers[TOTAL] < search.numbers[BEST]:
        keep_best(routes, search)
