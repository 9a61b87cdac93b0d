"""
All places of all routes at a glance: where a visit may have time, and what it costs there at least.

Arrays over every gap between two stops leave few places to be looked at one by one. They never rule out a
place that holds, since a drive counts as at its best hour of the day.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.objectives.travel import leg_cents
from optimizer.open_route import OpenRoute
from optimizer.problem import Policy, Problem, Visit, Window
from optimizer.roads import Cells
from optimizer.traffic import EVEN
from optimizer.units import NEVER
from optimizer.work import ARRIVAL, FINISH, START

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
NO_FLOOR = NEVER
"""Discount where nothing is known about the price of an insertion."""


class Gaps(NamedTuple):
    """
    The places of one route, or of all: a row for each.

    who
        Number of the technician.
    position
        Place in the route, counted from 0.
    origin, target
        Locations before and behind.
    setup
        Set-up of the stop behind, if one comes to its site from elsewhere.
    seconds, cents
        Drive that an insertion saves.
    ahead, behind
        Earliest end of service before, latest moment to be ready behind; a column for each number of breaks.
    """

    who: Whole
    position: Whole
    origin: Whole
    target: Whole
    setup: Whole
    seconds: Whole
    cents: Whole
    ahead: Whole
    behind: Whole


class Promising(NamedTuple):
    """A place that may hold, and the least that an insertion costs there."""

    who: int
    position: int
    least: int


def gaps_of(route: OpenRoute, who: int, states: int) -> Gaps:
    """The places of one route behind whatever has begun or is locked to its place."""
    track = route.track
    count, first = len(track.visits), max(0, route.first_free - route.begun)
    here = range(first, count + 1)
    places = [route.origin, *(visit.location for visit in track.visits), route.technician.end]
    setups = [*(visit.setup for visit in track.visits), 0]
    seconds = [track.legs[at].travel if route.visits else 0 for at in here]
    metres = [track.legs[at].metres if route.visits else 0 for at in here]
    policy = route.problem.policy
    pad = states - len(track.breaks) - 1
    cents = [leg_cents(policy, *way) for way in zip(seconds, metres, strict=True)]
    return Gaps(
        who=_column([who] * len(here)),
        position=_column([route.begun + at for at in here]),
        origin=_column([places[at] for at in here]),
        target=_column([places[at + 1] for at in here]),
        setup=_column([setups[at] for at in here]),
        seconds=_column(seconds),
        cents=_column(cents),
        ahead=_column([[*track.forward[at], *[NEVER] * pad] for at in here]).reshape(-1, states),
        behind=_column([[*track.backward[at], *[-NEVER] * pad] for at in here]).reshape(-1, states),
    )


class Glance:
    """
    Every place of a plan as arrays; routes that are not open have none.

    Parameters
    ----------
    problem
        The day.
    routes
        The open routes in the order of the technicians.
    like
        Another glance, of which the routes that are the same are taken over.
    """

    def __init__(
        self, problem: Problem, routes: Sequence[OpenRoute | None], like: "Glance | None" = None
    ) -> None:
        self.problem = problem
        self.routes = tuple(routes)
        self.states: int
        self.tables: list[Gaps | None]
        self._breaks(like)
        former = zip(like.routes, like.tables, strict=True) if like is not None else ()
        known = {id(route): table for route, table in former if like and like.states == self.states}
        self.tables = [
            None if route is None else known.get(id(route)) or gaps_of(route, who, self.states)
            for who, route in enumerate(self.routes)
        ]
        tables = [table for table in self.tables if table is not None]
        self._gaps = Gaps(*map(np.concatenate, zip(*tables, strict=True))) if tables else None
        if self._gaps is not None:
            ends = np.concatenate([self._gaps.origin, self._gaps.target])
            self._ends, at = np.unique(ends, return_inverse=True)
            self._at_origin, self._at_target = at.ravel()[: ends.size // 2], at.ravel()[ends.size // 2 :]
        traffic = problem.traffic
        self._best_hour = np.array(traffic.factors).min(axis=0) if traffic is not None else None
        self._zones = np.array(traffic.zones if traffic is not None else (), dtype=np.int64)

    def _breaks(self, like: "Glance | None") -> None:
        """Rests of all technicians, as many rows as the longest list of them."""
        rests = [route.track.breaks if route is not None else () for route in self.routes]
        most = max(map(len, rests), default=0)
        self.states = 1 + max(most, like.states - 1 if like is not None else 0)
        self._rests = np.zeros((self.states - 1, 3, len(rests)), dtype=np.int64)
        for who, breaks in enumerate(rests):
            for number, pause in enumerate(breaks):
                self._rests[number, :, who] = pause.earliest, pause.latest, pause.duration

    def places(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        bound: Window | None,
        able: Flags,
        prices: Whole,
        discounts: tuple[Whole, Whole],
    ) -> Iterator[Promising]:
        """
        Where the visit may have time within one of the windows, the cheapest first.

        Parameters
        ----------
        visit
            The visit, whatever its own windows.
        windows
            Windows asked about; none for any time.
        bound
            Starts that other visits leave.
        able
            For each technician, whether to look at the route at all.
        prices
            What each technician costs beyond the drive.
        discounts
            What an insertion may save on the route of each technician, at most: in any case, and where it
            shortens the work.
        """
        if self._gaps is None:
            return
        rows = np.flatnonzero(able[self._gaps.who])
        gaps = Gaps(*(column[rows] for column in self._gaps))
        there, onward = self._ways(rows, visit)
        service = times_for(self.problem, visit)[gaps.who]
        earliest, latest = self._times(gaps, visit, there[0], onward[0])
        open_ = (earliest + service[:, None] <= latest) & (earliest < NEVER)
        starts = self._starts(visit, windows, bound, earliest, service[:, None])
        kept = np.flatnonzero((open_ & (starts <= latest - service[:, None])).any(axis=1))
        policy = self.problem.policy
        extra = _cents(policy, there, kept) + _cents(policy, onward, kept)
        who = gaps.who[kept]
        longer = (there[0] + onward[0] - gaps.seconds + service)[kept]
        least = extra - gaps.cents[kept] + prices[who] - discounts[0][who]
        least -= np.where(longer < 0, discounts[1][who], 0)
        order = np.argsort(least, kind="stable")
        columns = (column[order].tolist() for column in (who, gaps.position[kept], least))
        yield from map(Promising, *columns)

    def _ways(self, rows: Whole, visit: Visit) -> tuple[tuple[Whole, Whole], tuple[Whole, Whole]]:
        """Seconds and metres of the drives to the visit and on from it."""
        matrix, site = self.problem.matrix, [visit.location]
        to, back = matrix.block(self._ends, site), matrix.block(site, self._ends)
        first, last = self._at_origin[rows], self._at_target[rows]
        return (_cells(to[0], first), _cells(to[1], first)), (_cells(back[0], last), _cells(back[1], last))

    def _times(self, gaps: Gaps, visit: Visit, there: Whole, onward: Whole) -> tuple[Whole, Whole]:
        """Earliest moments to be ready for the visit and latest ends of its service, by breaks taken."""
        if self._best_hour is not None:
            zone, zones = self._zones[visit.location], self._zones
            there = there * self._best_hour[zones[gaps.origin], zone] // EVEN
            onward = onward * self._best_hour[zone, zones[gaps.target]] // EVEN
        setup = np.where(gaps.origin != visit.location, visit.setup, 0)
        due = gaps.behind - np.where(gaps.target != visit.location, gaps.setup, 0)[:, None]
        earliest, latest = np.full_like(gaps.ahead, NEVER), np.full_like(due, -NEVER)
        rests = self._rests[:, :, gaps.who]
        for before in range(self.states):
            for after in range(before, self.states):
                moment = _over(gaps.ahead[:, before], there, rests[before:after]) + setup
                earliest[:, after] = np.minimum(earliest[:, after], moment)
                leave = _begin(due[:, after], onward, rests[before:after])
                latest[:, before] = np.maximum(latest[:, before], leave)
        return earliest, latest

    def _starts(
        self, visit: Visit, windows: Sequence[Window], bound: Window | None, ready: Whole, service: Whole
    ) -> Whole:
        """Earliest starts of service in one of the windows for moments to be ready, NEVER if too late."""
        first, last = (bound.start, bound.end) if bound is not None else (-NEVER, NEVER)
        if not windows:
            starts = np.maximum(ready, first)
            return np.where(starts <= last, starts, NEVER)
        best = np.full_like(ready, NEVER)
        for window in windows:
            beyond: dict[str, Whole | int] = {START: 0, FINISH: -service, ARRIVAL: visit.setup}
            reach = beyond[visit.window_end]
            starts = np.maximum(ready, max(window.start, first))
            holds = (ready <= window.end + reach) & (starts <= last)
            if visit.window_end != ARRIVAL:
                holds &= starts <= window.end + reach
            best = np.where(holds, np.minimum(best, starts), best)
        return best


def _column(cells: Sequence[Any]) -> Whole:
    return np.array(cells, dtype=np.int64)


def times_for(problem: Problem, visit: Visit) -> Whole:
    """Length of service by technician."""
    if not visit.durations:
        return np.full(len(problem.technicians), visit.duration, dtype=np.int64)
    return np.array([technician.time_for(visit) for technician in problem.technicians], dtype=np.int64)


def _cents(policy: Policy, ways: tuple[Whole, Whole], at: Whole) -> Whole:
    """Prices of some of the drives."""
    prices: Any = leg_cents(policy, ways[0][at], ways[1][at])  # type: ignore[arg-type]  # for all at a time
    found: Whole = prices
    return found


def _cells(block: Cells, at: Whole) -> Whole:
    return block.ravel()[at].astype(np.int64)


def _over(ready: Whole, travel: Whole, rests: Whole) -> Whole:
    """When drives and the rests on their way are over at the earliest, as ``drives.cross``."""
    now, left, missed = ready, travel, ready >= NEVER
    for earliest, latest, duration in rests:
        begin = np.maximum(now, earliest)
        missed = missed | (begin > latest)
        left = np.maximum(0, left - (begin - now))
        now = begin + duration
    return np.where(missed, NEVER, now + left)


def _begin(deadline: Whole, travel: Whole, rests: Whole) -> Whole:
    """When to set out at the latest, as ``drives.cross_back``."""
    now, left, missed = deadline, travel, deadline <= -NEVER // 2
    for earliest, latest, duration in rests[::-1]:
        begin = np.minimum(now - duration, latest)
        missed = missed | (begin < earliest)
        left = np.maximum(0, left - (now - begin - duration))
        now = begin
    return np.where(missed, -NEVER, now - left)
