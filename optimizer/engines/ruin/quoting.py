"""
Prices of one visit in many windows, in one pass over the positions of all routes.

The visit sits on a node of its own that is on no route. At each position the price without any window is a
lower bound; the starts that the neighbours allow then settle most windows without asking again.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import compiled, flat, inner
from optimizer.engines.ruin.layout import (
    BREAKS,
    DRIVER,
    EARLIEST,
    FIRST_WINDOW,
    FOLLOWING,
    LENGTH,
    PRECEDING,
    REST,
    WINDOWS,
    Index,
    Table,
    Whole,
)
from optimizer.engines.ruin.linking import TOO_DEAR, link, unlink
from optimizer.engines.ruin.routes import may_take, price_of, retimed
from optimizer.engines.ruin.timing import (
    arrival,
    crossed,
    departure,
    latest_service_start,
    service_start,
    step,
)
from optimizer.units import NEVER

WHO, BEFORE, POSITION, BEGIN = range(4)
"""``chosen``: technician, node behind which the visit goes, stops before it, earliest start of service."""

FIRST, LAST, LAST_CALM = range(3)
"""``gaps``: starts of service that the neighbours allow, and the last of them without overtime."""


@flat
def set_window(nodes: Whole, visit: int, count: int, begin: int, end: int) -> None:
    """Give a node one window, or with a ``count`` of 0 all time."""
    nodes[visit, WINDOWS] = count
    nodes[visit, FIRST_WINDOW] = begin
    nodes[visit, FIRST_WINDOW + 1] = end


@flat
def is_closed(day: Day, routes: Routes, who: int, visit: int, before: int, first: int, last: int) -> bool:
    """Whether a place is out of the question at a glance: as if no break were to be taken on the way."""
    place, seconds, times = day.place, day.seconds, routes.times
    after = routes.links[before, FOLLOWING]
    begin = max(times[before, 0] + seconds[place[before], place[visit]], first)
    bearable = times[after, times.shape[1] // 3 + day.crew[who, BREAKS]]
    latest = bearable - seconds[place[visit], place[after]] - day.nodes[visit, LENGTH]
    return begin > min(latest, last)


@flat
def room(day: Day, routes: Routes, who: int, visit: int, before: int, gaps: Whole) -> int:
    """Fill ``gaps`` with the starts possible behind a node, a row for each number of breaks taken."""
    seconds, place, rests, times = day.seconds, day.place, day.rests, routes.times
    after = routes.links[before, FOLLOWING]
    there = seconds[place[before], place[visit]]
    onward = seconds[place[visit], place[after]]
    states, count, length = times.shape[1] // 3, day.crew[who, BREAKS], day.nodes[visit, LENGTH]
    found = 0
    for taken in range(count + 1):
        begin = arrival(rests, times, who, before, there, taken)
        if begin >= NEVER:
            continue
        last = departure(rests, times, who, count, after, states, onward, taken) - length
        if begin > last:
            continue
        calm = departure(rests, times, who, count, after, 2 * states, onward, taken) - length
        gaps[found, FIRST], gaps[found, LAST], gaps[found, LAST_CALM] = begin, last, calm
        found += 1
    return found


@flat
def start_in(gaps: Whole, count: int, begin: int, end: int) -> tuple[int, bool]:
    """Earliest start within a window, NEVER if there is none, and whether one of them needs no overtime."""
    earliest, is_calm = NEVER, False
    for at in range(count):
        start = max(gaps[at, FIRST], begin)
        if start <= min(gaps[at, LAST], end):
            earliest = min(earliest, start)
            is_calm = is_calm or start <= gaps[at, LAST_CALM]
    return earliest, is_calm


@inner
def price_in(day: Day, routes: Routes, who: int, visit: int, before: int, begin: int, end: int) -> int:
    """Price behind a node in a window that only overtime makes possible."""
    set_window(day.nodes, visit, 1, begin, end)
    price = price_of(day, routes, who, visit, before, TOO_DEAR)
    set_window(day.nodes, visit, 0, -NEVER, NEVER)
    return price


@flat
def highest(best: Whole, row: int) -> int:
    """Dearest of the prices found so far, just below ``TOO_DEAR`` while one is missing."""
    found = best[row, 0]
    for at in range(1, best.shape[1]):
        found = max(found, best[row, at])
    return min(found, TOO_DEAR - 1)


@compiled
def ask(
    day: Day, routes: Routes, visit: int, windows: Whole, each: int, best: Whole, chosen: Table, gaps: Whole
) -> None:
    """
    Find the cheapest position for each window, over everybody or, with ``each``, of each technician.

    Of equal prices the earlier start wins, then the technician and the position that come first. ``best``
    and ``chosen`` have one row, or one for each technician.
    """
    visits = day.use.shape[0]
    first, last = NEVER, -NEVER
    for at in range(windows.shape[0]):
        first, last = min(first, windows[at, 0]), max(last, windows[at, 1])
    set_window(day.nodes, visit, 0, -NEVER, NEVER)
    for who in range(day.crew.shape[0]):
        if not may_take(day, routes, who, visit):
            continue
        row = who if each else 0
        before, position, dearest = visits + who, 0, highest(best, row)
        while before < visits or position == 0:
            least, count = TOO_DEAR, 0
            if not is_closed(day, routes, who, visit, before, first, last):
                least = price_of(day, routes, who, visit, before, dearest + 1)
            if least < TOO_DEAR:
                count = room(day, routes, who, visit, before, gaps)
            for at in range(windows.shape[0] if count else 0):
                if least > best[row, at]:
                    continue
                start, is_calm = start_in(gaps, count, windows[at, 0], windows[at, 1])
                if start >= NEVER:
                    continue
                price = least
                if not is_calm:
                    price = price_in(day, routes, who, visit, before, windows[at, 0], windows[at, 1])
                if price < best[row, at] or (price == best[row, at] and start < chosen[row, at, BEGIN]):
                    best[row, at] = price
                    chosen[row, at, WHO], chosen[row, at, BEFORE] = who, before
                    chosen[row, at, POSITION], chosen[row, at, BEGIN] = position, start
                    dearest = highest(best, row)
            before, position = routes.links[before, FOLLOWING], position + 1


@inner
def walked(day: Day, routes: Routes, who: int, visit: int, before: int, walk: Whole, path: Index) -> int:
    """Drive from the node before the visit to the last stop; return how many stops that makes."""
    for state in range(walk.shape[1]):
        walk[0, state] = routes.times[before, state]
    node, count, place = visit, 0, day.place[before]
    while node < day.use.shape[0]:
        travel = day.seconds[place, day.place[node]]
        step(day.nodes, day.crew, day.rests, walk, who, node, count, travel, count + 1)
        count += 1
        path[count] = node
        place = day.place[node]
        node = routes.links[before if node == visit else node, FOLLOWING]
    return count


@inner
def breaks_at_end(day: Day, who: int, walk: Whole, last: int, travel: int) -> int:
    """Breaks taken by the end of the last stop on the way with the earliest return."""
    earliest, taken, by_then = NEVER, 0, -1
    for before in range(day.crew[who, BREAKS] + 1):
        if walk[last, before] >= NEVER:
            continue
        for after in range(before, day.crew[who, BREAKS] + 1):
            moment = crossed(day.rests, who, walk[last, before], travel, before, after)
            if moment > day.limits[who, after]:
                continue
            if moment < earliest or (moment == earliest and after > by_then):
                earliest, taken, by_then = moment, before, after
    return taken


@inner
def breaks_before(day: Day, who: int, walk: Whole, node: int, at: int, travel: int, taken: int) -> int:
    """Breaks taken by the end of the stop before, on the earliest way to a stop."""
    for before in range(taken + 1):
        if walk[at - 1, before] >= NEVER:
            continue
        moment = crossed(day.rests, who, walk[at - 1, before], travel, before, taken)
        if (
            moment < NEVER
            and service_start(day.nodes, node, moment) + day.nodes[node, LENGTH] == walk[at, taken]
        ):
            return before
    return taken


@inner
def rest_begin(rests: Table, who: int, ready: int, before: int, at: int) -> int:
    """When a break begins, those from ``before`` on taken one after the other as early as can be."""
    begin = max(ready, rests[who, before, EARLIEST])
    for later in range(before + 1, at + 1):
        begin = max(begin + rests[who, later - 1, REST], rests[who, later, EARLIEST])
    return begin


@inner
def latest_leave(rests: Table, who: int, ready: int, travel: int, start: int, before: int, taken: int) -> int:
    """Latest moment to leave home and still begin the first service on time, the breaks where they are."""
    now, left = start, travel
    for at in range(taken - 1, before - 1, -1):
        begin = rest_begin(rests, who, ready, before, at)
        over = begin + rests[who, at, REST]
        if now - over >= left:
            break
        left -= now - over
        now = begin
    return now - left


@inner
def reached(rests: Table, who: int, ready: int, leave: int, travel: int, before: int, taken: int) -> int:
    """Moment when a drive begun at ``leave`` is over, the breaks as they are planned from ``ready`` on."""
    now, left = leave, travel
    for at in range(before, taken):
        begin = rest_begin(rests, who, ready, before, at)
        if begin < leave:
            continue
        if now + left <= begin:
            break
        left -= begin - now
        now = begin + rests[who, at, REST]
    return now + left


@inner
def times_of(
    day: Day, routes: Routes, who: int, visit: int, before: int, walk: Whole, path: Index, is_first: bool
) -> tuple[int, int, int]:
    """Arrival, start and slack of a visit behind a node, its window set, as ``timing.timetable`` says."""
    nodes, rests, place, seconds = day.nodes, day.rests, day.place, day.seconds
    last = walked(day, routes, who, visit, before, walk, path)
    home = place[day.use.shape[0] + day.crew.shape[0] + who]
    taken = breaks_at_end(day, who, walk, last, seconds[place[path[last]], home])
    for at in range(last, 1, -1):
        travel = seconds[place[path[at - 1]], place[path[at]]]
        taken = breaks_before(day, who, walk, path[at], at, travel, taken)
    travel = seconds[place[before], place[visit]]
    earlier = breaks_before(day, who, walk, visit, 1, travel, taken)
    start = walk[1, taken] - nodes[visit, LENGTH]
    leave = ready = walk[0, earlier]
    if is_first:
        leave = latest_leave(rests, who, ready, travel, start, earlier, taken)
    moment = reached(rests, who, ready, leave, travel, earlier, taken)
    after = routes.links[before, FOLLOWING]
    onward = seconds[place[visit], place[after]]
    states = routes.times.shape[1] // 3
    bearable = departure(rests, routes.times, who, day.crew[who, BREAKS], after, states, onward, taken)
    latest = latest_service_start(nodes, visit, bearable - nodes[visit, LENGTH])
    return moment, start, max(0, latest - start)


@compiled
def time_all(
    day: Day,
    routes: Routes,
    visit: int,
    windows: Whole,
    begun: Whole,
    best: Whole,
    chosen: Table,
    times: Table,
    walk: Whole,
    path: Index,
) -> None:
    """State arrival, start and slack of every insertion found by ``ask``."""
    for row in range(best.shape[0]):
        for at in range(best.shape[1]):
            if best[row, at] >= TOO_DEAR:
                continue
            who, before = chosen[row, at, WHO], chosen[row, at, BEFORE]
            set_window(day.nodes, visit, 1, windows[at, 0], windows[at, 1])
            is_first = begun[who] == 0 and before >= day.use.shape[0]
            found = times_of(day, routes, who, visit, before, walk, path, is_first)
            times[row, at, 0], times[row, at, 1], times[row, at, 2] = found


@compiled
def take_out(day: Day, routes: Routes, visit: int) -> tuple[int, int]:
    """Take a visit off its route; return the technician and the node behind which it was."""
    who, before = routes.links[visit, DRIVER], routes.links[visit, PRECEDING]
    unlink(routes.links, routes.tours, visit)
    retimed(day, routes, who)
    return who, before


@compiled
def put_in(day: Day, routes: Routes, who: int, visit: int, before: int) -> None:
    """Put a visit behind a node of a route."""
    link(routes.links, routes.tours, who, visit, before)
    retimed(day, routes, who)
