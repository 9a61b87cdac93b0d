"""The day as the bound sees it: what is dear and possible for each kind of technician, in arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.bounds.labels import BREAKS, IDLE, LIMIT, RATE, READY, SHIFT_END, Way, Whole
from optimizer.constraints import may_go
from optimizer.drives import entries, latest_return, opening
from optimizer.fetching import on_van
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.preference import pair_cents as preference_cents
from optimizer.objectives.stability import pair_cents
from optimizer.objectives.travel import leg_cents
from optimizer.objectives.unserved import visit_cents
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import timetable
from optimizer.traffic import EVEN
from optimizer.units import Cents

MOST_PARTS = 4
"""Parts counted along a way; more are left out of sight, the least wanted first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    Technicians whose days are alike.

    way
        Their day.
    crew
        Who they are, as numbers in the order of the problem.
    """

    way: Way
    crew: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """
    A day to be bounded.

    visits
        Those not begun; their numbers are the nodes.
    kinds
        Technicians who can serve any of them.
    left_out
        (n) price of leaving each visit out.
    fixed
        Price of what has begun, ways home included, as it is without any further stop.
    uncounted
        Parts that may run out and are not counted.
    """

    visits: tuple[Visit, ...]
    kinds: tuple[Kind, ...]
    left_out: Whole
    fixed: Cents
    uncounted: tuple[str, ...]


def day_to_bound(problem: Problem) -> Sight:
    """Turn a problem into the arrays of the bound."""
    visits = tuple(visit for visit in problem.visits if not problem.is_begun(visit.id))
    contested = _contested(problem, visits)
    kinds: dict[bytes, tuple[Way, list[int]]] = {}
    for who, technician in enumerate(problem.technicians):
        way = _way(problem, technician, visits, contested[:MOST_PARTS])
        if way.able.any():
            key = b"|".join(array.tobytes() for array in way)
            kinds.setdefault(key, (way, []))[1].append(who)
    left_out = np.array([visit_cents(problem, visit) for visit in visits], dtype=np.int64)
    return Sight(
        visits,
        tuple(Kind(way, tuple(crew)) for way, crew in kinds.values()),
        left_out,
        sum(_begun_cents(problem, technician) for technician in problem.technicians),
        tuple(contested[MOST_PARTS:]),
    )


def _contested(problem: Problem, visits: Sequence[Visit]) -> list[str]:
    """Parts that may run out on a van and that nobody can fetch, the scarcest first."""
    if problem.depots:
        return []
    want: dict[str, list[int]] = {}
    for visit in visits:
        for part, quantity in visit.parts.items():
            if quantity > 0:
                want.setdefault(part, []).append(quantity)
    vans = [on_van(problem, technician) for technician in problem.technicians]
    least = {part: min((van.get(part, 0) for van in vans), default=0) for part in want}
    scarce = [part for part in sorted(want) if len(want[part]) > 1 and sum(want[part]) > least[part]]
    return sorted(scarce, key=lambda part: (-sum(want[part]) / (1 + least[part]), part))


def _way(problem: Problem, technician: Technician, visits: Sequence[Visit], counted: Sequence[str]) -> Way:
    """The day of one technician."""
    begin = opening(problem, technician)
    van = on_van(problem, technician)
    places = [*(visit.location for visit in visits), begin.location, technician.end]
    seconds, cents = _drives(problem, places)
    cents[:, : len(visits)] += np.array(
        [pair_cents(problem, technician, v) + preference_cents(problem, technician, v) for v in visits],
        dtype=np.int64,
    )
    home = technician.shift.end + technician.overtime
    limits = [latest_return(home, begin.breaks[taken:]) for taken in range(len(begin.breaks) + 1)]
    clock = np.zeros(6, dtype=np.int64)
    clock[READY], clock[LIMIT], clock[SHIFT_END] = begin.ready, max(limits), technician.shift.end
    clock[RATE], clock[BREAKS] = problem.policy.overtime_cents_per_minute, len(begin.breaks)
    clock[IDLE] = _idle_cents(problem, technician)
    rests = [(pause.earliest, pause.latest, pause.duration) for pause in begin.breaks]
    windows, many = _windows(problem, technician, visits)
    return Way(
        seconds=seconds,
        cents=cents,
        places=np.array(places, dtype=np.int64),
        able=np.array([may_go(problem, technician, visit) for visit in visits], dtype=np.bool_),
        windows=windows,
        many=many,
        length=np.array([technician.time_for(visit) for visit in visits], dtype=np.int64),
        setup=np.array([visit.setup for visit in visits], dtype=np.int64),
        rests=np.array(rests, dtype=np.int64).reshape(-1, 3),
        limits=np.array(limits, dtype=np.int64),
        clock=clock,
        use=np.array(
            [[visit.parts.get(part, 0) for part in counted] for visit in visits], dtype=np.int64
        ).reshape(len(visits), len(counted)),
        stock=np.array([van.get(part, 0) for part in counted], dtype=np.int64),
    )


def _windows(problem: Problem, technician: Technician, visits: Sequence[Visit]) -> tuple[Whole, Whole]:
    """First start, last moment to be ready after setting up and without, of each window; their numbers."""
    open_ = [
        list(
            zip(
                entries(problem, technician, visit, visit.setup),
                entries(problem, technician, visit, 0),
                strict=True,
            )
        )
        for visit in visits
    ]
    table = np.zeros((len(visits), max([1, *map(len, open_)]), 3), dtype=np.int64)
    for node, pairs in enumerate(open_):
        for at, (after_setup, without) in enumerate(pairs):
            table[node, at] = after_setup.first, after_setup.reach, without.reach
    return table, np.array([len(pairs) for pairs in open_], dtype=np.int64)


def _drives(problem: Problem, places: Sequence[int]) -> tuple[Whole, Whole]:
    """Seconds and price of every drive between places, at the best hour and by a depot where that is less."""
    depots = [depot.location for depot in problem.depots]
    every = [*places, *depots]
    seconds, metres = (np.asarray(cells, dtype=np.int64) for cells in problem.matrix.block(every, every))
    if problem.traffic is not None:
        zones = np.array([problem.traffic.zones[place] for place in every], dtype=np.int64)
        least = np.array(problem.traffic.factors, dtype=np.int64).min(axis=0)
        seconds = seconds * least[np.ix_(zones, zones)] // EVEN
    seconds = seconds.copy()
    cents: Whole = np.array(leg_cents(problem.policy, seconds, metres))  # type: ignore[arg-type]
    count = len(places)
    for depot in range(count, len(every)):
        for table in (seconds, cents):
            np.minimum(table, table[:, depot, None] + table[None, depot, :], out=table)
    return seconds[:count, :count].copy(), cents[:count, :count].copy()


def _idle_cents(problem: Problem, technician: Technician) -> Cents:
    """Price of the rest of a day without any further stop: the way home, and its overtime."""
    begun = problem.begun_by(technician.id)
    if not begun:
        return 0
    route = timetable(problem, technician, begun)
    home = leg_cents(problem.policy, route.return_travel, route.return_metres)
    return home + route_cents(problem.policy, technician, route.return_time)


def _begun_cents(problem: Problem, technician: Technician) -> Cents:
    """Price of a technician's day without any further stop."""
    total, place = _idle_cents(problem, technician), technician.start
    for visit in problem.begun_by(technician.id):
        total += leg_cents(problem.policy, *problem.matrix.leg(place, visit.location))
        total += pair_cents(problem, technician, visit)
        place = visit.location
    return total
