"""The final times of one route of a rich day, and the prices that they decide (as ``timing._write``)."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat, inner, wide
from optimizer.engines.ruin.driving import back_by, depot_place, depot_row
from optimizer.engines.ruin.hours import across, latest_departure, on_way
from optimizer.engines.ruin.layout import BREAKS, EARLIEST, FOLLOWING, ONWARD, PRECEDING, READY, REST
from optimizer.engines.ruin.rich import (
    ANNOUNCED,
    BEGIN,
    BEGUN,
    BEHIND,
    BY_CLOCK,
    BY_CLOCKS,
    DATED,
    DEPOT,
    FAIR,
    HANDLING,
    NEXT_SHIFT,
    PAUSES,
    PER_HOUR,
    PER_KM,
    RESOLVE,
    RESPOND,
    RETOLD,
    RETOLD_AFTER,
    STATED,
    STEP_COUNT,
    STEPS,
    TAKEN,
    WORK,
    WORKED,
)
from optimizer.engines.ruin.starts import first_start, last_ready, setup_at
from optimizer.units import NEVER

SQUARE_HOUR = 3_600 * 3_600


@inner
def late_price(day: Day, late: int) -> int:
    """Price of one lateness, as ``lateness.late_cents`` rounds it."""
    figures, total = day.rich.figures, 0
    for at in range(STEPS, STEPS + 2 * figures[STEP_COUNT], 2):
        total += max(0, late - figures[at]) * figures[at + 1]
    return (total + 1_800) // 3_600


@flat
def price_by_clock(day: Day, visit: int, arrival: int, start: int, end: int) -> int:
    """Price of a visit's lateness and of telling its customer another time."""
    known, prices = day.rich.visit, day.rich.figures
    total = 0
    if known[visit, RESPOND] < NEVER:
        total += late_price(day, arrival - known[visit, RESPOND])
    if known[visit, RESOLVE] < NEVER:
        total += late_price(day, end - known[visit, RESOLVE])
    if known[visit, ANNOUNCED] < NEVER and abs(start - known[visit, ANNOUNCED]) > prices[RETOLD_AFTER]:
        total += prices[RETOLD]
    return total


@flat
def drive_price(day: Day, a: int, b: int, driven: int) -> int:
    """Price of one drive, as ``travel.leg_cents`` rounds it."""
    if not day.rich.traffic:
        return wide(day.cents[a, b])
    prices = day.rich.figures
    scaled = 36 * wide(day.rich.metres[a, b]) * prices[PER_KM] + 10 * driven * prices[PER_HOUR]
    return (scaled + 18_000) // 36_000


@flat
def _choose_breaks(day: Day, routes: Routes, who: int, last: int) -> int:
    """Write the breaks taken before each stop, on the earliest way home; return those taken by the return."""
    links, times, visits = routes.links, routes.times, day.use.shape[0]
    _, taken, final = back_by(day, routes, who, last, wide(day.place[last]))
    depot, behind = depot_row(day, who), day.rich.crew[who, BEHIND]
    node = last
    while node < visits:
        day.rich.visit[node, TAKEN] = taken
        before = wide(links[node, PRECEDING])
        row, here = before, wide(day.place[before])
        if before == behind:
            row, here = depot, depot_place(day, who)
        target = times[node, taken] - wide(day.rich.service[node, who])
        taken = _breaks_before(day, routes, who, node, row, here, target, taken)
        if before == behind:
            day.rich.visit[visits, TAKEN] = taken
            target = times[depot, taken] - day.rich.depots[day.rich.crew[who, DEPOT], 1]
            for earlier in range(taken + 1):
                if (
                    across(day, who, wide(day.place[before]), here, times[before, earlier], earlier, taken)
                    == target
                ):
                    taken = earlier
                    break
        node = before
    return final


@flat
def _breaks_before(
    day: Day, routes: Routes, who: int, visit: int, row: int, here: int, target: int, taken: int
) -> int:
    """Breaks taken when the drive to a visit begins, so that it is served at its earliest."""
    setup = setup_at(day, visit, here)
    for before in range(taken + 1):
        moment = across(day, who, here, wide(day.place[visit]), routes.times[row, before], before, taken)
        if moment < NEVER and first_start(day, who, visit, moment + setup, setup) == target:
            return before
    return taken


@flat
def _pauses(day: Day, who: int, now: int, taken: int, then: int) -> int:
    """Write the breaks of one gap, each as early as it can be; return how many they are."""
    for at in range(taken, then):
        now = max(now, day.rests[who, at, EARLIEST])
        day.rich.figures[PAUSES + 2 * (at - taken)] = now
        now += day.rests[who, at, REST]
        day.rich.figures[PAUSES + 2 * (at - taken) + 1] = now
    return then - taken


@inner
def clock_prices(day: Day, routes: Routes, who: int, last: int) -> int:
    """
    State what the clock decides of a route that can be kept; return its price, drives included.

    Starts of service and each visit's price are written to ``visit``, driving and service to ``crew``. Where
    nothing depends on the hour the drives are added up; where besides nobody rests, or no stop's moment
    counts, the times are those of ``times``.
    """
    rich = day.rich
    if rich.traffic or (rich.crew[who, STATED] > 0 and day.crew[who, BREAKS] > 0):
        return _stated(day, routes, who, last)
    total = _driven(day, routes, who)
    return total + _stated_plainly(day, routes, who) if rich.crew[who, STATED] > 0 else total


@inner
def _driven(day: Day, routes: Routes, who: int) -> int:
    """Price of the drives of a route at any hour; driving and service are written to ``crew``."""
    links, place, seconds, visits = routes.links, day.place, day.seconds, day.use.shape[0]
    node, total, work = visits + who, 0, max(0, day.rich.crew[who, BEGUN] - 1)
    while True:
        after, here = wide(links[node, FOLLOWING]), wide(place[node])
        if day.rich.crew[who, BEHIND] == node:
            there = depot_place(day, who)
            total += day.cents[here, there]
            work += seconds[here, there] + day.rich.depots[day.rich.crew[who, DEPOT], HANDLING]
            here = there
        total += day.cents[here, wide(place[after])]
        work += seconds[here, wide(place[after])]
        if after >= visits:
            break
        work += wide(day.rich.service[after, who])
        node = after
    day.rich.crew[who, WORK] = work
    return total


@inner
def _stated_plainly(day: Day, routes: Routes, who: int) -> int:
    """State the times of a route without breaks at any hour; return what they cost."""
    rich, links, times, place, visits = day.rich, routes.links, routes.times, day.place, day.use.shape[0]
    node, total, at_home = visits + who, 0, rich.crew[who, BEGUN] == 0
    visit = wide(links[node, FOLLOWING])
    while visit < visits:
        row, here = node, wide(place[node])
        if rich.crew[who, BEHIND] == node:
            row, here, at_home = depot_row(day, who), depot_place(day, who), False
        if rich.visit[visit, DATED] > 0:
            end = times[visit, 0]
            start = end - wide(rich.service[visit, who])
            arrival = times[row, 0] + day.seconds[here, wide(place[visit])]
            if at_home:
                setup = setup_at(day, visit, here)
                arrival = last_ready(day, who, visit, start, setup) - setup
            price = price_by_clock(day, visit, arrival, start, end)
            rich.visit[visit, BEGIN], rich.visit[visit, BY_CLOCK] = start, price
            total += price
        at_home = False
        node, visit = visit, wide(links[visit, FOLLOWING])
    rich.crew[who, BY_CLOCKS] = total
    return total


@inner
def _stated(day: Day, routes: Routes, who: int, last: int) -> int:
    """State all times of a route; return the price of its drives and of what the clock decides."""
    rich, links, place, visits = day.rich, routes.links, day.place, day.use.shape[0]
    final = _choose_breaks(day, routes, who, last)
    node = visits + who
    now, taken, here, total, work = day.crew[who, READY], 0, wide(place[node]), 0, 0
    at_home = rich.crew[who, BEGUN] == 0
    visit = wide(links[node, FOLLOWING])
    while visit < visits:
        if rich.crew[who, BEHIND] == node:
            there, then = depot_place(day, who), rich.visit[visits, TAKEN]
            count = _pauses(day, who, now, taken, then)
            start = across(day, who, here, there, now, taken, then)
            if at_home:
                now, at_home = latest_departure(day, here, there, start, count), False
            _, driven = on_way(day, here, there, now, count)
            total += drive_price(day, here, there, driven)
            handling = rich.depots[rich.crew[who, DEPOT], HANDLING]
            now, taken, here = start + handling, then, there
            work += driven + handling
        then, setup = rich.visit[visit, TAKEN], setup_at(day, visit, here)
        count = _pauses(day, who, now, taken, then)
        moment = across(day, who, here, wide(place[visit]), now, taken, then) + setup
        start = first_start(day, who, visit, moment, setup)
        if at_home:
            due = last_ready(day, who, visit, start, setup) - setup
            now, at_home = latest_departure(day, here, wide(place[visit]), due, count), False
        arrival, driven = on_way(day, here, wide(place[visit]), now, count)
        end = start + wide(rich.service[visit, who])
        price = price_by_clock(day, visit, arrival, start, end)
        rich.visit[visit, BEGIN], rich.visit[visit, BY_CLOCK] = start, price
        links[node, ONWARD] = drive_price(day, here, wide(place[visit]), driven)
        rich.crew[who, BY_CLOCKS] += price
        total += price + wide(links[node, ONWARD])
        work += driven + wide(rich.service[visit, who])
        now, taken, here, node, visit = end, then, wide(place[visit]), visit, wide(links[visit, FOLLOWING])
    count = _pauses(day, who, now, taken, final)
    _, driven = on_way(day, here, wide(place[visit]), now, count)
    rich.crew[who, WORK] = work + driven + max(0, rich.crew[who, BEGUN] - 1)
    links[node, ONWARD] = drive_price(day, here, wide(place[visit]), driven)
    return total + wide(links[node, ONWARD])


@inner
def fair_price(day: Day, who: int, more: int) -> int:
    """Price of one person's work over all shifts, as ``fairness.person_cents`` rounds it, with some more."""
    if day.rich.figures[FAIR] == 0:
        return 0
    before, planned = day.rich.crew[who, WORKED], more
    shift = who
    while True:
        planned += day.rich.crew[shift, WORK]
        shift = day.rich.crew[shift, NEXT_SHIFT]
        if shift == who:
            break
    square = (before + planned) * (before + planned) - before * before
    return (day.rich.figures[FAIR] * square + SQUARE_HOUR // 2) // SQUARE_HOUR
