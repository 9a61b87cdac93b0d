"""
Prices of one visit in many windows on a rich day: every route with the visit in it is timed, to the cent.

Most places are ruled out before, by what they cost at least and by whether the visit has time there in the
window at all; for the others the route is changed, timed and priced as the search does, and changed back.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.calls import retime_richly
from optimizer.engines.ruin.clocked import fair_price
from optimizer.engines.ruin.compiling import compiled, flat, inner, wide
from optimizer.engines.ruin.driving import rich_verdict
from optimizer.engines.ruin.hours import latest_departure, on_way
from optimizer.engines.ruin.layout import (
    BREAKS,
    EARLIEST,
    FOLLOWING,
    LATE,
    LEFT,
    ONWARD,
    PRICE,
    REST,
    UNABLE,
    Table,
    Whole,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE, TOO_DEAR, link, unlink
from optimizer.engines.ruin.quoting import BEFORE, BEGIN, POSITION, WHO, highest, set_window
from optimizer.engines.ruin.rich import BEGIN as STARTS
from optimizer.engines.ruin.rich import BY_CLOCKS, FAIR, LEAST_PACE, PAUSES, TAKEN
from optimizer.engines.ruin.starts import last_ready, setup_at
from optimizer.traffic import EVEN


@flat
def _may_take(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """Whether a technician may be sent and the van still carries all parts."""
    if day.pair[visit, who] == UNABLE or routes.tours[who, PRICE] >= IMPOSSIBLE:
        return False
    for part in range(day.use.shape[1]):
        if day.use[visit, part] > routes.tours[who, LEFT + part]:
            return False
    return True


@inner
def _spare(day: Day, routes: Routes, who: int) -> int:
    """What an insertion may save on a route at most beside its own detour."""
    saved = routes.tours[who, LATE] + day.rich.crew[who, BY_CLOCKS]
    if not day.rich.traffic:
        return saved
    # At other hours all drives may be cheaper, by as much as the best hour is below the even one.
    node, now, least, pace = day.use.shape[0] + who, 0, 0, min(EVEN, day.rich.figures[LEAST_PACE])
    while True:
        after = wide(routes.links[node, FOLLOWING])
        now += wide(routes.links[node, ONWARD])
        least += wide(day.cents[wide(day.place[node]), wide(day.place[after])]) * pace // EVEN - 1
        if after >= day.use.shape[0]:
            break
        node = after
    return saved + max(0, now - least) + fair_price(day, who, 0)


@flat
def _least(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """What the visit costs behind a node at least, but for what the rest of the route may save."""
    cents, seconds, place = day.cents, day.seconds, day.place
    after = wide(routes.links[before, FOLLOWING])
    a, b, c = wide(place[before]), wide(place[visit]), wide(place[after])
    there, less = wide(cents[a, b]) + wide(cents[b, c]), wide(routes.links[before, ONWARD])
    if day.rich.traffic:
        there = there * min(EVEN, day.rich.figures[LEAST_PACE]) // EVEN - 2
        return there + day.pair[visit, who] - max(less, wide(cents[a, c]))
    if day.rich.figures[FAIR] > 0:
        worked = wide(seconds[a, b]) + wide(seconds[b, c]) - wide(seconds[a, c])
        worked += wide(day.rich.service[visit, who])
        there += min(0, fair_price(day, who, worked) - fair_price(day, who, 0))
    return there + day.pair[visit, who] - less


@flat
def _closes(day: Day, routes: Routes, who: int, before: int) -> int:
    """Latest moment to be ready that the rest of a route bears behind a node."""
    times, after = routes.times, wide(routes.links[before, FOLLOWING])
    return times[after, times.shape[1] // 3 + day.crew[who, BREAKS]]


@inner
def _mark(
    day: Day, routes: Routes, who: int, visit: int, before: int, windows: Whole, best: Whole, least: int
) -> int:
    """Mark the windows in which a visit has time behind a node and may cost less; return their number."""
    place, count = day.place, 0
    after = wide(routes.links[before, FOLLOWING])
    row, here, onward = before, wide(place[before]), wide(place[after])
    for at in range(windows.shape[0]):
        windows[at, 2] = 0
        if least > best[at] or windows[at, 0] > _closes(day, routes, who, before):
            continue
        set_window(day.nodes, visit, 1, windows[at, 0], windows[at, 1])
        if rich_verdict(day, routes, who, visit, row, here, after, onward) > 0:
            windows[at, 2] = 1
            count += 1
    return count


@compiled
def ask_richly(
    day: Day, routes: Routes, visit: int, windows: Whole, each: int, best: Whole, chosen: Table
) -> None:
    """
    Find the cheapest position for each window, as ``quoting.ask`` does on other days.

    ``windows`` has a third column, which is written to.
    """
    visits, tours = day.use.shape[0], routes.tours
    for who in range(day.crew.shape[0]):
        if not _may_take(day, routes, who, visit):
            continue
        row, now = who if each else 0, tours[who, PRICE]
        spare = _spare(day, routes, who)
        before, position = visits + who, 0
        while before < visits or position == 0:
            following = wide(routes.links[before, FOLLOWING])
            least = _least(day, routes, who, visit, before) - spare
            if least <= highest(best, row) and _mark(
                day, routes, who, visit, before, windows, best[row], least
            ):
                link(routes.links, tours, who, visit, before)
                for at in range(windows.shape[0]):
                    if windows[at, 2] == 0:
                        continue
                    set_window(day.nodes, visit, 1, windows[at, 0], windows[at, 1])
                    retime_richly(day, routes, who)
                    if tours[who, PRICE] >= IMPOSSIBLE:
                        continue
                    price, start = tours[who, PRICE] - now, day.rich.visit[visit, STARTS]
                    if price < best[row, at] or (price == best[row, at] and start < chosen[row, at, BEGIN]):
                        best[row, at] = price
                        chosen[row, at, WHO], chosen[row, at, BEFORE] = who, before
                        chosen[row, at, POSITION], chosen[row, at, BEGIN] = position, start
                unlink(routes.links, tours, visit)
                retime_richly(day, routes, who)
            before, position = following, position + 1


@inner
def _rests(day: Day, who: int, now: int, taken: int, then: int) -> int:
    """Write the breaks of one gap, each as early as it can be, for ``hours`` to read; return their number."""
    for at in range(taken, then):
        now = max(now, day.rests[who, at, EARLIEST])
        day.rich.figures[PAUSES + 2 * (at - taken)] = now
        now += day.rests[who, at, REST]
        day.rich.figures[PAUSES + 2 * (at - taken) + 1] = now
    return then - taken


@inner
def _arrival(day: Day, routes: Routes, who: int, visit: int, before: int, begun: int) -> int:
    """When a visit of a route just timed is reached; whoever sets out from home does so as late as can be."""
    visits, has_breaks = day.use.shape[0], day.crew[who, BREAKS] > 0
    here, there = wide(day.place[before]), wide(day.place[visit])
    then = day.rich.visit[visit, TAKEN] if has_breaks else 0
    taken = day.rich.visit[before, TAKEN] if has_breaks and before < visits else 0
    now = routes.times[before, taken]
    count = _rests(day, who, now, taken, then)
    if before >= visits and begun == 0:
        setup, start = setup_at(day, visit, here), day.rich.visit[visit, STARTS]
        now = latest_departure(day, here, there, last_ready(day, who, visit, start, setup) - setup, count)
    moment, _ = on_way(day, here, there, now, count)
    return moment


@compiled
def time_richly(
    day: Day,
    routes: Routes,
    visit: int,
    windows: Whole,
    begun: Whole,
    best: Whole,
    chosen: Table,
    times: Table,
) -> None:
    """State arrival, start and slack of every insertion found by ``ask_richly``."""
    states = routes.times.shape[1] // 3
    for row in range(best.shape[0]):
        for at in range(best.shape[1]):
            if best[row, at] >= TOO_DEAR:
                continue
            who, before = chosen[row, at, WHO], chosen[row, at, BEFORE]
            set_window(day.nodes, visit, 1, windows[at, 0], windows[at, 1])
            link(routes.links, routes.tours, who, visit, before)
            retime_richly(day, routes, who)
            start = day.rich.visit[visit, STARTS]
            taken = day.rich.visit[visit, TAKEN] if day.crew[who, BREAKS] > 0 else 0
            times[row, at, 0] = _arrival(day, routes, who, visit, before, begun[who])
            times[row, at, 1] = start
            times[row, at, 2] = max(0, routes.times[visit, states + taken] - start)
            unlink(routes.links, routes.tours, visit)
            retime_richly(day, routes, who)
