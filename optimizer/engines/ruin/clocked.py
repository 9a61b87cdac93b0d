"""The final times of one route of a rich day, and the prices that they decide (as ``timing._write``)."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.driving import back_by, depot_row
from optimizer.engines.ruin.hours import across, latest_departure, on_way
from optimizer.engines.ruin.layout import EARLIEST, FOLLOWING, PRECEDING, READY, REST
from optimizer.engines.ruin.rich import (
    ANNOUNCED,
    BEGIN,
    BEGUN,
    BEHIND,
    BY_CLOCK,
    DEPOT,
    FAIR,
    NEXT_SHIFT,
    PAUSES,
    PER_HOUR,
    PER_KM,
    RESOLVE,
    RESPOND,
    RETOLD,
    RETOLD_AFTER,
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


@inner
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


@inner
def drive_price(day: Day, a: int, b: int, driven: int) -> int:
    """Price of one drive, as ``travel.leg_cents`` rounds it."""
    if not day.rich.traffic:
        return day.cents[a, b]
    prices = day.rich.figures
    scaled = 36 * int(day.rich.metres[a, b]) * prices[PER_KM] + 10 * driven * prices[PER_HOUR]
    return (scaled + 18_000) // 36_000


@inner
def _choose_breaks(day: Day, routes: Routes, who: int, last: int) -> int:
    """Write the breaks taken before each stop, on the earliest way home; return those taken by the return."""
    links, times, visits = routes.links, routes.times, day.use.shape[0]
    _, taken, final = back_by(day, routes, who, last, wide(day.place[last]))
    depot, behind = depot_row(day), day.rich.crew[who, BEHIND]
    node = last
    while node < visits:
        day.rich.visit[node, TAKEN] = taken
        before = wide(links[node, PRECEDING])
        row, here = before, wide(day.place[before])
        if before == behind:
            row, here = depot, int(day.rich.depots[day.rich.crew[who, DEPOT], 0])
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


@inner
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


@inner
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
    State all times of a route that can be kept; return the price of its drives and of what the clock decides.

    Starts of service and each visit's price are written to ``moments``, driving and service to ``work``.
    """
    rich, links, place, visits = day.rich, routes.links, day.place, day.use.shape[0]
    final = _choose_breaks(day, routes, who, last)
    node = visits + who
    now, taken, here, total, work = day.crew[who, READY], 0, wide(place[node]), 0, 0
    at_home = rich.crew[who, BEGUN] == 0
    visit = wide(links[node, FOLLOWING])
    while visit < visits:
        if rich.crew[who, BEHIND] == node:
            depot = rich.crew[who, DEPOT]
            there = int(rich.depots[depot, 0])
            then = rich.visit[visits, TAKEN]
            count = _pauses(day, who, now, taken, then)
            start = across(day, who, here, there, now, taken, then)
            if at_home:
                now, at_home = latest_departure(day, here, there, start, count), False
            _, driven = on_way(day, here, there, now, count)
            total += drive_price(day, here, there, driven)
            now, taken, here = start + rich.depots[depot, 1], then, there
            work += driven + rich.depots[depot, 1]
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
        total += price + drive_price(day, here, wide(place[visit]), driven)
        work += driven + wide(rich.service[visit, who])
        now, taken, here, node, visit = end, then, wide(place[visit]), visit, wide(links[visit, FOLLOWING])
    count = _pauses(day, who, now, taken, final)
    _, driven = on_way(day, here, wide(place[visit]), now, count)
    rich.crew[who, WORK] = work + driven + max(0, rich.crew[who, BEGUN] - 1)
    return total + drive_price(day, here, wide(place[visit]), driven)


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
