"""
Times along one route: departure, arrivals, waiting, service, breaks, return and slack.

A technician leaves the start as late as the first service allows, drives on at once after each service,
waits for a window to open, and takes each break at its earliest possible moment between two services; a
break may interrupt a drive. Of all ways to place the breaks the one with the earliest return is chosen.
"""

from collections.abc import Sequence

from optimizer.drives import (
    Leg,
    Opening,
    begun_start,
    cross,
    cross_back,
    entries,
    latest_ready,
    latest_return,
    leg_between,
    opening,
    service_start,
)
from optimizer.errors import InfeasibleRoute
from optimizer.fetching import FetchCall, lacking, on_van, ways_to_fetch
from optimizer.plan import BreakTaken, Fetch, Route, Stop
from optimizer.problem import Break, Problem, Technician, Visit
from optimizer.units import NEVER, Seconds, clock

__all__ = [
    "Opening",
    "Track",
    "arrival_on_way",
    "latest_return",
    "opening",
    "slacks",
    "timetable",
    "track_of",
]


class Track:
    """
    Feasibility arrays of the open part of one route.

    ``forward[p][k]`` is the earliest end of service at stop ``p - 1`` (``p = 0``: the opening) with ``k``
    breaks taken; ``backward[p][k]`` the latest moment to be ready for service at stop ``p`` (``p = len``: the
    return) with ``k`` breaks taken before it that lets the rest of the day succeed.
    """

    __slots__ = (
        "_backward",
        "breaks",
        "entries",
        "forward",
        "home",
        "legs",
        "problem",
        "services",
        "technician",
        "visits",
    )

    def __init__(
        self, problem: Problem, technician: Technician, begin: Opening, *, visits: Sequence[Visit]
    ) -> None:
        self.problem = problem
        self.technician = technician
        self.visits = tuple(visits)
        self.breaks = begin.breaks
        places = (begin.location, *(v.location for v in visits), technician.end)
        setups = (*(v.setup for v in visits), 0)
        self.legs = tuple(
            leg_between(problem, here, there, setup=setup)
            for here, there, setup in zip(places[:-1], places[1:], setups, strict=True)
        )
        self.services = tuple(technician.time_for(v) for v in visits)
        self.entries = tuple(
            entries(problem, technician, v, leg.setup) for v, leg in zip(visits, self.legs, strict=False)
        )
        self.home = technician.shift.end + technician.overtime
        self.forward = self._forward(begin.ready)
        self._backward: list[list[Seconds]] | None = None

    @property
    def backward(self) -> list[list[Seconds]]:
        """Latest moments for a return within shift and overtime; worked out when somebody asks."""
        if self._backward is None:
            self._backward = self.backward_from(self.home)
        return self._backward

    def _forward(self, ready: Seconds) -> list[list[Seconds]]:
        """Earliest ends of service from the opening on."""
        ahead = [[ready] + [NEVER] * len(self.breaks)]
        for position, service in enumerate(self.services):
            moments = self.arrivals(ahead[position], self.legs[position])
            starts = [service_start(m, self.entries[position]) if m < NEVER else NEVER for m in moments]
            ahead.append([s + service if s < NEVER else NEVER for s in starts])
        return ahead

    def backward_from(self, limit: Seconds) -> list[list[Seconds]]:
        """Latest moments to be ready for a return not after ``limit``."""
        count = len(self.breaks) + 1
        behind = [[latest_return(limit, self.breaks[k:]) for k in range(count)]]
        for position in range(len(self.visits) - 1, -1, -1):
            ends = self.departures(behind[-1], self.legs[position + 1])
            service = self.services[position]
            behind.append([latest_ready(e - service, self.entries[position]) for e in ends])
        behind.reverse()
        return behind

    def arrivals(self, ends: Sequence[Seconds], leg: Leg) -> list[Seconds]:
        """Earliest moments to be ready, for earliest departures, both by number of breaks taken."""
        breaks = self.breaks
        best = [cross(e, leg.travel, (), leg.pace) + leg.setup if e < NEVER else NEVER for e in ends]
        if not breaks:
            return best
        for taken, ready in enumerate(ends):
            if ready >= NEVER:
                continue
            for then in range(taken + 1, len(ends)):
                moment = cross(ready, leg.travel, breaks[taken:then], leg.pace)
                if moment >= NEVER:
                    break
                best[then] = min(best[then], moment + leg.setup)
        return best

    def departures(self, deadlines: Sequence[Seconds], leg: Leg) -> list[Seconds]:
        """Latest departures by number of breaks taken before it, for latest moments to be ready."""
        breaks = self.breaks
        best = [
            cross_back(d - leg.setup, leg.travel, (), leg.pace) if d > -NEVER // 2 else -NEVER
            for d in deadlines
        ]
        for taken in range(len(deadlines)):
            for then in range(taken + 1, len(deadlines)):
                if deadlines[then] > -NEVER // 2:
                    end = deadlines[then] - leg.setup
                    best[taken] = max(best[taken], cross_back(end, leg.travel, breaks[taken:then], leg.pace))
        return best


def timetable(problem: Problem, technician: Technician, visits: Sequence[Visit]) -> Route:
    """
    Drive the visits in this order, by a depot where parts are lacking, and state every time.

    Raises
    ------
    InfeasibleRoute
        When a window, a break, the shift or the stock cannot be kept; ``rule`` names which.
    """
    begin = opening(problem, technician)
    count = len(begin.begun)
    if tuple(v.id for v in visits[:count]) != tuple(v.id for v in begin.begun):
        raise InfeasibleRoute("LOCK", technician.id, f"{technician.name} has begun other stops first")
    track, taken = track_of(problem, technician, begin, visits[count:])
    return _write(problem, track, begin, taken)


def track_of(
    problem: Problem, technician: Technician, begin: Opening, visits: Sequence[Visit]
) -> tuple[Track, list[int]]:
    """Arrays of the open part of a route, fetches included, and the breaks taken by the end of each gap."""
    missed: InfeasibleRoute | None = None
    for calls in ways_to_fetch(problem, technician, begin.location, visits):
        track = Track(problem, technician, begin, visits=calls)
        try:
            return track, _choose_breaks(track, open_stops=bool(visits))
        except InfeasibleRoute as broken:
            missed = missed or broken
    if missed is not None:
        raise missed
    short, _ = lacking(on_van(problem, technician), visits)
    cause = f"no depot has what the van of {technician.name} lacks: {', '.join(short)}"
    raise InfeasibleRoute("PARTS", technician.id, cause)


def _choose_breaks(track: Track, *, open_stops: bool) -> list[int]:
    """Breaks taken by the end of each gap, for the earliest return; the last entry is the return."""
    _explain_missed(track)
    leg = track.legs[-1]
    best: tuple[Seconds, int, int] | None = None
    limits = latest_returns(track, NEVER // 4 if not open_stops else track.home)
    for before, ready in enumerate(track.forward[-1]):
        for after in range(before, len(limits)):
            moment = (
                cross(ready, leg.travel, track.breaks[before:after], leg.pace) if ready < NEVER else NEVER
            )
            if moment <= limits[after] and (best is None or (moment, -after) < (best[0], -best[2])):
                best = (moment, before, after)
    if best is None:
        _explain_return(track)
    taken = [best[2], best[1]] if best else []
    for position in range(len(track.visits) - 1, -1, -1):
        taken.append(_breaks_before(track, position, taken[-1]))
    taken.reverse()
    return taken[1:]


def latest_returns(track: Track, limit: Seconds) -> list[Seconds]:
    """Latest return by number of breaks taken before it."""
    return [latest_return(limit, track.breaks[k:]) for k in range(len(track.breaks) + 1)]


def _breaks_before(track: Track, position: int, taken: int) -> int:
    """Breaks already taken when the gap before a stop begins, on the earliest way to serve that stop."""
    leg = track.legs[position]
    target = track.forward[position + 1][taken] - track.services[position]
    for before in range(taken + 1):
        ready = track.forward[position][before]
        if ready >= NEVER:
            continue
        moment = cross(ready, leg.travel, track.breaks[before:taken], leg.pace)
        if moment < NEVER and service_start(moment + leg.setup, track.entries[position]) == target:
            return before
    raise AssertionError("an earliest time without a way to it")


def _explain_missed(track: Track) -> None:
    """Raise the rule broken at the first stop that cannot be served in time."""
    for position, visit in enumerate(track.visits):
        if min(track.forward[position + 1]) < NEVER:
            continue
        moment = min(track.arrivals(track.forward[position], track.legs[position]))
        if moment >= NEVER:
            raise InfeasibleRoute("BREAK", track.technician.id, "a break cannot begin in time")
        closing = max(entry.reach for entry in track.entries[position])
        limit = clock(closing) if closing > -NEVER else "it could begin at all"
        cause = f"visit {visit.id} is reached at {clock(moment)}, after {limit}"
        raise InfeasibleRoute("ARRIVAL_WINDOW", visit.id, cause)


def _explain_return(track: Track) -> None:
    """Raise the rule that the way home breaks."""
    earliest = min(track.arrivals(track.forward[-1], track.legs[-1]))
    name = track.technician.name
    if track.home < earliest < NEVER:
        cause = f"{name} is back at {clock(earliest)}, after {clock(track.home)}"
        raise InfeasibleRoute("SHIFT", track.technician.id, cause)
    raise InfeasibleRoute("BREAK", track.technician.id, f"a break of {name} cannot be kept")


def _write(problem: Problem, track: Track, begin: Opening, taken: Sequence[int]) -> Route:
    """State all times of a route whose breaks have been placed."""
    technician = track.technician
    stops = _begun_stops(problem, technician, begin)
    departure = stops[0].arrival - stops[0].travel if stops else begin.ready
    is_at_home = not stops
    pauses: list[BreakTaken] = []
    fetches: list[Fetch] = []
    now, before = begin.ready, 0
    for position, visit in enumerate(track.visits):
        leg = track.legs[position]
        gap = track.breaks[before : taken[position]]
        moment = cross(now, leg.travel, gap, leg.pace) + leg.setup
        start = service_start(moment, track.entries[position])
        rests = _rests(now, gap)
        if is_at_home:
            due = latest_ready(start, track.entries[position]) - leg.setup
            departure = now = _latest_departure(due, leg, rests)
            is_at_home = False
        arrival, travel = arrival_on_way(now, leg, rests)
        end = start + track.services[position]
        if isinstance(visit, FetchCall):
            parts = lacking(on_van(problem, technician), track.visits)[0]
            at = len(stops)
            fetches.append(Fetch(visit.depot, at, arrival, start, end, travel, leg.metres, parts))
        else:
            stops.append(Stop(visit.id, arrival, start, end, travel, leg.metres))
        pauses += rests
        now, before = end, taken[position]
    leg = track.legs[-1]
    rests = _rests(now, track.breaks[before : taken[-1]])
    return_time, travel = arrival_on_way(now, leg, rests)
    pauses += rests
    pauses += _rests(return_time, track.breaks[taken[-1] :])
    return Route(
        technician.id,
        departure,
        tuple(stops),
        tuple(pauses),
        return_time,
        travel,
        leg.metres,
        tuple(fetches),
    )


def _begun_stops(problem: Problem, technician: Technician, begin: Opening) -> list[Stop]:
    """Stops that have begun, at their recorded starts."""
    stops: list[Stop] = []
    place, now = technician.start, NEVER
    for visit in begin.begun:
        travel, metres = problem.matrix.leg(place, visit.location)
        start = begun_start(problem, visit)
        arrival = min(start, now + travel)
        stops.append(Stop(visit.id, arrival, start, start + technician.time_for(visit), travel, metres))
        place, now = visit.location, stops[-1].end
    return stops


def _rests(ready: Seconds, gap: Sequence[Break]) -> list[BreakTaken]:
    """Breaks of one gap, each as early as it can be."""
    rests: list[BreakTaken] = []
    now = ready
    for pause in gap:
        begin = max(now, pause.earliest)
        now = begin + pause.duration
        rests.append(BreakTaken(begin, now))
    return rests


def _latest_departure(moment: Seconds, leg: Leg, rests: Sequence[BreakTaken]) -> Seconds:
    """Latest time to leave home and be there by a moment, the breaks where they are."""
    now, left = moment, leg.travel
    for rest in reversed(rests):
        leave = now - left if leg.pace is None else leg.pace.departure(now, left)
        if leave >= rest.end:
            break
        left -= now - rest.end if leg.pace is None else leg.pace.covered(rest.end, now)
        now = rest.start
    if leg.pace is None:
        return now - left
    now = leg.pace.departure(now, left)
    while arrival_on_way(now, leg, rests)[0] > moment:  # whole seconds of several hours do not add up
        now = min([now - 1, *(rest.start for rest in rests if rest.start < now <= rest.end)])
    return now


def arrival_on_way(ready: Seconds, leg: Leg, rests: Sequence[BreakTaken]) -> tuple[Seconds, Seconds]:
    """When a drive is over that sets out at ``ready`` and rests on the way, and how long it drives."""
    now, left, driven = ready, leg.travel, 0
    for rest in rests:
        if rest.start < ready:
            continue
        if cross(now, left, (), leg.pace) <= rest.start:
            break
        left -= rest.start - now if leg.pace is None else leg.pace.covered(now, rest.start)
        driven += rest.start - now
        now = rest.end
    arrival = cross(now, left, (), leg.pace)
    return arrival, driven + arrival - now


def slacks(problem: Problem, route: Route) -> tuple[Seconds, ...]:
    """
    How much later each stop could begin with the rest of the day still kept; 0 for begun stops.

    Breaks before the stop stay where they are; those that lie ahead of it may move.
    """
    technician = problem.technician(route.technician_id)
    visits = [problem.visit(stop.visit_id) for stop in route.stops]
    known = [visit for visit in visits if visit is not None]
    if technician is None or len(known) < len(visits):
        raise InfeasibleRoute("SERVED_ONCE", route.technician_id, "the route names something unknown")
    begin = opening(problem, technician)
    count = len(begin.begun)
    track, _ = track_of(problem, technician, begin, known[count:])
    spare, at = [0] * count, count
    for position, call in enumerate(track.visits):
        if isinstance(call, FetchCall):
            continue
        start = route.stops[at].start
        taken = sum(1 for rest in route.breaks if begin.ready <= rest.start < start)
        spare.append(max(0, track.backward[position][taken] - start))
        at += 1
    return tuple(spare)
