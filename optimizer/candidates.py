"""Insertions of one visit that hold: found by the arrays of a route, or tried where these cannot tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from optimizer.constraints import blocked, may_go
from optimizer.objectives import preference, stability
from optimizer.objectives.overtime import route_cents
from optimizer.open_route import OpenRoute
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.timing import timetable
from optimizer.trials import Asked, Trials
from optimizer.units import Cents, Seconds


@dataclass(frozen=True, slots=True)
class Candidate:
    """An insertion judged; ``window`` is an index into the windows asked about."""

    extra_cost: Cents
    start: Seconds
    order: int
    position: int
    window: int
    route: OpenRoute

    def rank(self) -> tuple[int, int, int, int]:
        """Order of preference, the same on every machine."""
        return self.extra_cost, self.start, self.order, self.position


class Question:
    """
    One visit asked about in some windows, put to one route after another.

    Parameters
    ----------
    problem
        The day; the visit's own times have given way to the windows.
    visit
        What is asked about.
    windows
        When service may begin.
    trials
        The plan on which insertions are driven, where arrays alone cannot tell; null where they can.
    """

    def __init__(
        self, problem: Problem, visit: Visit, windows: Sequence[Window], trials: Trials | None
    ) -> None:
        self.problem, self.visit, self.windows, self.trials = problem, visit, windows, trials
        self._allowed: dict[str, bool] = {}

    @cached_property
    def _asked(self) -> list[Asked]:
        """The windows as they are tried."""
        return self.trials.asked(self.problem, self.visit, self.windows) if self.trials is not None else []

    def bound(self) -> Window | None:
        """Starts that the visits already planned leave, if any of them matters."""
        return self.trials.own_bound(self.visit) if self.trials is not None else None

    def is_hopeless(self) -> bool:
        """Whether the visit depends on one that is not in the plan."""
        return self.trials is not None and self.trials.own_bound(self.visit) is None

    def into(
        self, order: int, route: OpenRoute, positions: Sequence[int] | None = None
    ) -> Iterator[Candidate]:
        """Insertions into a route, the ``order``-th, that hold; at all positions or at those named."""
        technician = route.technician
        if technician.id not in self._allowed:
            self._allowed[technician.id] = self._may_take(route)
        if not self._allowed[technician.id]:
            return
        if self.trials is None:
            yield from self._told(order, route, positions)
        else:
            yield from self._tried(self.trials, order, route, positions)

    def _may_take(self, route: OpenRoute) -> bool:
        """Whether no rule about the pair, the parts or other visits keeps a technician from the visit."""
        if self.trials is None and not route.has_parts(self.visit):
            return False
        if not may_go(self.problem, route.technician, self.visit):
            return False
        return self.trials is None or self.trials.tie_against(route.technician, self.visit) is None

    def _told(self, order: int, route: OpenRoute, positions: Sequence[int] | None) -> Iterator[Candidate]:
        """Insertions judged by the arrays of a route."""
        fixed = stability.pair_cents(self.problem, route.technician, self.visit)
        fixed += preference.pair_cents(self.problem, route.technician, self.visit)
        for gap in route.gaps(self.visit, positions):
            for index, window in enumerate(self.windows):
                start = max(gap.earliest, window.start)
                if start > min(gap.latest, window.end):
                    continue
                overtime = 0
                if start > gap.latest_without_overtime or route.overtime:
                    overtime = self._overtime(route, window, gap.position)
                extra = gap.travel_cents + fixed + overtime - route.overtime
                yield Candidate(extra, start, order, gap.position, index, route)

    def _tried(
        self, trials: Trials, order: int, route: OpenRoute, positions: Sequence[int] | None
    ) -> Iterator[Candidate]:
        """Insertions found by driving a route; the arrays tell where it is worth trying."""
        gaps = list(route.gaps(self.visit, positions))
        for asked in self._asked if gaps else ():
            places = {
                gap.position for gap in gaps if gap.has_time(asked.problem, route.technician, asked.visit)
            }
            for extra, start, at, window in trials.into(
                route.technician, route.visits, asked, positions=sorted(places)
            ):
                yield Candidate(extra, start, order, at, window, route)

    def _overtime(self, route: OpenRoute, window: Window, position: int) -> Cents:
        """Price of the overtime of a route with the visit in it."""
        visit = replace(self.visit, windows=(window,))
        timed = timetable(self.problem, route.technician, route.with_visit(visit, position))
        return route_cents(self.problem.policy, route.technician, timed.return_time)


def blocked_at_any_time(problem: Problem, technician: Technician, visit: Visit) -> tuple[str, str] | None:
    """First rule about the pair, its windows set aside: they are what is being asked."""
    return blocked(problem, technician, replace(visit, windows=()))
