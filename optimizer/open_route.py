"""One technician's route with the earliest and latest times at every stop, to judge insertions by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.drives import entries, leg_between, service_start
from optimizer.fetching import on_van
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.travel import leg_cents
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import Track, opening, timetable
from optimizer.units import Cents, Seconds


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between two stops where the visit could go, for one number of breaks taken before it."""

    position: int
    travel_cents: Cents
    earliest: Seconds
    latest: Seconds
    latest_without_overtime: Seconds

    def has_time(self, problem: Problem, technician: Technician, visit: Visit) -> bool:
        """Whether service of a visit can begin here in one of its windows."""
        return service_start(self.earliest, entries(problem, technician, visit, visit.setup)) <= self.latest


class OpenRoute:
    """One technician's route with its feasibility arrays."""

    __slots__ = (
        "begun",
        "first_free",
        "in_time",
        "origin",
        "overtime",
        "problem",
        "technician",
        "timed",
        "track",
        "van",
        "visits",
    )

    def __init__(self, problem: Problem, technician: Technician, visits: Sequence[Visit]) -> None:
        begin = opening(problem, technician)
        self.problem = problem
        self.technician = technician
        self.visits = tuple(visits)
        self.begun = len(begin.begun)
        self.origin = begin.location
        self.track = Track(problem, technician, begin, visits=visits[self.begun :])
        self.timed = timetable(problem, technician, visits) if visits else None
        back = self.timed.return_time if self.timed else technician.shift.end
        self.overtime = route_cents(problem.policy, technician, back)
        shift_end = technician.shift.end
        self.in_time = self.track.backward_from(shift_end) if technician.overtime else self.track.backward
        self.van = dict(on_van(problem, technician))
        for visit in visits[self.begun :]:
            for part, quantity in visit.parts.items():
                self.van[part] = self.van.get(part, 0) - quantity
        held = [i for i, v in enumerate(visits) if locked_place(problem, v) is not None]
        self.first_free = held[-1] + 1 if held else 0

    def gaps(self, visit: Visit, positions: Sequence[int] | None = None) -> Iterator[Gap]:
        """Every place in the route, or of those named, where the visit has time, whatever its windows."""
        track, policy, matrix = self.track, self.problem.policy, self.problem.matrix
        place, service = visit.location, self.technician.time_for(visit)
        wanted = locked_place(self.problem, visit)
        count = len(track.visits)
        if positions is None:
            positions = (wanted,) if wanted is not None else range(self.first_free, self.begun + count + 1)
        for position in positions:
            here = position - self.begun
            if not 0 <= here <= count:
                continue
            origin = track.visits[here - 1].location if here else self.origin
            target = track.visits[here].location if here < count else self.technician.end
            setup = track.visits[here].setup if here < count else 0
            there = leg_between(self.problem, origin, place, setup=visit.setup)
            onward = leg_between(self.problem, place, target, setup=setup)
            extra = leg_cents(policy, *there[:2]) + leg_cents(policy, *onward[:2])
            if self.visits:
                extra -= leg_cents(policy, *matrix.leg(origin, target))
            earliest = track.arrivals(track.forward[here], there)
            latest = track.departures(track.backward[here], onward)
            in_time = latest
            if self.in_time is not track.backward:
                in_time = track.departures(self.in_time[here], onward)
            for arrival, leave, calm in zip(earliest, latest, in_time, strict=True):
                if arrival + service <= leave:
                    limit, calm_limit = leave - service, calm - service
                    yield Gap(position, extra, arrival, limit, calm_limit)

    def has_parts(self, visit: Visit) -> bool:
        """Whether the van still carries what the visit needs after all stops of the route."""
        return all(self.van.get(part, 0) >= quantity for part, quantity in visit.parts.items())

    def with_visit(self, visit: Visit, position: int) -> tuple[Visit, ...]:
        """The visits of the route with one more."""
        return (*self.visits[:position], visit, *self.visits[position:])


def locked_place(problem: Problem, visit: Visit) -> int | None:
    """Locked position of a visit."""
    lock = problem.lock(visit.id)
    return lock.sequence if lock is not None else None
