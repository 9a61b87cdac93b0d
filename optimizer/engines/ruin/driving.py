"""
Driving a route of a rich day in compiled loops: by depots, at the hour's speed, within ties.

The rows of ``times`` are those of plain days (``timing``); one more row behind the nodes holds the stop at
a depot.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import inner, wide
from optimizer.engines.ruin.hours import across, across_back
from optimizer.engines.ruin.layout import BREAKS, FOLLOWING, PRECEDING
from optimizer.engines.ruin.rich import BEHIND, DEPOT
from optimizer.engines.ruin.starts import first_start, last_ready, setup_at
from optimizer.engines.ruin.timing import CALM, FIRM
from optimizer.units import NEVER


@inner
def depot_row(day: Day) -> int:
    """Row of ``times`` for the stop at a depot."""
    return day.use.shape[0] + 2 * day.crew.shape[0]


@inner
def ready_at(day: Day, routes: Routes, who: int, row: int, here: int, there: int, taken: int) -> int:
    """Earliest arrival with so many breaks taken, coming from a place that a row of ``times`` tells of."""
    times = routes.times
    best = NEVER
    for before in range(taken + 1):
        best = min(best, across(day, who, here, there, times[row, before], before, taken))
    return best


@inner
def step_to(day: Day, routes: Routes, who: int, visit: int, row: int, here: int, target: int) -> None:
    """Drive from a place to a visit, serve it, and write the ends of service to the row ``target``."""
    setup = setup_at(day, visit, here)
    for taken in range(day.crew[who, BREAKS] + 1):
        moment = ready_at(day, routes, who, row, here, wide(day.place[visit]), taken)
        start = first_start(day, who, visit, min(NEVER, moment + setup), setup)
        routes.times[target, taken] = start + wide(day.rich.service[visit, who]) if start < NEVER else NEVER


@inner
def step_to_depot(day: Day, routes: Routes, who: int, row: int, here: int) -> int:
    """Drive from a place to the depot of a route, write its row, and return its place."""
    depot = day.rich.crew[who, DEPOT]
    there = int(day.rich.depots[depot, 0])
    for taken in range(day.crew[who, BREAKS] + 1):
        moment = ready_at(day, routes, who, row, here, there, taken)
        end = moment + day.rich.depots[depot, 1] if moment < NEVER else NEVER
        routes.times[depot_row(day), taken] = end
    return there


@inner
def drive_richly(day: Day, routes: Routes, who: int) -> int:
    """Compute the earliest ends of a route, by its depot; return when it is over, NEVER if too late."""
    links, visits = routes.links, day.use.shape[0]
    row = node = visits + who
    here = wide(day.place[node])
    visit = wide(links[node, FOLLOWING])
    while visit < visits:
        if day.rich.crew[who, BEHIND] == node:
            here = step_to_depot(day, routes, who, row, here)
            row = depot_row(day)
        step_to(day, routes, who, visit, row, here, visit)
        row = node = visit
        here, visit = wide(day.place[node]), wide(links[node, FOLLOWING])
    moment, _, _ = back_by(day, routes, who, row, here)
    return moment


@inner
def back_by(day: Day, routes: Routes, who: int, row: int, here: int) -> tuple[int, int, int]:
    """Earliest return that can be kept, and the breaks taken before the way home and by its end."""
    home = wide(day.place[day.use.shape[0] + day.crew.shape[0] + who])
    best, first, last = NEVER, -1, -1
    for before in range(day.crew[who, BREAKS] + 1):
        for after in range(before, day.crew[who, BREAKS] + 1):
            moment = across(day, who, here, home, routes.times[row, before], before, after)
            is_kept = moment <= day.limits[who, after] and moment < NEVER
            if is_kept and (moment < best or (moment == best and after > last)):
                best, first, last = moment, before, after
    return best, first, last


@inner
def leave_by(
    day: Day, routes: Routes, who: int, here: int, there: int, row: int, block: int, taken: int, setup: int
) -> int:
    """Latest departure with so many breaks taken, for a place whose latest moments a block of a row tells."""
    best = -NEVER
    for then in range(taken, day.crew[who, BREAKS] + 1):
        deadline = routes.times[row, block + then]
        if deadline > -NEVER // 2:
            best = max(best, across_back(day, who, here, there, deadline - setup, taken, then))
    return best


@inner
def bear_richly(day: Day, routes: Routes, who: int) -> None:
    """Compute the latest moments to be ready of a route from its end back, by its depot."""
    links, place, times, visits = routes.links, day.place, routes.times, day.use.shape[0]
    states = times.shape[1] // 3
    after = visits + day.crew.shape[0] + who
    node = wide(links[after, PRECEDING])
    while node < visits:
        row, there = after, wide(place[after])
        setup = setup_at(day, after, wide(place[node])) if after < visits else 0
        if day.rich.crew[who, BEHIND] == node:
            row, there, setup = _bear_depot(day, routes, who, after), int(_depot_place(day, who)), 0
        before = wide(links[node, PRECEDING])
        here = int(_depot_place(day, who)) if day.rich.crew[who, BEHIND] == before else wide(place[before])
        own = setup_at(day, node, here)
        for block in (states, 2 * states):
            for taken in range(day.crew[who, BREAKS] + 1):
                leave = leave_by(day, routes, who, wide(place[node]), there, row, block, taken, setup)
                deadline = leave - wide(day.rich.service[node, who])
                times[node, block + taken] = last_ready(day, who, node, deadline, own)
        after, node = node, before


@inner
def _depot_place(day: Day, who: int) -> int:
    return day.rich.depots[day.rich.crew[who, DEPOT], 0]


@inner
def _bear_depot(day: Day, routes: Routes, who: int, after: int) -> int:
    """Compute the latest moments at the depot of a route, before a node; return its row."""
    states = routes.times.shape[1] // 3
    row, here = depot_row(day), int(_depot_place(day, who))
    setup = setup_at(day, after, here) if after < day.use.shape[0] else 0
    for block in (states, 2 * states):
        for taken in range(day.crew[who, BREAKS] + 1):
            leave = leave_by(day, routes, who, here, wide(day.place[after]), after, block, taken, setup)
            routes.times[row, block + taken] = leave - day.rich.depots[day.rich.crew[who, DEPOT], 1]
    return row


@inner
def rich_verdict(day: Day, routes: Routes, who: int, visit: int, before: int) -> int:
    """Whether a visit has time behind a node of a route without a fetch: 0, ``FIRM`` or ``CALM``."""
    place, times = day.place, routes.times
    after = wide(routes.links[before, FOLLOWING])
    here, there = wide(place[before]), wide(place[visit])
    own = setup_at(day, visit, here)
    setup = setup_at(day, after, there) if after < day.use.shape[0] else 0
    states = times.shape[1] // 3
    found = 0
    for taken in range(day.crew[who, BREAKS] + 1):
        moment = ready_at(day, routes, who, before, here, there, taken)
        start = first_start(day, who, visit, min(NEVER, moment + own), own)
        if start >= NEVER:
            continue
        end = start + wide(day.rich.service[visit, who])
        if end <= leave_by(day, routes, who, there, wide(place[after]), after, states, taken, setup):
            if end <= leave_by(day, routes, who, there, wide(place[after]), after, 2 * states, taken, setup):
                return CALM
            found = FIRM
    return found
