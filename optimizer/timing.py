"""
Times along one route: departure, arrivals, waiting, service, breaks, return and slack.

A technician leaves the start as late as the first service allows, drives on at once after each service,
waits for a window to open, and takes each break at its earliest possible moment between two services; a
break may interrupt a drive. Of all ways to place the breaks the one with the earliest return is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.errors import InfeasibleRoute
from optimizer.plan import BreakTaken, Route, Stop
from optimizer.problem import Break, Problem, Technician, Visit, Window
from optimizer.units import NEVER, Seconds, clock


@dataclass(frozen=True, slots=True)
class Opening:
    """
    Where the part of a technician's day begins that can still be planned.

    begun
        Visits already started or finished, in order.
    location
        Place of the last of them, or the start of the day.
    ready
        Moment from which the technician can leave it.
    breaks
        Rests that still lie ahead, in order of time.
    """

    begun: tuple[Visit, ...]
    location: int
    ready: Seconds
    breaks: tuple[Break, ...]


def opening(problem: Problem, technician: Technician) -> Opening:
    """Open part of a technician's day; breaks that can no longer begin in time are not planned again."""
    begun = problem.begun_by(technician.id)
    ready, location = technician.shift.start, technician.start
    if begun:
        last = begun[-1]
        location = last.location
        ready = begun_start(problem, last) + last.duration
    if technician.earliest_departure is not None:
        ready = max(ready, technician.earliest_departure)
    return Opening(begun, location, ready, breaks_ahead(technician.breaks, ready))


def breaks_ahead(breaks: Sequence[Break], ready: Seconds) -> tuple[Break, ...]:
    """
    Breaks that can still be kept from a moment on, in order of time.

    A day that runs late can make a break impossible even without any visit; it is given up rather than
    leaving the whole day unplannable.
    """
    ahead: list[Break] = []
    now = ready
    for pause in sorted(breaks, key=lambda pause: (pause.earliest, pause.latest, pause.duration)):
        begin = max(now, pause.earliest)
        if begin <= pause.latest:
            ahead.append(pause)
            now = begin + pause.duration
    return tuple(ahead)


def begun_start(problem: Problem, visit: Visit) -> Seconds:
    """Recorded start of a visit that has begun."""
    lock = problem.lock(visit.id)
    if lock is None or lock.start is None:
        raise ValueError(f"visit {visit.id} has not begun")
    return lock.start


def service_start(arrival: Seconds, windows: Sequence[Window]) -> Seconds:
    """Earliest start of service for an arrival, the windows in order of time; NEVER when all are missed."""
    if not windows:
        return arrival
    for window in windows:
        if arrival <= window.end:
            return max(arrival, window.start)
    return NEVER


def latest_service_start(deadline: Seconds, windows: Sequence[Window]) -> Seconds:
    """Latest start of service not after a deadline; -NEVER when every window opens later."""
    if not windows:
        return deadline
    best = -NEVER
    for window in windows:
        if window.start <= deadline:
            best = max(best, min(deadline, window.end))
    return best


def cross(ready: Seconds, travel: Seconds, breaks: Sequence[Break]) -> Seconds:
    """Earliest moment when a drive and the breaks on its way are over; NEVER when a break comes too late."""
    now, left = ready, travel
    for pause in breaks:
        begin = max(now, pause.earliest)
        if begin > pause.latest:
            return NEVER
        left = max(0, left - (begin - now))
        now = begin + pause.duration
    return now + left


def cross_back(deadline: Seconds, travel: Seconds, breaks: Sequence[Break]) -> Seconds:
    """Latest moment to set out so that drive and breaks are over by a deadline; -NEVER when impossible."""
    now, left = deadline, travel
    for pause in reversed(breaks):
        begin = min(now - pause.duration, pause.latest)
        if begin < pause.earliest:
            return -NEVER
        left = max(0, left - (now - begin - pause.duration))
        now = begin
    return now - left


def latest_return(limit: Seconds, breaks: Sequence[Break]) -> Seconds:
    """Latest return that still lets the remaining breaks begin in time at the end of the day."""
    now = cross_back(NEVER // 2, 0, breaks) if breaks else limit
    return min(limit, now)


class Track:
    """
    Feasibility arrays of the open part of one route.

    ``forward[p][k]`` is the earliest end of service at stop ``p - 1`` (``p = 0``: the opening) with ``k``
    breaks taken; ``backward[p][k]`` the latest start of service at stop ``p`` (``p = len``: the return) with
    ``k`` breaks taken before it that lets the rest of the day succeed.
    """

    __slots__ = ("backward", "breaks", "forward", "home", "places", "rows", "technician", "visits", "windows")

    def __init__(
        self, problem: Problem, technician: Technician, begin: Opening, *, visits: Sequence[Visit]
    ) -> None:
        self.technician = technician
        self.visits = tuple(visits)
        self.breaks = begin.breaks
        self.rows = problem.matrix.seconds
        self.places = (begin.location, *(v.location for v in visits), technician.end)
        self.windows = tuple(problem.windows_of(v) for v in visits)
        self.home = technician.shift.end + technician.overtime
        self.forward = self._forward(begin.ready)
        self.backward = self.backward_from(self.home)

    def _forward(self, ready: Seconds) -> list[list[Seconds]]:
        """Earliest ends of service from the opening on."""
        count = len(self.breaks) + 1
        ahead = [[ready] + [NEVER] * (count - 1)]
        for position, visit in enumerate(self.visits):
            travel = self.rows[self.places[position]][visit.location]
            arrivals = self.arrivals(ahead[position], travel)
            windows = self.windows[position]
            starts = [service_start(a, windows) if a < NEVER else NEVER for a in arrivals]
            ahead.append([s + visit.duration if s < NEVER else NEVER for s in starts])
        return ahead

    def backward_from(self, limit: Seconds) -> list[list[Seconds]]:
        """Latest starts of service for a return not after ``limit``."""
        count = len(self.breaks) + 1
        behind = [[latest_return(limit, self.breaks[k:]) for k in range(count)]]
        for position in range(len(self.visits) - 1, -1, -1):
            visit, windows = self.visits[position], self.windows[position]
            travel = self.rows[visit.location][self.places[position + 2]]
            ends = self.departures(behind[-1], travel)
            behind.append([latest_service_start(e - visit.duration, windows) for e in ends])
        behind.reverse()
        return behind

    def arrivals(self, ends: Sequence[Seconds], travel: Seconds) -> list[Seconds]:
        """Earliest arrival by number of breaks taken, for earliest departures by number of breaks taken."""
        breaks = self.breaks
        if not breaks:
            return [ends[0] + travel]
        best = [e + travel for e in ends]
        for taken, ready in enumerate(ends):
            if ready >= NEVER:
                continue
            for then in range(taken + 1, len(ends)):
                moment = cross(ready, travel, breaks[taken:then])
                if moment >= NEVER:
                    break
                best[then] = min(best[then], moment)
        return best

    def departures(self, deadlines: Sequence[Seconds], travel: Seconds) -> list[Seconds]:
        """Latest departure by number of breaks taken before it, for latest arrivals by breaks taken."""
        breaks = self.breaks
        if not breaks:
            return [deadlines[0] - travel]
        best = [d - travel for d in deadlines]
        for taken in range(len(deadlines)):
            for then in range(taken + 1, len(deadlines)):
                if deadlines[then] > -NEVER // 2:
                    best[taken] = max(best[taken], cross_back(deadlines[then], travel, breaks[taken:then]))
        return best


def timetable(problem: Problem, technician: Technician, visits: Sequence[Visit]) -> Route:
    """
    Drive the visits in this order and state every time.

    Raises
    ------
    InfeasibleRoute
        When a window, a break or the shift cannot be kept; ``rule`` names which.
    """
    begin = opening(problem, technician)
    count = len(begin.begun)
    if tuple(v.id for v in visits[:count]) != tuple(v.id for v in begin.begun):
        raise InfeasibleRoute("LOCK", technician.id, f"{technician.name} has begun other stops first")
    track = Track(problem, technician, begin, visits=visits[count:])
    taken = _choose_breaks(track, open_stops=len(visits) > count)
    return _write(problem, track, begin, taken)


def _choose_breaks(track: Track, *, open_stops: bool) -> list[int]:
    """Breaks taken by the end of each gap, for the earliest return; the last entry is the return."""
    _explain_missed(track)
    travel = track.rows[track.places[-2]][track.places[-1]]
    best: tuple[Seconds, int, int] | None = None
    limits = latest_returns(track, NEVER // 4 if not open_stops else track.home)
    for before, ready in enumerate(track.forward[-1]):
        for after in range(before, len(limits)):
            moment = cross(ready, travel, track.breaks[before:after])
            if moment <= limits[after] and (best is None or (moment, -after) < (best[0], -best[2])):
                best = (moment, before, after)
    if best is None:
        _explain_return(track, travel)
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
    visit = track.visits[position]
    travel = track.rows[track.places[position]][visit.location]
    target = track.forward[position + 1][taken]
    for before in range(taken + 1):
        ready = track.forward[position][before]
        arrival = cross(ready, travel, track.breaks[before:taken]) if ready < NEVER else NEVER
        if arrival < NEVER and service_start(arrival, track.windows[position]) + visit.duration == target:
            return before
    raise AssertionError("an earliest time without a way to it")


def _explain_missed(track: Track) -> None:
    """Raise the rule broken at the first stop that cannot be served in time."""
    for position, visit in enumerate(track.visits):
        if min(track.forward[position + 1]) < NEVER:
            continue
        travel = track.rows[track.places[position]][visit.location]
        arrival = min(track.arrivals(track.forward[position], travel))
        if arrival >= NEVER:
            raise InfeasibleRoute("BREAK", track.technician.id, "a break cannot begin in time")
        closing = max(w.end for w in track.windows[position])
        cause = f"visit {visit.id} is reached at {clock(arrival)}, after {clock(closing)}"
        raise InfeasibleRoute("ARRIVAL_WINDOW", visit.id, cause)


def _explain_return(track: Track, travel: Seconds) -> None:
    """Raise the rule that the way home breaks."""
    earliest = min(track.arrivals(track.forward[-1], travel))
    name = track.technician.name
    if track.home < earliest < NEVER:
        cause = f"{name} is back at {clock(earliest)}, after {clock(track.home)}"
        raise InfeasibleRoute("SHIFT", track.technician.id, cause)
    raise InfeasibleRoute("BREAK", track.technician.id, f"a break of {name} cannot be kept")


def _write(problem: Problem, track: Track, begin: Opening, taken: Sequence[int]) -> Route:
    """State all times of a route whose breaks have been placed."""
    technician, matrix = track.technician, problem.matrix
    stops = _begun_stops(problem, technician, begin)
    departure = stops[0].arrival - stops[0].travel if stops else begin.ready
    pauses: list[BreakTaken] = []
    place, now, before = begin.location, begin.ready, 0
    for position, visit in enumerate(track.visits):
        travel, metres = matrix.leg(place, visit.location)
        gap = track.breaks[before : taken[position]]
        start = service_start(cross(now, travel, gap), track.windows[position])
        rests = _rests(now, gap)
        if not stops:
            departure = _latest_departure(start, travel, rests)
            now = departure
        arrival = arrival_on_way(now, travel, rests)
        stops.append(Stop(visit.id, arrival, start, start + visit.duration, travel, metres))
        pauses += rests
        place, now, before = visit.location, start + visit.duration, taken[position]
    travel, metres = matrix.leg(place, technician.end)
    rests = _rests(now, track.breaks[before : taken[-1]])
    return_time = arrival_on_way(now, travel, rests)
    pauses += rests
    pauses += _rests(return_time, track.breaks[taken[-1] :])
    return Route(technician.id, departure, tuple(stops), tuple(pauses), return_time, travel, metres)


def _begun_stops(problem: Problem, technician: Technician, begin: Opening) -> list[Stop]:
    """Stops that have begun, at their recorded starts."""
    stops: list[Stop] = []
    place, now = technician.start, NEVER
    for visit in begin.begun:
        travel, metres = problem.matrix.leg(place, visit.location)
        start = begun_start(problem, visit)
        arrival = min(start, now + travel)
        stops.append(Stop(visit.id, arrival, start, start + visit.duration, travel, metres))
        place, now = visit.location, start + visit.duration
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


def _latest_departure(start: Seconds, travel: Seconds, rests: Sequence[BreakTaken]) -> Seconds:
    """Latest moment to leave home and still begin the first service on time, the breaks where they are."""
    now, left = start, travel
    for rest in reversed(rests):
        if now - rest.end >= left:
            return now - left
        left -= now - rest.end
        now = rest.start
    return now - left


def arrival_on_way(ready: Seconds, travel: Seconds, rests: Sequence[BreakTaken]) -> Seconds:
    """Moment when a drive that sets out at ``ready`` is over, breaks taken on the way in between."""
    now, left = ready, travel
    for rest in rests:
        if rest.start < ready:
            continue
        if now + left <= rest.start:
            break
        left -= rest.start - now
        now = rest.end
    return now + left


def slacks(problem: Problem, route: Route) -> tuple[Seconds, ...]:
    """
    How much later each stop could begin with the rest of the day still kept; 0 for begun stops.

    Each break stays between the same two stops, so a delay up to the slack needs no new decision.
    """
    technician = problem.technician(route.technician_id)
    visits = [problem.visit(stop.visit_id) for stop in route.stops]
    known = [visit for visit in visits if visit is not None]
    if technician is None or len(known) < len(visits):
        raise InfeasibleRoute("SERVED_ONCE", route.technician_id, "the route names something unknown")
    begin = opening(problem, technician)
    count = len(begin.begun)
    track = Track(problem, technician, begin, visits=known[count:])
    spare = [0] * count
    for position, stop in enumerate(route.stops[count:]):
        taken = sum(1 for rest in route.breaks if rest.start < stop.start and rest.start >= begin.ready)
        spare.append(max(0, track.backward[position][taken] - stop.start))
    return tuple(spare)
