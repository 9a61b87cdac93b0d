"""
Insertions judged by driving the whole route with the visit in it, for what no array of a route can tell:
fetches, teams, visits that wait for others, travel by hour, prices that go by the clock.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from optimizer.constraints import parts, same_technician, team
from optimizer.constraints.precedence import earliest, latest_end
from optimizer.errors import InfeasibleRoute
from optimizer.objectives import OBJECTIVES, fairness, lateness, overtime, stability, unserved
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
        self._vans = Vans(problem, self.routes)

    @cached_property
    def _teams(self) -> dict[str, tuple[Visit, ...]]:
        """Visits of each team."""
        return team.teams(self.problem)

    @cached_property
    def _tied(self) -> dict[Hashable, list[tuple[int, Technician, Visit]]]:
        """Stops of each team and of each group for one hand, numbered in the order of the plan."""
        found: dict[Hashable, list[tuple[int, Technician, Visit]]] = {}
        number = 0
        for route in self.routes.values():
            technician = self.problem.technician(route.technician_id)
            for stop in route.stops if technician is not None else ():
                visit, number = self.problem.visit(stop.visit_id), number + 1
                if visit is not None and technician is not None:
                    for name in _ties_of(visit):
                        found.setdefault(name, []).append((number, technician, visit))
        return found

    def _tied_to(self, visit: Visit) -> list[tuple[Technician, Visit]]:
        """Who serves which of a visit's team and group, in the order of the plan."""
        stops: dict[int, tuple[Technician, Visit]] = {
            number: (other, it) for name in _ties_of(visit) for number, other, it in self._tied.get(name, ())
        }
        return [stop for _, stop in sorted(stops.items(), key=lambda item: item[0])]

    @cached_property
    def _fixed(self) -> dict[str, Window]:
        """Starts of all visits on which others depend, or which depend on others."""
        found = {}
        for visit in self.problem.visits:
            stop = self._stops.get(visit.id)
            if stop is None or self.problem.is_begun(visit.id):
                continue
            if visit.team is not None or visit.after or visit.id in self._waiting:
                found[visit.id] = Window(stop.start, stop.start)
        return found

    def fixed(self) -> dict[str, Window]:
        """Starts of all visits on which others depend, or which depend on others."""
        return dict(self._fixed)

    def beside(self, problem: Problem, visit: Visit) -> Problem | None:
        """A problem while this visit keeps to what it depends on; None when that is not in the plan."""
        own = self.own_bound(visit)
        return problem.bounded({**self._fixed, visit.id: own}) if own is not None else None

    def asked(self, problem: Problem, visit: Visit, windows: Sequence[Window]) -> list[Asked]:
        """The questions of a quote; none when the visit depends on one that is not in the plan."""
        found = []
        for index, window in enumerate(windows):
            asked = visit if window.start <= -NEVER else replace(visit, windows=(window,))
            is_known = problem.visit(visit.id) == asked
            beside = self.beside(problem if is_known else problem.with_visit(asked), asked)
            if beside is not None:
                found.append(Asked(index, asked, beside))
        return found

    def own_bound(self, visit: Visit) -> Window | None:
        """Interval that visits already planned leave for the start of one more, None if one is missing."""
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
        others = [other for other in self._teams.get(visit.team, ()) if other.id != visit.id]
        return [] if any(self.problem.is_begun(other.id) for other in others) else others

    def tie_against(self, technician: Technician, visit: Visit) -> tuple[str, str] | None:
        """The rule about several visits that keeps a technician from this one, with its cause, or None."""
        crew = [technician]
        for other, served in self._tied_to(visit):
            if served.id == visit.id:
                continue
            if visit.team is not None and served.team == visit.team:
                if other.who == technician.who:
                    return team.CODE, f"{technician.name} serves another visit of the team"
                crew.append(other)
            group = visit.same_technician
            if group is not None and served.same_technician == group and other.who != technician.who:
                return same_technician.CODE, f"{other.name} serves other visits of {group}"
        members = [*self._partners(visit), visit]
        if len(crew) == len(members) and (missing := team.lacking(self.problem, crew, members)):
            return team.CODE, f"the team would lack {', '.join(missing)}"
        return None

    def into(
        self, technician: Technician, order: Sequence[Visit], asked: Asked, *, positions: Sequence[int]
    ) -> Iterator[Trial]:
        """Drive a route with a visit at each position."""
        mine, own = self._shifts(technician)
        before = driven_cents(self.problem, [*mine, *own]) if positions else 0
        for position in positions:
            sequence = (*order[:position], asked.visit, *order[position:])
            try:
                timed = timetable(asked.problem, technician, sequence)
            except InfeasibleRoute:
                continue
            if not self._vans.bear(asked.problem, technician, timed):
                continue
            extra = driven_cents(asked.problem, [*mine, timed]) - before
            yield Trial(extra, timed.stops[position].start, position, asked.window)

    def at_stake(self, technician: Technician) -> tuple[Cents, Cents]:
        """
        What an insertion may save at most beside travel: in any case, and where work gets shorter.

        A fetch on the route may give way to a cheaper one; then nothing is known.
        """
        mine, own = self._shifts(technician)
        if any(route.fetches for route in own):
            return NEVER, 0
        plan = Plan(tuple(own))
        saved = sum(term.cents(self.problem, plan) for term in (lateness, overtime, stability))
        return saved, fairness.cents(self.problem, Plan((*mine, *own)))

    def _shifts(self, technician: Technician) -> tuple[list[Route], list[Route]]:
        """Routes of the other shifts of a person, and that of this shift, if there are any."""
        names = [name for name in self._vans.shifts[technician.who] if name in self.routes]
        mine = [self.routes[name] for name in names if name != technician.id]
        return mine, [self.routes[technician.id]] if technician.id in self.routes else []


def _ties_of(visit: Visit) -> list[Hashable]:
    """Names of a visit's team and of its group for one hand."""
    found: list[Hashable] = [("team", visit.team)] if visit.team is not None else []
    return [*found, ("hand", visit.same_technician)] if visit.same_technician is not None else found


class Vans:
    """Parts of a plan: whether they still last when one route changes."""

    def __init__(self, problem: Problem, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._people = parts.shifts_of(problem)
        self.shifts = {who: [t.id for t in shifts] for who, shifts in self._people.items()}
        self._problem = problem

    @cached_property
    def _overdrawn(self) -> set[str]:
        """Whose van the plan overdraws."""
        if not parts.used_by(self._problem):
            return set()
        return {
            who
            for who, shifts in self._people.items()
            if any(True for _ in parts.van_violations(self._problem, shifts, self.routes))
        }

    @cached_property
    def _fetching(self) -> list[Route]:
        """Routes by way of a depot."""
        return [route for route in self.routes.values() if route.fetches]

    def bear(self, problem: Problem, technician: Technician, timed: Route) -> bool:
        """Whether no van and no depot is overdrawn with this route in place of the technician's own."""
        if self._overdrawn - {technician.who}:
            return False
        changed = {**{name: self.routes[name] for name in self.shifts[technician.who] if name in self.routes}}
        changed[technician.id] = timed
        if any(True for _ in parts.van_violations(problem, self._people[technician.who], changed)):
            return False
        fetching = [route for route in self._fetching if route.technician_id != technician.id]
        plan = Plan((*fetching, timed))
        return not any(True for _ in parts.depot_violations(problem, plan))
