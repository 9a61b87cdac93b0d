"""
A technician's day told second by second, apart from ``timing``, ``drives`` and ``schedule``, to judge them.

Nothing here looks ahead: who drives, drives on second by second at the speed of the hour; every way to spread
the breaks over the gaps of a day is lived through, and the earliest return wins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from zoneinfo import ZoneInfo

from optimizer import Break, Problem, Technician, Visit, Window
from optimizer.fetching import FetchCall
from optimizer.problem import Depot

HOUR = 3600


@dataclass(frozen=True)
class Spent:
    """What became of one stop: end of the drive, start and end of service, seconds of driving."""

    arrival: int
    start: int
    end: int
    driven: int


@dataclass
class Lived:
    """A route lived through."""

    stops: list[Spent] = field(default_factory=list)
    rests: list[tuple[int, int]] = field(default_factory=list)
    return_time: int = 0


def drive(
    problem: Problem, origin: int, target: int, *, now: int, rests: Sequence[tuple[int, int]] = ()
) -> tuple[int, int]:
    """
    Arrival and seconds of driving of one way that rests as told.

    What is done of the way counts in whole seconds of the matrix: of one that is half done when the hour ends
    or a rest begins, nothing remains.
    """
    left, driven, spent = problem.matrix.seconds[origin][target], 0, 0
    waiting = [rest for rest in rests if rest[0] >= now]
    while True:
        factor = _factor(problem, origin, target, now - spent)
        if spent * 100 // factor >= left:
            return now, driven
        if waiting and waiting[0][0] == now:
            left -= spent * 100 // factor
            now, spent = waiting.pop(0)[1], 0
            continue
        if spent and now % HOUR == 0:
            left -= spent * 100 // factor
            spent = 0
            continue
        now, driven, spent = now + 1, driven + 1, spent + 1


def _factor(problem: Problem, origin: int, target: int, moment: int) -> int:
    if problem.traffic is None:
        return 100
    zones = problem.traffic.zones
    return problem.traffic.factors[moment // HOUR % 24][zones[origin]][zones[target]]


def first_start(
    problem: Problem, technician: Technician, visit: Visit, *, arrived: int, ready: int
) -> int | None:
    """First moment from ``ready`` on at which service may begin for somebody who arrived then."""
    lock, windows, meaning = problem.lock(visit.id), visit.windows, visit.window_end
    if lock is not None and lock.start is not None:
        windows, meaning = (Window(lock.start, lock.start),), "start"
    elif lock is not None and lock.range is not None:
        windows, meaning = (lock.range,), "start"
    if not windows:
        return ready
    moments = []
    for window in windows:
        moment = max(ready, window.start)
        last = {
            "start": moment,
            "finish": moment + technician.time_for(visit),
            "arrival": arrived,
        }[meaning]
        if last <= window.end:
            moments.append(moment)
    return min(moments, default=None)


def opening_of(problem: Problem, technician: Technician) -> tuple[int, int, list[Visit]]:
    """Place and moment from which the open part of a day starts, and the stops begun before it."""
    locks = sorted(
        (k for k in problem.locks if k.is_begun and k.technician_id == technician.id),
        key=lambda k: k.sequence or 0,
    )
    begun = [visit for k in locks for visit in problem.visits if visit.id == k.visit_id]
    place, ready = technician.start, technician.shift.start
    if begun:
        place, ready = begun[-1].location, (locks[-1].start or 0) + technician.time_for(begun[-1])
    return place, max(ready, technician.earliest_departure or 0), begun


def due_breaks(technician: Technician, ready: int) -> list[Break]:
    """Breaks that can still be taken one after the other, were there no visit."""
    due, now = [], ready
    for pause in sorted(technician.breaks, key=lambda b: (b.earliest, b.latest, b.duration)):
        if max(now, pause.earliest) <= pause.latest:
            due.append(pause)
            now = max(now, pause.earliest) + pause.duration
    return due


def live(
    problem: Problem, technician: Technician, calls: Sequence[Visit], *, gaps: Sequence[Sequence[Break]]
) -> Lived | None:
    """Live through what is open of a route; ``gaps[k]`` are the rests before stop k, the last at home."""
    place, now, _ = opening_of(problem, technician)
    lived = Lived()
    for call, pauses in zip([*calls, None], gaps, strict=False):
        target = call.location if call is not None else technician.end
        rests, here = [], now
        for pause in pauses:
            begin = max(here, pause.earliest)
            if begin > pause.latest:
                return None
            rests.append((begin, begin + pause.duration))
            here = begin + pause.duration
        arrived, driven = drive(problem, place, target, now=now, rests=rests)
        free = max([arrived, *(end for _, end in rests)])
        lived.rests += rests
        if call is None:
            lived.return_time = free
            break
        setup = call.setup if place != target else 0
        start = first_start(problem, technician, call, arrived=free, ready=free + setup)
        if start is None:
            return None
        place, now = target, start + technician.time_for(call)
        lived.stops.append(Spent(arrived, start, now, driven))
    if calls and lived.return_time > technician.shift.end + technician.overtime:
        return None
    here = lived.return_time
    for pause in gaps[-1]:
        begin = max(here, pause.earliest)
        if begin > pause.latest:
            return None
        here = begin + pause.duration
    return lived


def placements(breaks: Sequence[Break], gaps: int) -> Iterator[list[list[Break]]]:
    """All ways to spread breaks, in their order, over the gaps of a day and its evening."""
    for choice in combinations_with_replacement(range(gaps), len(breaks)):
        yield [[b for b, at in zip(breaks, choice, strict=True) if at == gap] for gap in range(gaps)]


def best_lives(problem: Problem, technician: Technician, calls: Sequence[Visit]) -> list[Lived]:
    """All ways to live through a route that end soonest; none when it cannot be done."""
    _, ready, _ = opening_of(problem, technician)
    found = [
        lived
        for gaps in placements(due_breaks(technician, ready), len(calls) + 2)
        if (lived := live(problem, technician, calls, gaps=gaps)) is not None
    ]
    soonest = min((lived.return_time for lived in found), default=0)
    return [lived for lived in found if lived.return_time == soonest]


def stops_with_fetch(problem: Problem, technician: Technician, visits: Sequence[Visit]) -> list[list[Visit]]:
    """The route itself, or with one stop at a depot for what is lacking, the cheapest way first."""
    used: dict[str, int] = {}
    shifts = [shift for shift in problem.technicians if shift.who == technician.who]
    for visit in [visit for shift in shifts for visit in opening_of(problem, shift)[2]]:
        for part, count in visit.parts.items():
            used[part] = used.get(part, 0) + count
    van = {p: max(0, technician.stock.get(p, 0) - used.get(p, 0)) for p in {*technician.stock, *used}}
    first: int | None = None
    need: dict[str, int] = {}
    for position, visit in enumerate(visits):
        for part, count in visit.parts.items():
            need[part] = need.get(part, 0) + count
            if count and need[part] > van.get(part, 0) and first is None:
                first = position
    if first is None or not problem.depots:
        return [list(visits)]
    short = {part: count - van.get(part, 0) for part, count in need.items() if count > van.get(part, 0)}
    place = opening_of(problem, technician)[0]
    places = [place, *(visit.location for visit in visits), technician.end]
    ways = []
    for number, depot in enumerate(problem.depots):
        if any(depot.stock.get(part, 0) < count for part, count in short.items()):
            continue
        for position in range(first + 1):
            a, b = places[position], places[position + 1]
            detour = (
                _price(problem, a, depot.location)
                + _price(problem, depot.location, b)
                - _price(problem, a, b)
            )
            ways.append((detour, position, number))
    return [
        [*visits[:position], _call(problem.depots[number]), *visits[position:]]
        for _, position, number in sorted(ways)
    ]


def _call(depot: Depot) -> Visit:
    return FetchCall(depot.id, depot.location, depot.handling, depot=depot.id)


def _price(problem: Problem, a: int, b: int) -> int:
    """Price of a drive as the matrix has it, to the nearest cent."""
    policy = problem.policy
    metres, seconds = problem.matrix.metres[a][b], problem.matrix.seconds[a][b]
    return (
        policy.travel_cents_per_km * metres * 36 + policy.travel_cents_per_hour * seconds * 10 + 18_000
    ) // 36_000


def next_midnight(problem: Problem, moment: int) -> int:
    """First midnight after a moment, by the clocks of the company."""
    if problem.zone is None:
        return (moment // 86_400 + 1) * 86_400
    zone = ZoneInfo(problem.zone)
    first = datetime.combine(problem.day, datetime.min.time(), zone)
    then = datetime.fromtimestamp(first.timestamp() + moment, zone)
    following = datetime.combine(then.date() + timedelta(1), datetime.min.time(), zone)
    return int(following.timestamp() - first.timestamp())
