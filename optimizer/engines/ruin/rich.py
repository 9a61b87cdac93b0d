"""
What a day has beyond plain routes, as arrays: prices by the clock, traffic, depots, ties of visits.

Few wide tables rather than many narrow ones: compiled loops pass every array with each call, and compiling
takes its time with each of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.constraints.precedence import earliest
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import Need, needs_of, teams
from optimizer.drives import begun_start
from optimizer.engines.ruin.far import CALLS
from optimizer.engines.ruin.layout import Index, Whole
from optimizer.engines.ruin.uncovered import REFERENCE, Uncovered
from optimizer.features import AFTER, FETCH, LATENESS, SAME, SHIFTS, TEAM, features
from optimizer.features import ANNOUNCED as TOLD
from optimizer.objectives.fairness import work_of
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.travel import leg_cents
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import timetable
from optimizer.traffic import EVEN
from optimizer.units import NEVER, Cents
from optimizer.work import ARRIVAL, FINISH, START

SETUP, MEANING, RESPOND, RESOLVE, ANNOUNCED = range(5)
TEAM_NEXT, GROUP_NEXT, WANTED, HAND, TIED = range(5, 10)
LOW, HIGH, LEAST, MOST, FORMER, BEST_LOW = 10, 11, 12, 13, 14, 16
BEGIN, BY_CLOCK, TAKEN = range(18, 21)
DATED, NEXT_TIED, TRIED, ASKED = range(21, 25)
"""
``visit``: set-up, what a window's end bounds, limits of arrival and end, announced start; next visit of the
team and of the hand (in a ring, -1 for none), needs of the team as bits, person of the hand (or -1),
whether it depends on others or others on it; first and last start that ties leave it now, at least, before
the iteration and in the best plan (two each); as last timed: start of service, price that the clock
decides, breaks taken before; whether its moments have a price or bind others, the next visit that depends
on others or others on it (-1 for none), iteration in which its team was last tried, who would go while the
others of its team are looked for (or -1). The last row is for a depot, and names the first of those tied.
"""
FROM_START, FROM_ARRIVAL, FROM_FINISH = range(3)
MEANINGS = {START: FROM_START, ARRIVAL: FROM_ARRIVAL, FINISH: FROM_FINISH}
PERSON, WORKED, BEGUN, NEXT_SHIFT, HELD, WORK, OWN, IDLE_WORK = range(8)
STATED, BY_CLOCKS, BEHIND, DEPOT, FETCHED = range(8, 13)
"""
``crew``: first shift of the person, seconds worked in the period, 1 + seconds of the begun part of the day
or 0, next shift of the person (in a ring), needs of teams met as bits; seconds of driving and service, price
without that of all work of the person, seconds of an idle day, number of stops whose moments count, what
the clock costs at them; node behind which the route goes by a depot, or -1, which one, the parts fetched
there, and those the van still has on arrival there.
"""
RETOLD_AFTER, RETOLD, FAIR, PER_KM, PER_HOUR, LEAST_PACE, STEP_COUNT, STEPS = range(8)
MOST_STEPS = 16
MIDNIGHTS = STEPS + 2 * MOST_STEPS
DAYS = 40
PAUSES = MIDNIGHTS + DAYS
"""``figures``: prices of the policy, lowest factor of travel, steps of lateness with the price of an hour
from each on, midnights, and start and end of the breaks of one drive (scratch)."""
FIRST, THEN, DELAY, NEXT_DAY = range(4)
"""``waits``: a visit, the one that waits for it, and how."""
PLACE, HANDLING, SHELF = range(3)
"""``depots``: place, seconds of a fetch; parts there, and what is left of them."""


MOST_NEEDS = 60
"""Bits of a number that tell what somebody holds."""
KEPT_BESIDE = 12
"""Columns of ``kept`` beside times and parts, at least."""


class Rich(NamedTuple):
    """
    Everything about a day that plain routes lack; columns are named above.

    used, clocked, traffic, fetching, shared, tied
        Whether there is anything; whether starts of service have prices, travel depends on the hour, parts
        can be fetched, somebody has several shifts, visits are tied.
    service
        (n, m) seconds of service.
    visit, crew, waits, depots
        (n + 1, columns), (m, columns), (ties, columns), (d, columns).
    figures
        Prices and moments, named above.
    hours, metres
        Number of zones, place of the first factor, zone of each place, then factors by hour and zones;
        (places, places). Empty without traffic.
    kept
        (n + m, columns) times and figures of the stops and days of routes that an iteration changes, as they
        were before it (``keeping``).
    calls
        Addresses of compiled loops (``far``).
    """

    used: bool
    clocked: bool
    traffic: bool
    fetching: bool
    shared: bool
    tied: bool
    service: Index
    visit: Whole
    crew: Whole
    waits: Whole
    depots: Whole
    figures: Whole
    hours: Index
    metres: Index
    kept: Whole
    calls: Whole


def rich_of(
    problem: Problem, visits: Sequence[Visit], places: tuple[Index, Index], parts: Sequence[str]
) -> Rich:
    """Turn what is beyond plain routes into arrays; ``places`` of the nodes, before and after numbering."""
    found = features(problem)
    given, numbered = places
    location = np.zeros(int(numbered.max(initial=-1)) + 1, dtype=np.int64)
    location[numbered] = given
    node = {visit.id: at for at, visit in enumerate(visits)}
    whole = [members for members in teams(problem).values() if all(v.id in node for v in members)]
    return Rich(
        used=bool(found),
        clocked=bool(found & {LATENESS, TOLD}),
        traffic=problem.traffic is not None,
        fetching=FETCH in found,
        shared=SHIFTS in found,
        tied=bool(found & {TEAM, AFTER, SAME}),
        service=_service(visits, problem.technicians),
        visit=_visits(problem, visits, node, whole),
        crew=_crew(problem, whole, len(parts)),
        waits=_waits(visits, node),
        depots=_depots(problem, numbered, parts),
        figures=_figures(problem),
        hours=_hours(problem, location),
        metres=_metres(problem, location),
        kept=_kept(problem, len(visits) if found else 0, len(parts)),
        calls=np.zeros(CALLS, dtype=np.int64),
    )


def _service(visits: Sequence[Visit], crew: Sequence[Technician]) -> Index:
    table = np.zeros((len(visits), len(crew)), dtype=np.int32)
    for row, visit in zip(table, visits, strict=True):
        row[:] = [t.time_for(visit) for t in crew] if visit.durations else visit.duration
    return table


def _visits(
    problem: Problem, visits: Sequence[Visit], node: dict[str, int], whole: Sequence[Sequence[Visit]]
) -> Whole:
    table = np.full((len(visits) + 1, ASKED + 1), -1, dtype=np.int64)
    table[:, (LOW, LEAST, FORMER, BEST_LOW)] = -NEVER
    table[:, (HIGH, MOST, FORMER + 1, BEST_LOW + 1)] = NEVER
    table[:, (WANTED, BY_CLOCK, TIED)] = 0
    for row, visit in zip(table, visits, strict=False):
        row[SETUP] = visit.setup
        row[MEANING] = FROM_START if problem.is_timed(visit.id) else MEANINGS[visit.window_end]
        limits = (visit.respond_by, visit.resolve_by, visit.announced)
        row[[RESPOND, RESOLVE, ANNOUNCED]] = [NEVER if limit is None else limit for limit in limits]
        row[LOW] = row[LEAST] = _least(problem, visit)
        if visit.after:
            row[TIED] = 1
            table[[node[after.visit_id] for after in visit.after if after.visit_id in node], TIED] = 1
    bits = _bits(whole)
    for members in whole:
        if len(members) > 1:
            ring = [node[visit.id] for visit in members]
            table[ring, TEAM_NEXT] = ring[1:] + ring[:1]
            table[ring, WANTED] = sum(1 << bits[need] for need in needs_of(members))
            table[ring, TIED] = 1
    for hand in groups(problem).values():
        ring = [node[visit.id] for visit in hand if visit.id in node]
        table[ring, GROUP_NEXT] = ring[1:] + ring[:1]
        table[ring, HAND] = _hand_of(problem, hand)
    table[:, DATED] = (table[:, (RESPOND, RESOLVE, ANNOUNCED)] < NEVER).any(axis=1) | (table[:, TIED] > 0)
    tied = np.flatnonzero(table[:, TIED] > 0)
    table[[len(visits), *tied], NEXT_TIED] = [*tied, -1]
    return table


def _least(problem: Problem, visit: Visit) -> int:
    """First start that stops already begun leave to a visit."""
    least = -NEVER
    for technician in problem.technicians if visit.after else ():
        for first in problem.begun_by(technician.id):
            end = begun_start(problem, first) + technician.time_for(first)
            for after in visit.after:
                if after.visit_id == first.id:
                    least = max(least, earliest(problem, after, end))
    return least


def _bits(whole: Sequence[Sequence[Visit]]) -> dict[Need, int]:
    """A bit for each skill and level, and for each set of papers of a lead, that any team wants."""
    wanted = sorted({need for members in whole for need in needs_of(members)})
    if len(wanted) > MOST_NEEDS:
        raise Uncovered(f"teams want {len(wanted)} different skills", REFERENCE)
    return {need: bit for bit, need in enumerate(wanted)}


def _crew(problem: Problem, whole: Sequence[Sequence[Visit]], parts: int) -> Whole:
    shifts: dict[str, list[int]] = {}
    for at, technician in enumerate(problem.technicians):
        shifts.setdefault(technician.who, []).append(at)
    bits = _bits(whole)
    table = np.zeros((len(problem.technicians), FETCHED + 2 * parts), dtype=np.int64)
    table[:, BEHIND] = -1
    for at, (row, technician) in enumerate(zip(table, problem.technicians, strict=True)):
        ring = shifts[technician.who]
        row[PERSON], row[NEXT_SHIFT] = ring[0], ring[(ring.index(at) + 1) % len(ring)]
        row[WORKED] = max(problem.technicians[shift].worked for shift in ring)
        held = (bit for need, bit in bits.items() if need.is_met_by(problem, technician))
        row[HELD] = sum(1 << bit for bit in held)
        if begun := problem.begun_by(technician.id):
            route = timetable(problem, technician, begun)
            row[IDLE_WORK] = work_of(route)
            row[BEGUN] = 1 + work_of(route) - route.return_travel
        row[WORK], row[OWN] = row[IDLE_WORK], idle_price(problem, technician)
    return table


def idle_price(problem: Problem, technician: Technician) -> Cents:
    """Price of the way home after the stops already begun, overtime included."""
    begun = problem.begun_by(technician.id)
    if not begun:
        return 0
    route = timetable(problem, technician, begun)
    home = leg_cents(problem.policy, route.return_travel, route.return_metres)
    return home + route_cents(problem.policy, technician, route.return_time)


def _hand_of(problem: Problem, visits: Sequence[Visit]) -> int:
    """First shift of the person who has begun a visit of the hand, -1 for nobody."""
    first: dict[str, int] = {}
    for at, technician in enumerate(problem.technicians):
        first.setdefault(technician.who, at)
    for technician in problem.technicians:
        if any(visit in visits for visit in problem.begun_by(technician.id)):
            return first[technician.who]
    return -1


def _waits(visits: Sequence[Visit], node: dict[str, int]) -> Whole:
    rows = [
        (node[after.visit_id], node[visit.id], after.delay, after.next_day)
        for visit in visits
        for after in visit.after
        if after.visit_id in node
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, NEXT_DAY + 1)


def _depots(problem: Problem, numbered: Index, parts: Sequence[str]) -> Whole:
    table = np.zeros((len(problem.depots), SHELF + 2 * len(parts)), dtype=np.int64)
    for row, place, depot in zip(table, numbered[numbered.size - len(table) :], problem.depots, strict=True):
        row[PLACE], row[HANDLING] = place, depot.handling
        row[SHELF:] = [depot.stock.get(part, 0) for part in parts] * 2
    return table


def _figures(problem: Problem) -> Whole:
    policy = problem.policy
    if len(policy.lateness) > MOST_STEPS:
        raise Uncovered(f"lateness has {len(policy.lateness)} steps", f"use at most {MOST_STEPS}")
    breaks = max((len(technician.breaks) for technician in problem.technicians), default=0)
    table = np.zeros(PAUSES + 2 * (breaks + 1), dtype=np.int64)
    table[RETOLD_AFTER], table[RETOLD] = policy.retold_after, policy.retold_cents
    table[FAIR] = policy.fairness_cents
    table[PER_KM], table[PER_HOUR] = policy.travel_cents_per_km, policy.travel_cents_per_hour
    table[LEAST_PACE] = EVEN if problem.traffic is None else np.min(problem.traffic.factors)
    table[STEP_COUNT] = len(policy.lateness)
    for at, step in enumerate(policy.lateness):
        table[STEPS + 2 * at : STEPS + 2 * at + 2] = step.after, step.cents_per_hour
    table[MIDNIGHTS:PAUSES] = [problem.midnight(day) for day in range(DAYS)]
    return table


def _kept(problem: Problem, visits: int, parts: int) -> Whole:
    breaks = max((len(technician.breaks) for technician in problem.technicians), default=0)
    rows = visits + len(problem.technicians) if visits else 0
    return np.zeros((rows, 3 * (breaks + 1) + KEPT_BESIDE + 3 * parts), dtype=np.int64)


def _hours(problem: Problem, location: NDArray[np.int64]) -> Index:
    if problem.traffic is None:
        return np.zeros(0, dtype=np.int32)
    factors = np.array(problem.traffic.factors, dtype=np.int32)
    zones = [problem.traffic.zones[at] for at in location]
    return np.concatenate(
        [np.array([factors.shape[1], 2 + len(zones), *zones], dtype=np.int32), factors.ravel()],
        dtype=np.int32,
    )


def _metres(problem: Problem, location: NDArray[np.int64]) -> Index:
    if problem.traffic is None:
        return np.zeros((0, 0), dtype=np.int32)
    return np.ascontiguousarray(problem.matrix.block(location, location)[1], dtype=np.int32)
