"""The arithmetic of one drive and one start of service: windows, breaks on the way, travel by hour."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from optimizer.problem import Break, Problem, Technician, Visit
from optimizer.traffic import Pace
from optimizer.units import NEVER, Seconds
from optimizer.work import ARRIVAL, FINISH, START


class Opening(NamedTuple):
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


class Entry(NamedTuple):
    """
    One interval in which service of a visit may begin.

    first
        First start of service.
    last
        Last start of service.
    reach
        Last moment to be ready for it, that is, arrived and set up.
    """

    first: Seconds
    last: Seconds
    reach: Seconds


class Leg(NamedTuple):
    """
    One way of a route.

    travel
        Seconds of driving, at any hour or as the matrix says.
    metres
        Its length.
    setup
        Seconds at its end until service can begin.
    pace
        How the hours of the day change the drive; null: not at all.
    """

    travel: Seconds
    metres: int
    setup: Seconds
    pace: Pace | None


def leg_between(problem: Problem, origin: int, target: int, *, setup: Seconds = 0) -> Leg:
    """The way between two places; what is set up at a site is not set up again when one stays there."""
    travel, metres = problem.matrix.leg(origin, target)
    pace = problem.traffic.pace(origin, target) if problem.traffic is not None else None
    return Leg(travel, metres, setup if origin != target else 0, pace)


def entries(problem: Problem, technician: Technician, visit: Visit, setup: Seconds) -> tuple[Entry, ...]:
    """Intervals for the start of service, in order; none: any time."""
    windows, bound = problem.windows_of(visit), problem.bound(visit.id)
    if not windows:
        return (Entry(bound.start, bound.end, bound.end),) if bound is not None else ()
    meaning = START if problem.is_timed(visit.id) else visit.window_end
    found = []
    for window in windows:
        last = reach = window.end
        if meaning == FINISH:
            last = reach = window.end - technician.time_for(visit)
        elif meaning == ARRIVAL:
            last, reach = NEVER, window.end + setup
        first = window.start
        if bound is not None:
            first, last = max(first, bound.start), min(last, bound.end)
        if first <= last:
            found.append(Entry(first, last, min(reach, last)))
    return tuple(found) or (Entry(NEVER, -NEVER, -NEVER),)


def service_start(ready: Seconds, intervals: Sequence[Entry]) -> Seconds:
    """Earliest start of service for somebody ready at a moment; NEVER when all intervals are missed."""
    if not intervals:
        return ready
    for entry in intervals:
        if ready <= entry.reach:
            return max(ready, entry.first)
    return NEVER


def latest_ready(deadline: Seconds, intervals: Sequence[Entry]) -> Seconds:
    """Latest moment to be ready for a start not after a deadline; -NEVER when every interval opens later."""
    if not intervals:
        return deadline
    best = -NEVER
    for entry in intervals:
        if entry.first <= deadline:
            best = max(best, min(deadline, entry.reach))
    return best


def cross(ready: Seconds, travel: Seconds, breaks: Sequence[Break], pace: Pace | None = None) -> Seconds:
    """Earliest moment when a drive and the breaks on its way are over; NEVER when a break comes too late."""
    now, left = ready, travel
    for pause in breaks:
        begin = max(now, pause.earliest)
        if begin > pause.latest:
            return NEVER
        left = max(0, left - _covered(now, begin, left, pace))
        now = begin + pause.duration
    return now + left if pace is None else pace.arrival(now, left)


def _covered(begin: Seconds, end: Seconds, left: Seconds, pace: Pace | None) -> Seconds:
    return end - begin if pace is None or not left else pace.covered(begin, end)


def cross_back(
    deadline: Seconds, travel: Seconds, breaks: Sequence[Break], pace: Pace | None = None
) -> Seconds:
    """Latest moment to set out so that drive and breaks are over by a deadline; -NEVER when impossible."""
    now, left = deadline, travel
    for pause in reversed(breaks):
        begin = min(now - pause.duration, pause.latest)
        if begin < pause.earliest:
            return -NEVER
        left = max(0, left - _covered(begin + pause.duration, now, left, pace))
        now = begin
    if pace is None:
        return now - left
    # Whole seconds of several hours do not add up, and a rest begun sooner shifts the drive to other hours.
    return _latest(lambda moment: cross(moment, travel, breaks, pace) <= deadline, pace.departure(now, left))


def _latest(holds: Callable[[Seconds], bool], guess: Seconds) -> Seconds:
    """Last moment for which something holds that holds for all earlier ones, looked for around a guess."""
    step = 1
    while not holds(guess):
        guess -= step
        step *= 2
    while holds(guess + step):
        guess += step
        step *= 2
    while step:
        if holds(guess + step):
            guess += step
        step //= 2
    return guess


def latest_return(limit: Seconds, breaks: Sequence[Break]) -> Seconds:
    """Latest return that still lets the remaining breaks begin in time at the end of the day."""
    now = cross_back(NEVER // 2, 0, breaks) if breaks else limit
    return min(limit, now)


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


def opening(problem: Problem, technician: Technician) -> Opening:
    """Open part of a technician's day; breaks that can no longer begin in time are not planned again."""
    begun = problem.begun_by(technician.id)
    ready, location = technician.shift.start, technician.start
    if begun:
        last = begun[-1]
        location = last.location
        ready = begun_start(problem, last) + technician.time_for(last)
    if technician.earliest_departure is not None:
        ready = max(ready, technician.earliest_departure)
    return Opening(begun, location, ready, breaks_ahead(technician.breaks, ready))


def begun_start(problem: Problem, visit: Visit) -> Seconds:
    """Recorded start of a visit that has begun."""
    lock = problem.lock(visit.id)
    if lock is None or lock.start is None:
        raise ValueError(f"visit {visit.id} has not begun")
    return lock.start
