"""
Times of a whole plan: routes whose visits wait for one another are timed together.

Given who serves what in which order, every visit begins as early as it can once teams have gathered and
earlier visits are over. Starting from routes timed each alone, whoever is too early waits, until nobody is.
"""

from collections.abc import Mapping, Sequence

from optimizer.constraints.precedence import earliest
from optimizer.constraints.team import open_teams
from optimizer.errors import InfeasibleRoute
from optimizer.plan import Plan, Route, Unserved
from optimizer.problem import Problem, Visit, Window
from optimizer.timing import timetable
from optimizer.units import HORIZON, NEVER, Seconds

Sequences = dict[str, tuple[Visit, ...]]
MOST_TURNS = 1_000
"""Turns after which visits that wait for one another in a circle are given up."""


def scheduled(problem: Problem, sequences: Mapping[str, Sequence[Visit]]) -> tuple[Route, ...]:
    """
    Time all routes together.

    Raises
    ------
    InfeasibleRoute
        When a route cannot be kept, or visits wait for one another in a circle.
    """
    timed: dict[str, Route] = {}
    ties = _Ties(problem)
    stale = {t.id for t in problem.technicians if sequences.get(t.id)}
    for _ in range(MOST_TURNS):
        bounded = problem.bounded(ties.bounds)
        for technician in problem.technicians:
            if technician.id in stale:
                timed[technician.id] = timetable(bounded, technician, sequences[technician.id])
        late = ties.late(timed)
        if not late:
            return tuple(timed[t.id] for t in problem.technicians if t.id in timed)
        stale = {who for who, visits in sequences.items() if any(visit.id in late for visit in visits)}
    raise InfeasibleRoute("PRECEDENCE", next(iter(late)), "visits wait for one another without end")


class _Ties:
    """Who waits for whom, and the earliest starts that follow so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.bounds: dict[str, Window] = {}
        for visit in problem.visits:
            if (bound := problem.bound(visit.id)) is not None:
                self.bounds[visit.id] = bound
        self.teams = open_teams(problem)
        self.waiting = [visit for visit in problem.visits if visit.after]

    def late(self, timed: Mapping[str, Route]) -> set[str]:
        """Visits that have to begin later than they do now; their bounds are moved."""
        stops = {stop.visit_id: stop for route in timed.values() for stop in route.stops}
        late: set[str] = set()
        for members in self.teams:
            starts = [stops[visit.id].start for visit in members if visit.id in stops]
            together = max(starts, default=0)
            for visit in members:
                if visit.id in stops and stops[visit.id].start < together:
                    self._wait(visit, together, late)
        for visit in self.waiting:
            for after in visit.after:
                first, stop = stops.get(after.visit_id), stops.get(visit.id)
                if first is not None and stop is not None:
                    moment = earliest(self.problem, after, first.end)
                    if stop.start < moment:
                        self._wait(visit, moment, late)
        return late

    def _wait(self, visit: Visit, moment: Seconds, late: set[str]) -> None:
        if self.problem.is_begun(visit.id):
            return
        if moment > 2 * HORIZON:
            raise InfeasibleRoute("PRECEDENCE", visit.id, "visits wait for one another without end")
        end = self.bounds[visit.id].end if visit.id in self.bounds else NEVER
        self.bounds[visit.id] = Window(moment, end)
        late.add(visit.id)


def retimed(problem: Problem, sequences: Mapping[str, Sequence[Visit]]) -> Plan:
    """Time every route anew; visits on none of them are unserved without a reason yet."""
    routes = scheduled(problem, sequences)
    served = {stop.visit_id for route in routes for stop in route.stops}
    left = tuple(Unserved(visit.id, "") for visit in problem.visits if visit.id not in served)
    return Plan(routes, left)
