"""What ties one visit to another in the OR-Tools model: teams, precedence, one hand, one van."""

from collections.abc import Mapping, Sequence

from optimizer.constraints.precedence import earliest
from optimizer.constraints.team import lacking, needs_of
from optimizer.drives import begun_start
from optimizer.engines.nodes import Expression, Nodes
from optimizer.problem import After, Technician, Visit
from optimizer.units import HORIZON, Seconds

FAR: Seconds = 4 * HORIZON
"""Longer than any plan: taken off a moment it lifts a bound."""


class Ties(Nodes):
    """Rules about several visits; whoever serves none of them has a number of their own below zero."""

    def _people(self) -> list[int]:
        """Number of the person of each technician; several shifts of one person share it."""
        numbers: dict[str, int] = {}
        return [numbers.setdefault(t.who, len(numbers)) for t in self.technicians]

    def _person(self, visit: Visit, *, otherwise: int) -> Expression:
        return self.of_technician(visit, self._people(), otherwise=otherwise)

    def server_of(self, visit_id: str) -> Technician | None:
        """Who has begun a visit."""
        lock = self.problem.lock(visit_id)
        if lock is None or not lock.is_begun or lock.technician_id is None:
            return None
        return self.problem.technician(lock.technician_id)

    def not_by(self, visit: Visit, person: str) -> None:
        """Keep a visit off all shifts of a person."""
        for vehicle, technician in enumerate(self.technicians):
            if technician.who == person:
                self.routing.VehicleVar(self._index(visit.id)).RemoveValue(vehicle)

    def meet(self, visits: Sequence[Visit]) -> None:
        """Let all visits of a team begin together, on different people's routes, or leave all of them out."""
        solver = self.routing.solver()
        first, *others = visits
        for visit in others:
            # Visits left out have times as well, which need not be able to meet.
            apart = self.moment(visit) - self.moment(first)
            solver.Add(apart <= FAR * (1 - self.is_served(first)))
            solver.Add(apart >= -FAR * (1 - self.is_served(first)))
            solver.Add(self.is_served(visit) == self.is_served(first))
        if others:
            solver.Add(
                solver.AllDifferent([self._person(v, otherwise=-1 - i).Var() for i, v in enumerate(visits)])
            )
        if lacking(self.problem, self.technicians, visits):
            self.leave_out(first)
            return
        for need in needs_of(visits):
            holds = [int(need.is_met_by(self.problem, technician)) for technician in self.technicians]
            covering = [self.of_technician(visit, holds, otherwise=1) for visit in visits]
            solver.Add(solver.Sum(covering) >= 1)

    def join(self, visit: Visit, begun: Sequence[Visit]) -> None:
        """Send somebody else than those who have begun the team's other visits."""
        for other in begun:
            server = self.server_of(other.id)
            if server is not None:
                self.not_by(visit, server.who)

    def wait_for(self, visit: Visit, after: After) -> None:
        """Let a visit begin only after another is over."""
        first = self.problem.visit(after.visit_id)
        if first is None or first.id == visit.id:
            self.leave_out(visit)
            return
        server = self.server_of(first.id)
        if server is not None:
            end = begun_start(self.problem, first) + server.time_for(first)
            self._not_before(visit, earliest(self.problem, after, end))
            return
        solver = self.routing.solver()
        served = self.is_served(visit)
        solver.Add(served <= self.is_served(first))
        over = self.moment(first) + self.service(first) + after.delay
        solver.Add(self.moment(visit) + FAR * (1 - served) >= over)
        if after.next_day:
            number = self.problem.day_number
            last = [number(t.shift.end + t.overtime) for t in self.technicians]
            begin = [number(t.shift.start) for t in self.technicians]
            before = self.of_technician(first, last, otherwise=0)
            solver.Add(self.of_technician(visit, begin, otherwise=FAR) >= before + 1)

    def _not_before(self, visit: Visit, moment: Seconds) -> None:
        """Let a visit begin from a moment on; leave it out when its windows have closed by then."""
        start = self.moment(visit)
        if moment > start.Max():
            self.leave_out(visit)
        else:
            start.SetMin(moment)

    def keep_together(self, visits: Sequence[Visit]) -> None:
        """Let all visits that are served be served by one person."""
        solver = self.routing.solver()
        begun = {server.who for visit in visits if (server := self.server_of(visit.id)) is not None}
        open_ = [visit for visit in visits if self.knows(visit.id)]
        for technician in {t.who for t in self.technicians} if begun else ():
            for visit in open_ if begun != {technician} else ():
                self.not_by(visit, technician)
        for at, visit in enumerate(open_ if not begun else ()):
            for other in open_[at + 1 :]:
                both = self.is_served(visit) + self.is_served(other)
                same = self._person(visit, otherwise=-1) == self._person(other, otherwise=-1)
                solver.Add(same.Var() >= both - 1)

    def share_vans(self, name: str, stock: Mapping[str, int]) -> None:
        """Count what one person uses up over several shifts, each on top of the shifts before."""
        solver = self.routing.solver()
        dimension = self.routing.GetDimensionOrDie(name)
        shifts: dict[str, list[Technician]] = {}
        for technician in sorted(self.technicians, key=lambda t: (t.shift.start, t.id)):
            shifts.setdefault(technician.who, []).append(technician)
        for mine in shifts.values():
            used: list[Expression] = []
            for technician in mine:
                end = dimension.CumulVar(self.routing.End(self._vehicle[technician.id]))
                if used:
                    limit = stock[technician.id] + FAR * solver.IsEqualCstVar(end, 0)
                    solver.Add(solver.Sum([*used, end]) <= limit)
                used.append(end)
