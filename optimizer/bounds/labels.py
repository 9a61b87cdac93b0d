"""
Pricing by labels in compiled loops: the cheapest ways through a technician's day at given prices of visits.

Written from the description of ng-routes (Baldacci, Mingozzi and Roberti, *New Route Relaxation and Pricing
Strategies for the Vehicle Routing Problem*, Operations Research 59, 2011): a way may come back to a visit
once it has been where that visit is forgotten. All sums are whole numbers, so nothing is lost by rounding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from optimizer.units import NEVER

Whole: TypeAlias = NDArray[np.int64]

SCALE = 1_000
"""Reduced prices are counted in thousandths of a cent."""
BITS = 62
"""Visits in one word of memory; there are two."""
MOST_VISITS = 2 * BITS
BUCKETS = 512

NODE, TAKEN, TIME, REDUCED, CENTS, FIRST, SECOND, ODD, PARENT, FOLLOWING, DEAD, WIDTH = range(12)
"""A label: where the way is, breaks taken, end of service, price beyond the visits' prices, price in cents,
visits remembered (two words), cuts met an odd number of times, label before, next in bucket, dominated."""
READY, LIMIT, SHIFT_END, RATE, BREAKS, IDLE = range(6)
"""``clock``: first departure, latest return of all, end of the shift, price of a minute of overtime, number
of breaks, price of the day without any further stop."""


class Way(NamedTuple):
    """
    Days of technicians who are alike; nodes are ``n`` visits, the opening and the end of the day.

    seconds, cents
        (n + 2, n + 2) travel time; price of a drive and of sending the technician to its target.
    places
        (n + 2) where a node is.
    able
        (n) whether the technician may go.
    windows, many
        (n, w, 3) first start of service, last moment to be ready after setting up, and without; (n) number.
    length, setup
        (n) length of service, and of setting up, which is spared when the stop before is at the same place.
    rests, limits, clock
        (b, 3) breaks; (b + 1) latest return by breaks taken; see ``READY``.
    use, stock
        (n, p) and (p) parts.
    """

    seconds: Whole
    cents: Whole
    places: Whole
    able: NDArray[np.bool_]
    windows: Whole
    many: Whole
    length: Whole
    setup: Whole
    rests: Whole
    limits: Whole
    clock: Whole
    use: Whole
    stock: Whole


class Prices(NamedTuple):
    """
    What the master pays.

    reduced
        (n + 2, n + 2) price of a drive less that of its target, scaled.
    memory
        (n, 2) visits that a way remembers at a node.
    cuts, fines
        (n) cuts that name a visit; (c) what every second visit of a cut costs, scaled.
    """

    reduced: Whole
    memory: Whole
    cuts: Whole
    fines: Whole


class Book(NamedTuple):
    """
    Room for labels.

    rows, used
        (most, WIDTH) labels; (most, p) parts used up.
    held, counts
        (n, most per node) labels that nothing dominates; (n) their number.
    filled
        Number of labels, and of comparisons.
    heads
        (BUCKETS) first label to be extended, by time.
    ends
        (most) reduced price of each label's way home, or NEVER scaled up.
    """

    rows: Whole
    used: Whole
    held: NDArray[np.int32]
    counts: Whole
    filled: Whole
    heads: Whole
    ends: Whole


NO_END = 1 << 60


def new_book(visits: int, parts: int, most: int) -> Book:
    """Room for so many labels."""
    return Book(
        rows=np.zeros((most, WIDTH), dtype=np.int64),
        used=np.zeros((most, max(1, parts)), dtype=np.int64),
        held=np.zeros((visits, max(1_000, most // 4)), dtype=np.int32),
        counts=np.zeros(visits, dtype=np.int64),
        filled=np.zeros(2, dtype=np.int64),
        heads=np.full(BUCKETS, -1, dtype=np.int64),
        ends=np.full(most, NO_END, dtype=np.int64),
    )


Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile a loop and keep it on disk; all loops stand in this file, which is what numba watches."""
    loop: Loop = njit(cache=True, nogil=True, no_cfunc_wrapper=True)(function)  # type: ignore[call-overload]
    return loop


@compiled
def fines_of(prices: Prices, odd: int, node: int) -> int:
    """What a further visit costs because cuts meet it a second time."""
    met = odd & prices.cuts[node]
    fine = 0
    cut = 0
    while met:
        if met & 1:
            fine += prices.fines[cut]
        met >>= 1
        cut += 1
    return fine


@compiled
def crossed(way: Way, ready: int, travel: int, first: int, last: int) -> int:
    """Earliest end of a drive with the breaks from ``first`` to before ``last``; see ``timing.cross``."""
    now, left = ready, travel
    for number in range(first, last):
        begin = max(now, way.rests[number, 0])
        if begin > way.rests[number, 1]:
            return NEVER
        left = max(0, left - (begin - now))
        now = begin + way.rests[number, 2]
    return now + left


@compiled
def begun(way: Way, node: int, arrival: int, came_from: int) -> int:
    """Earliest start of service; see ``drives.entries``."""
    is_same = way.places[node] == way.places[came_from]
    ready = arrival if is_same else arrival + way.setup[node]
    if way.many[node] == 0:
        return ready
    for at in range(way.many[node]):
        if ready <= way.windows[node, at, 2 if is_same else 1]:
            return max(ready, way.windows[node, at, 0])
    return NEVER


@compiled
def beats(rows: Whole, used: Whole, fines: Whole, one: int, other: int, cheap: bool) -> bool:
    """Whether whatever can follow one label is at least as good behind the other."""
    if rows[one, REDUCED] > rows[other, REDUCED] or rows[one, TIME] > rows[other, TIME]:
        return False
    if rows[one, TAKEN] < rows[other, TAKEN]:
        return False
    for part in range(used.shape[1]):
        if used[one, part] > used[other, part]:
            return False
    if cheap:
        return True
    if rows[one, FIRST] & ~rows[other, FIRST] or rows[one, SECOND] & ~rows[other, SECOND]:
        return False
    ahead = rows[one, ODD] & ~rows[other, ODD]
    lead = rows[other, REDUCED] - rows[one, REDUCED]
    cut = 0
    while ahead:
        if ahead & 1:
            lead -= fines[cut]
        ahead >>= 1
        cut += 1
    return lead >= 0


@compiled
def taken_up(book: Book, fines: Whole, new: int, cheap: bool) -> bool:
    """Hold a label at its node unless another dominates it; strike out those that it dominates."""
    rows, used, held = book.rows, book.used, book.held
    node = rows[new, NODE]
    count = book.counts[node]
    for at in range(count):
        if beats(rows, used, fines, held[node, at], new, cheap):
            if at:  # who has won once is asked early the next time
                held[node, at], held[node, at // 2] = held[node, at // 2], held[node, at]
            return False
    at = 0
    while at < count:
        other = held[node, at]
        if beats(rows, used, fines, new, other, cheap):
            rows[other, DEAD] = 1
            count -= 1
            held[node, at] = held[node, count]
        else:
            at += 1
    held[node, count] = new
    book.counts[node] = count + 1
    return True


@compiled
def step(way: Way, prices: Prices, book: Book, label: int, node: int, taken: int, new: int) -> bool:
    """Write the label of one drive with the breaks up to ``taken`` on the way; false when it cannot be."""
    rows, used = book.rows, book.used
    place = rows[label, NODE]
    arrival = crossed(way, rows[label, TIME], way.seconds[place, node], rows[label, TAKEN], taken)
    if arrival >= NEVER:
        return False
    start = begun(way, node, arrival, place)
    if start >= NEVER or start + way.length[node] > way.clock[LIMIT]:
        return False
    for part in range(way.stock.shape[0]):
        used[new, part] = used[label, part] + way.use[node, part]
        if used[new, part] > way.stock[part]:
            return False
    rows[new, NODE], rows[new, TAKEN], rows[new, TIME] = node, taken, start + way.length[node]
    fine = fines_of(prices, rows[label, ODD], node)
    rows[new, REDUCED] = rows[label, REDUCED] + prices.reduced[place, node] + fine
    rows[new, CENTS] = rows[label, CENTS] + way.cents[place, node]
    first, second = rows[label, FIRST] & prices.memory[node, 0], rows[label, SECOND] & prices.memory[node, 1]
    rows[new, FIRST] = first | (1 << node) if node < BITS else first
    rows[new, SECOND] = second if node < BITS else second | (1 << (node - BITS))
    rows[new, ODD] = rows[label, ODD] ^ prices.cuts[node]
    rows[new, PARENT], rows[new, DEAD] = label, 0
    return True


@compiled
def remembered(book: Book, label: int, node: int) -> bool:
    """Whether the way still knows that it has been there."""
    if node < BITS:
        return book.rows[label, FIRST] >> node & 1 == 1
    return book.rows[label, SECOND] >> (node - BITS) & 1 == 1


@compiled
def bucket_of(way: Way, moment: int) -> int:
    """Where labels of a moment wait to be extended."""
    span = max(1, way.clock[LIMIT] - way.clock[READY])
    return min(BUCKETS - 1, max(0, (moment - way.clock[READY]) * BUCKETS // span))


@compiled
def extended(way: Way, prices: Prices, book: Book, label: int, cheap: bool) -> bool:
    """Drive from a label to every visit; false when there is no room for more."""
    visits = way.able.shape[0]
    for node in range(visits):
        if not way.able[node] or remembered(book, label, node):
            continue
        for taken in range(book.rows[label, TAKEN], way.clock[BREAKS] + 1):
            new = book.filled[0]
            if new >= book.rows.shape[0] or book.counts[node] >= book.held.shape[1]:
                return False
            if not step(way, prices, book, label, node, taken, new):
                continue
            book.filled[1] += book.counts[node]
            if taken_up(book, prices.fines, new, cheap):
                bucket = bucket_of(way, book.rows[new, TIME])
                book.rows[new, FOLLOWING] = book.heads[bucket]
                book.heads[bucket] = new
                book.filled[0] = new + 1
    return True


@compiled
def overtime(way: Way, moment: int) -> int:
    """Price of coming back at a moment; see ``objectives.overtime``."""
    over = max(0, moment - way.clock[SHIFT_END])
    return (over * way.clock[RATE] + 30) // 60


@compiled
def close(way: Way, prices: Prices, book: Book, label: int) -> int:
    """Drive home by the cheapest way and keep the price; the price in cents beyond an idle day."""
    visits = way.able.shape[0]
    row = book.rows[label]
    travel = way.seconds[row[NODE], visits + 1]
    back = NEVER
    for taken in range(row[TAKEN], way.clock[BREAKS] + 1):
        moment = crossed(way, row[TIME], travel, row[TAKEN], taken)
        if moment <= way.limits[taken]:
            back = min(back, moment)
    if back >= NEVER:
        book.ends[label] = NO_END
        return 0
    late = overtime(way, back) - way.clock[IDLE]
    book.ends[label] = row[REDUCED] + prices.reduced[row[NODE], visits + 1] + SCALE * late
    return row[CENTS] + way.cents[row[NODE], visits + 1] + late


@compiled
def price(way: Way, prices: Prices, book: Book, cheap: bool, most_work: int) -> int:
    """
    Find the cheapest ways; returns the number of labels, negative when room or work did not suffice for all.

    ``cheap``: forget memory and cuts when labels are compared. That finds ways quickly, and proves nothing.
    """
    visits = way.able.shape[0]
    book.heads[:] = -1
    book.counts[:] = 0
    book.rows[0, :] = 0
    book.used[0, :] = 0
    book.rows[0, NODE], book.rows[0, TIME], book.rows[0, PARENT] = visits, way.clock[READY], -1
    book.ends[0] = NO_END
    book.filled[0], book.filled[1] = 1, 0
    ample = extended(way, prices, book, 0, cheap)
    for bucket in range(BUCKETS):
        while ample and book.heads[bucket] >= 0:
            label = book.heads[bucket]
            book.heads[bucket] = book.rows[label, FOLLOWING]
            if book.rows[label, DEAD] == 0:
                ample = extended(way, prices, book, label, cheap) and book.filled[1] < most_work
    filled = book.filled[0]
    for label in range(1, filled):
        if book.rows[label, DEAD]:
            book.ends[label] = NO_END
        else:
            book.rows[label, CENTS] = close(way, prices, book, label)
    return filled if ample else -filled
