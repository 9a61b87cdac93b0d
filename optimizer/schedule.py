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
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.timing import timetable
from optimizer.units import HORIZON, NEVER, Seconds

Sequences = dict[str, tuple[Visit, ...]]
MOST_TURNS = 1_000
"""Turns after which visits that wait for one another in a circle are given up."""
MOST_KNOWN = 20_000
"""Routes remembered; beyond that all are forgotten."""


def scheduled(problem: Problem, sequences: Mapping[str, Sequence[Visit]]) -> tuple[Route, ...]:
    """
    Time all routes together.

    Raises
    ------
    InfeasibleRoute
        When a route cannot be kept, or visits wait for one another in a circle.
    """
    return Schedule(problem).routes(sequences)


class Schedule:
    """Times whole plans of one problem again and again, remembering routes that come back."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._known: dict[tuple[object, ...], Route | InfeasibleRoute] = {}

    def routes(self, sequences: Mapping[str, Sequence[Visit]]) -> tuple[Route, ...]:
        """All routes timed together, in the order of the technicians; raises ``InfeasibleRoute``."""
        timed: dict[str, Route] = {}
        ties = _Ties(self.problem)
        stale = {t.id for t in self.problem.technicians if sequences.get(t.id)}
        for _ in range(MOST_TURNS):
            bounded = self.problem.bounded(ties.bounds) if ties.bounds else self.problem
            for technician in self.problem.technicians:
                if technician.id in stale:
                    timed[technician.id] = self._timed(bounded, technician, sequences[technician.id])
            late = ties.late(timed)
            if not late:
                return tuple(timed[t.id] for t in self.problem.technicians if t.id in timed)
            stale = {who for who, visits in sequences.items() if any(visit.id in late for visit in visits)}
        raise InfeasibleRoute("PRECEDENCE", next(iter(late)), "visits wait for one another without end")

    def _timed(self, bounded: Problem, technician: Technician, visits: Sequence[Visit]) -> Route:
        """One route under the bounds of its visits."""
        key = (technician.id, *((visit.id, bounded.bound(visit.id)) for visit in visits))
        found = self._known.get(key)
        if found is None:
            try:
                found = timetable(bounded, technician, visits)
            except InfeasibleRoute as missed:
                found = missed
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        if isinstance(found, InfeasibleRoute):
            raise InfeasibleRoute(found.rule, found.subject, found.cause)
        return found


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
    return plan_of(problem, scheduled(problem, sequences))


def plan_of(problem: Problem, routes: Sequence[Route]) -> Plan:
    """Timed routes as a plan; visits on none of them are unserved without a reason yet."""
    served = {stop.visit_id for route in routes for stop in route.stops}
    left = tuple(Unserved(visit.id, "") for visit in problem.visits if visit.id not in served)
    return Plan(tuple(routes), left)
