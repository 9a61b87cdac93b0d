"""
Insertions judged by driving the whole route with the visit in it, for what no array of a route can tell:
fetches, teams, visits that wait for others, travel by hour, prices that go by the clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from optimizer.constraints import parts, same_technician, team
from optimizer.constraints.precedence import earliest, latest_end
from optimizer.errors import InfeasibleRoute
from optimizer.objectives import OBJECTIVES, unserved
from optimizer.plan import Plan, Route
from optimizer.problem import After, Problem, Technician, Visit, Window
from optimizer.timing import timetable
from optimizer.units import NEVER, Cents, Seconds


class Trial(NamedTuple):
    """One insertion that holds: its price, times, place in the route, and the window asked about."""

    extra_cost: Cents
    start: Seconds
    position: int
    window: int


def driven_cents(problem: Problem, routes: Sequence[Route]) -> Cents:
    """Price of routes, without that of visits left out."""
    plan = Plan(tuple(routes))
    return sum(term.cents(problem, plan) for term in OBJECTIVES if term is not unserved)


class Asked(NamedTuple):
    """
    A question about one window.

    window
        Its number among those asked about.
    visit
        The visit, that window alone in place of its own.
    problem
        The day with this visit in it, while all that others depend on keeps its time.
    """

    window: int
    visit: Visit
    problem: Problem


class Trials:
    """Insertions into a plan whose other routes stay exactly as they are."""

    def __init__(self, problem: Problem, routes: Iterable[Route]) -> None:
        self.problem = problem
        self.routes = {route.technician_id: route for route in routes if route.stops}
        self._stops = {stop.visit_id: stop for route in self.routes.values() for stop in route.stops}
        self._waiting: dict[str, list[tuple[Visit, After]]] = {}
        for visit in problem.visits:
            for after in visit.after:
                self._waiting.setdefault(after.visit_id, []).append((visit, after))

    def fixed(self) -> dict[str, Window]:
        """Starts of all visits on which others depend, or which depend on others."""
        found = {}
        for visit in self.problem.visits:
            stop = self._stops.get(visit.id)
            if stop is None or self.problem.is_begun(visit.id):
                continue
            if visit.team is not None or visit.after or visit.id in self._waiting:
                found[visit.id] = Window(stop.start, stop.start)
        return found

    def beside(self, problem: Problem, visit: Visit) -> Problem | None:
        """A problem while this visit keeps to what it depends on; None when that is not in the plan."""
        own = self._own_bound(visit)
        return problem.bounded({**self.fixed(), visit.id: own}) if own is not None else None

    def asked(self, problem: Problem, visit: Visit, windows: Sequence[Window]) -> list[Asked]:
        """The questions of a quote; none when the visit depends on one that is not in the plan."""
        found = []
        for index, window in enumerate(windows):
            asked = visit if window.start <= -NEVER else replace(visit, windows=(window,))
            beside = self.beside(problem.with_visit(asked), asked)
            if beside is not None:
                found.append(Asked(index, asked, beside))
        return found

    def _own_bound(self, visit: Visit) -> Window | None:
        """Interval that the visits already planned leave for the start of one more."""
        first, last = -NEVER, NEVER
        for after in visit.after:
            before = self._stops.get(after.visit_id)
            if before is None:
                return None
            first = max(first, earliest(self.problem, after, before.end))
        for partner in self._partners(visit):
            stop = self._stops.get(partner.id)
            if stop is None:
                return None
            first, last = max(first, stop.start), min(last, stop.start)
        for other, after in self._waiting.get(visit.id, ()):
            if other.id in self._stops:
                longest = max((visit.duration, *visit.durations.values()))
                last = min(last, latest_end(self.problem, after, self._stops[other.id].start) - longest)
        return Window(first, last)

    def _partners(self, visit: Visit) -> list[Visit]:
        """Other visits of a team that all begin together; none once somebody has begun."""
        if visit.team is None:
            return []
        others = [v for v in self.problem.visits if v.team == visit.team and v.id != visit.id]
        return [] if any(self.problem.is_begun(other.id) for other in others) else others

    def tie_against(self, technician: Technician, visit: Visit) -> tuple[str, str] | None:
        """The rule about several visits that keeps a technician from this one, with its cause, or None."""
        crew = [technician]
        for route in self.routes.values():
            other = self.problem.technician(route.technician_id)
            for stop in route.stops:
                served = self.problem.visit(stop.visit_id)
                if served is None or other is None or served.id == visit.id:
                    continue
                if visit.team is not None and served.team == visit.team:
                    if other.who == technician.who:
                        return team.CODE, f"{technician.name} serves another visit of the team"
                    crew.append(other)
                group = visit.same_technician
                if group is not None and served.same_technician == group and other.who != technician.who:
                    return same_technician.CODE, f"{other.name} serves other visits of {group}"
        members = [*self._partners(visit), visit]
        if len(crew) == len(members) and (missing := team.lacking(crew, members)):
            return team.CODE, f"the team would lack {', '.join(missing)}"
        return None

    def into(
        self, technician: Technician, order: Sequence[Visit], asked: Asked, *, positions: Iterable[int]
    ) -> Iterator[Trial]:
        """Drive a route with a visit at each position."""
        mine = [r for r in self.routes.values() if self._is_of(r, technician)]
        own = self.routes.get(technician.id)
        before = driven_cents(self.problem, [*mine, *([own] if own is not None else [])])
        for position in positions:
            sequence = (*order[:position], asked.visit, *order[position:])
            try:
                timed = timetable(asked.problem, technician, sequence)
            except InfeasibleRoute:
                continue
            others = [route for who, route in self.routes.items() if who != technician.id]
            if any(True for _ in parts.violations(asked.problem, Plan((*others, timed)))):
                continue
            extra = driven_cents(asked.problem, [*mine, timed]) - before
            yield Trial(extra, timed.stops[position].start, position, asked.window)

    def _is_of(self, route: Route, technician: Technician) -> bool:
        """Whether a route is another shift of the same person."""
        other = self.problem.technician(route.technician_id)
        return other is not None and other.who == technician.who and other.id != technician.id
