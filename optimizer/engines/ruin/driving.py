"""
Driving a route of a rich day in compiled loops: by depots, at the hour's speed, within ties.

The rows of ``times`` are those of plain days (``timing``); behind the nodes each technician has a row for the
stop at a depot.
"""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat, inner, wide
from optimizer.engines.ruin.hours import across, across_back
from optimizer.engines.ruin.layout import BREAKS, FOLLOWING, PRECEDING
from optimizer.engines.ruin.rich import BEHIND, DEPOT, HANDLING, PLACE
from optimizer.engines.ruin.starts import first_start, last_ready, setup_at
from optimizer.engines.ruin.timing import CALM, FIRM
from optimizer.units import NEVER


@flat
def depot_row(day: Day, who: int) -> int:
    """Row of ``times`` for the stop of a route at a depot."""
    return day.use.shape[0] + 2 * day.crew.shape[0] + who


@flat
def depot_place(day: Day, who: int) -> int:
    """Where the depot of a route is."""
    return day.rich.depots[day.rich.crew[who, DEPOT], PLACE]


@flat
def ready_at(day: Day, routes: Routes, who: int, row: int, here: int, there: int, taken: int) -> int:
    """Earliest arrival with so many breaks taken, coming from a place that a row of ``times`` tells of."""
    times = routes.times
    best = NEVER
    for before in range(taken + 1):
        best = min(best, across(day, who, here, there, times[row, before], before, taken))
    return best


@flat
def step_to(day: Day, routes: Routes, who: int, visit: int, row: int, here: int, target: int) -> None:
    """Drive from a place to a visit, serve it, and write the ends of service to the row ``target``."""
    setup, there = setup_at(day, visit, here), wide(day.place[visit])
    for taken in range(day.crew[who, BREAKS] + 1):
        moment = ready_at(day, routes, who, row, here, there, taken)
        start = first_start(day, who, visit, min(NEVER, moment + setup), setup)
        routes.times[target, taken] = start + wide(day.rich.service[visit, who]) if start < NEVER else NEVER


@flat
def step_to_depot(day: Day, routes: Routes, who: int, row: int, here: int, target: int) -> None:
    """Drive from a place to the depot of a route, and write the ends of the stop there to a row."""
    there, handling = depot_place(day, who), day.rich.depots[day.rich.crew[who, DEPOT], HANDLING]
    for taken in range(day.crew[who, BREAKS] + 1):
        moment = ready_at(day, routes, who, row, here, there, taken)
        routes.times[target, taken] = moment + handling if moment < NEVER else NEVER


@inner
def drive_richly(day: Day, routes: Routes, who: int) -> int:
    """Compute the earliest ends of a route, by its depot; return when it is over, NEVER if too late."""
    links, visits = routes.links, day.use.shape[0]
    row = node = visits + who
    here = wide(day.place[node])
    visit = wide(links[node, FOLLOWING])
    while visit < visits:
        if day.rich.crew[who, BEHIND] == node:
            step_to_depot(day, routes, who, row, here, depot_row(day, who))
            row, here = depot_row(day, who), depot_place(day, who)
        step_to(day, routes, who, visit, row, here, visit)
        if routes.times[visit, 0] >= NEVER:
            _give_up(day, routes, visit)
            return NEVER
        row = node = visit
        here, visit = wide(day.place[node]), wide(links[node, FOLLOWING])
    moment, _, _ = back_by(day, routes, who, row, here)
    return moment


@inner
def _give_up(day: Day, routes: Routes, visit: int) -> None:
    """Say that nothing from a visit on can be kept."""
    while visit < day.use.shape[0]:
        for taken in range(routes.times.shape[1] // 3):
            routes.times[visit, taken] = NEVER
        visit = wide(routes.links[visit, FOLLOWING])


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


@flat
def _leave_by(
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
    states, count, behind = times.shape[1] // 3, day.crew[who, BREAKS], day.rich.crew[who, BEHIND]
    after = visits + day.crew.shape[0] + who
    node = wide(links[after, PRECEDING])
    while node < visits:
        row, there = after, wide(place[after])
        setup = setup_at(day, after, wide(place[node])) if after < visits else 0
        if behind == node:
            _bear_depot(day, routes, who, after)
            row, there, setup = depot_row(day, who), depot_place(day, who), 0
        before = wide(links[node, PRECEDING])
        own = setup_at(day, node, depot_place(day, who) if behind == before else wide(place[before]))
        is_calm = _is_calm(day, routes, who, row)
        for block in range(states, (2 if is_calm else 3) * states, states):
            for taken in range(count + 1):
                leave = _leave_by(day, routes, who, wide(place[node]), there, row, block, taken, setup)
                deadline = leave - wide(day.rich.service[node, who])
                times[node, block + taken] = last_ready(day, who, node, deadline, own)
        if is_calm:
            for taken in range(states, states + count + 1):
                times[node, states + taken] = times[node, taken]
        after, node = node, before
    if behind == node:
        _bear_depot(day, routes, who, after)


@flat
def _is_calm(day: Day, routes: Routes, who: int, row: int) -> bool:
    """Whether the latest moments of a row are those without overtime."""
    times, states = routes.times, routes.times.shape[1] // 3
    for taken in range(states, states + day.crew[who, BREAKS] + 1):
        if times[row, taken] != times[row, states + taken]:
            return False
    return True


@inner
def _bear_depot(day: Day, routes: Routes, who: int, after: int) -> None:
    """Compute the latest moments at the depot of a route, before a node."""
    states = routes.times.shape[1] // 3
    row, here = depot_row(day, who), depot_place(day, who)
    setup = setup_at(day, after, here) if after < day.use.shape[0] else 0
    handling = day.rich.depots[day.rich.crew[who, DEPOT], HANDLING]
    for block in (states, 2 * states):
        for taken in range(day.crew[who, BREAKS] + 1):
            leave = _leave_by(day, routes, who, here, wide(day.place[after]), after, block, taken, setup)
            routes.times[row, block + taken] = leave - handling if leave > -NEVER // 2 else -NEVER


@flat
def rich_verdict(
    day: Day, routes: Routes, who: int, visit: int, row: int, here: int, target: int, onward: int
) -> int:
    """
    Whether a visit has time between two rows of ``times``: 0, ``FIRM`` or ``CALM``.

    ``here`` and ``onward`` are the places that the rows tell of.
    """
    times, states = routes.times, routes.times.shape[1] // 3
    there, count = wide(day.place[visit]), day.crew[who, BREAKS]
    own = setup_at(day, visit, here)
    setup = setup_at(day, target, there) if target < day.use.shape[0] else 0
    found = 0
    for taken in range(count + 1):
        moment = ready_at(day, routes, who, row, here, there, taken)
        start = first_start(day, who, visit, min(NEVER, moment + own), own)
        if start >= NEVER:
            continue
        end = start + wide(day.rich.service[visit, who])
        for then in range(taken, count + 1):
            arrives = across(day, who, there, onward, end, taken, then) + setup
            if arrives <= times[target, 2 * states + then]:
                return CALM
            if arrives <= times[target, states + then]:
                found = FIRM
    return found
