"""A planned day: one timed route per technician, and the visits left out with their reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from optimizer.problem import Problem, Technician, Visit
from optimizer.units import Metres, Seconds


@dataclass(frozen=True, slots=True)
class Stop:
    """
    One visit as planned.

    visit_id
        The visit served.
    arrival
        When the drive to it is over.
    start
        Start of service.
    end
        End of service.
    travel
        Seconds of driving from the stop before, breaks on the way not counted.
    metres
        Length of that drive.
    """

    visit_id: str
    arrival: Seconds
    start: Seconds
    end: Seconds
    travel: Seconds
    metres: Metres


@dataclass(frozen=True, slots=True)
class BreakTaken:
    """
    One rest as planned.

    start
        Beginning of the rest.
    end
        End of the rest.
    """

    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Fetch:
    """
    One stop at a depot for parts that the van lacks.

    depot_id
        The depot.
    position
        Number of stops of the route that come before it.
    arrival
        When the drive to it is over.
    start
        Beginning of the fetch.
    end
        End of the fetch.
    travel
        Seconds of driving to it, breaks on the way not counted.
    metres
        Length of that drive.
    parts
        Part to the quantity fetched.
    """

    depot_id: str
    position: int
    arrival: Seconds
    start: Seconds
    end: Seconds
    travel: Seconds
    metres: Metres
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """
    One technician's day.

    technician_id
        Who drives it.
    departure
        When the technician leaves the place where the day begins.
    stops
        Visits in order.
    breaks
        Rests in order, those before the departure and after the return included.
    return_time
        When the technician reaches the place where the day ends.
    return_travel
        Seconds of driving on the last way.
    return_metres
        Length of the last way.
    fetches
        Stops at depots, in order.
    """

    technician_id: str
    departure: Seconds
    stops: tuple[Stop, ...]
    breaks: tuple[BreakTaken, ...] = ()
    return_time: Seconds = 0
    return_travel: Seconds = 0
    return_metres: Metres = 0
    fetches: tuple[Fetch, ...] = ()

    def calls(self) -> Iterator[Stop | Fetch]:
        """Stops at sites and depots in the order in which they are driven to."""
        fetches = iter((*self.fetches, None))
        fetch = next(fetches)
        for position, stop in enumerate(self.stops):
            while fetch is not None and fetch.position <= position:
                yield fetch
                fetch = next(fetches)
            yield stop
        while fetch is not None:
            yield fetch
            fetch = next(fetches)


@dataclass(frozen=True, slots=True)
class Unserved:
    """
    A visit left out, and why.

    visit_id
        The visit.
    reason
        Code of the rule that stood in the way, or CAPACITY.
    sentence
        The reason in words.
    action
        What a dispatcher can do about it.
    """

    visit_id: str
    reason: str
    sentence: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    All routes of a day.

    routes
        Technicians who drive; at most one route each.
    unserved
        Visits nobody is sent to.
    """

    routes: tuple[Route, ...] = ()
    unserved: tuple[Unserved, ...] = ()

    def assignments(self, problem: Problem) -> Iterator[tuple[Technician, Visit, Stop]]:
        """Who goes where and when, for every stop whose technician and visit the problem knows."""
        for route in self.routes:
            technician = problem.technician(route.technician_id)
            if technician is None:
                continue
            for stop in route.stops:
                visit = problem.visit(stop.visit_id)
                if visit is not None:
                    yield technician, visit, stop

    def choices(self, problem: Problem) -> Iterator[tuple[Technician, Visit, Stop]]:
        """Assignments that planning decided: all but the stops already begun in reality."""
        for technician, visit, stop in self.assignments(problem):
            if not problem.is_begun(visit.id):
                yield technician, visit, stop

    def route_of(self, technician_id: str) -> Route | None:
        """The route of a technician, if there is one."""
        return next((r for r in self.routes if r.technician_id == technician_id), None)


@dataclass(frozen=True, slots=True)
class Violation:
    """
    A hard rule that a plan breaks.

    code
        Code of the rule.
    subject
        Id of the visit or technician concerned.
    message
        What is wrong, in words.
    """

    code: str
    subject: str
    message: str
