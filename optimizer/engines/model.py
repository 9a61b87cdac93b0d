"""
The OR-Tools routing model of a day, in the words of visits and technicians.

Constraint and objective files call it by its domain words and never see OR-Tools. Nodes are numbered visits
first, then one start and one end per technician. All costs are integers in sixtieths of a cent, so that a
price per minute is exact by the second.
"""

from collections.abc import Callable, Mapping, Sequence

from optimizer.engines.nodes import SCALE
from optimizer.engines.prices import Prices
from optimizer.engines.ties import Ties
from optimizer.plan import Plan
from optimizer.problem import Break, Problem, Technician, Visit, Window
from optimizer.units import HORIZON, Cents, Seconds

__all__ = ["SCALE", "DayModel"]


class DayModel(Ties, Prices):
    """
    One day as a routing model; stops already begun are left out, their technician starts behind them.

    Exact are travel, service, set-up, windows of starts, breaks, locks, teams, precedence, one hand, vans of
    several shifts, and all prices but these:

    - Travel by hour of the day: the mean factor of the hours worked stands for all of them.
    - Fetching parts: every van may use what it carries and what the best depot has, without the way there.
    - The next day: a visit waits for a shift that begins on a later day than the other's shift can end.
    - Lateness: arrival counts as the start of service, and the longest service of any technician.
    - A window that bounds arrival or finish: set-up counts as always needed; only where there is one window
      does each technician's own length of service count.
    - A break may interrupt the set-up.

    The plan found is timed again, mended and filled, so that what is handed out is exact in any case.
    """

    def __init__(self, problem: Problem, *, seed: int) -> None:
        super().__init__(problem, seed=seed)
        self._forbidden: dict[str, set[int]] = {visit.id: set() for visit in self.visits}

    def forbid(self, technician: Technician, visit: Visit) -> None:
        """Keep a visit off a technician's route."""
        self._forbidden[visit.id].add(self._vehicle[technician.id])

    def begin_within(self, visit: Visit, windows: Sequence[Window]) -> None:
        """Let service begin in the windows only."""
        if not windows:
            self.leave_out(visit)
            return
        moment = self.moment(visit)
        moment.SetRange(max(0, windows[0].start), max(window.end for window in windows))
        closed = windows[0].end
        for window in windows[1:]:
            if window.start > closed + 1:
                moment.RemoveInterval(closed + 1, window.start - 1)
            closed = max(closed, window.end)

    def finish_by(self, visit: Visit, last: Seconds) -> None:
        """Let service end by a moment, whoever serves."""
        self.routing.solver().Add(self.moment(visit) + self.service(visit) <= last)

    def work_between(self, technician: Technician, first: Seconds, last: Seconds) -> None:
        """Bound the departure and the return of a technician."""
        vehicle = self._vehicle[technician.id]
        # A begun stop may already lie beyond the end of the shift: then no visit is allowed any more, and the
        # way home must not make the model infeasible.
        self._time.CumulVar(self.routing.Start(vehicle)).SetRange(first, max(first, last))
        latest = last if self.way_home(technician) + first <= last else 2 * HORIZON
        self._time.CumulVar(self.routing.End(vehicle)).SetRange(first, latest)

    def way_home(self, technician: Technician) -> Seconds:
        """Driving time home from where the open part of the day begins."""
        begin = self.openings[self._vehicle[technician.id]]
        return self.way(begin.location, technician.end)[0] if begin.begun else 0

    def rest(self, technician: Technician, breaks: Sequence[Break]) -> None:
        """Reserve breaks; they may interrupt drives, never services."""
        if not breaks:
            return
        solver = self.routing.solver()
        vehicle = self._vehicle[technician.id]
        intervals = [
            solver.FixedDurationIntervalVar(p.earliest, p.latest, p.duration, False, f"break {vehicle}.{i}")
            for i, p in enumerate(breaks)
        ]
        services = self._services(vehicle)
        by_index = [services[self.manager.IndexToNode(i)] for i in range(self.routing.Size())]
        self._time.SetBreakIntervalsOfVehicle(intervals, vehicle, by_index)

    def place(self, positions: Mapping[str, int], begun: Mapping[str, int]) -> None:
        """Fix positions in routes, counted behind the stops already begun."""
        step = self.routing.RegisterUnaryTransitVector([1] * len(self._places))
        bound = len(self.problem.visits) + 2
        self.routing.AddDimension(step, 0, bound, False, "position")
        dimension = self.routing.GetDimensionOrDie("position")
        for technician_id, count in begun.items():
            start = self.routing.Start(self._vehicle[technician_id])
            # The start node itself takes one step, so it stands one place before the first open stop.
            dimension.CumulVar(start).SetRange(count, count)
        for visit_id, position in positions.items():
            dimension.CumulVar(self._index(visit_id)).SetRange(position + 1, position + 1)

    def count(self, name: str, demand: Mapping[str, int], capacity: Mapping[str, int]) -> None:
        """Use something up along each route, never more than the technician has."""
        vector = [demand[visit.id] for visit in self.visits] + [0] * (2 * len(self.technicians))
        use = self.routing.RegisterUnaryTransitVector(vector)
        limits = [capacity[technician.id] for technician in self.technicians]
        self.routing.AddDimensionWithVehicleCapacity(use, 0, limits, True, name)

    def may_leave_out(self, visit: Visit, cents: Cents) -> None:
        """Let a visit be left out at a price."""
        self.left_out[self._node[visit.id]] = cents
        self.routing.AddDisjunction([self._index(visit.id)], SCALE * cents)

    def close(self) -> None:
        """Apply who may serve what and the order of fixing times; call once after all rules are in."""
        self._close_prices()
        vehicles = range(len(self.technicians))
        for visit in self.visits:
            forbidden = self._forbidden[visit.id]
            if forbidden:
                # SetAllowedVehiclesForIndex raises TypeError in OR-Tools 9.15, and an empty list there means
                # everybody; -1 stands for "left out".
                allowed = [-1, *(v for v in vehicles if v not in forbidden)]
                self.routing.VehicleVar(self._index(visit.id)).SetValues(allowed)
        # Services as early as they can be, then returns: fixing returns first makes OR-Tools backtrack over
        # the breaks, ten times slower at 250 visits; at 400 it finds no times for its own starting plan.
        for visit in self.visits:
            self.routing.AddVariableMinimizedByFinalizer(self._time.CumulVar(self._index(visit.id)))
        for vehicle in vehicles:
            end = self.routing.End(vehicle)
            self.routing.AddVariableMinimizedByFinalizer(self._time.CumulVar(end))

    def routes_of(self, plan: Plan) -> list[list[int]]:
        """A plan as node indices per technician, for a warm start."""
        routes: list[list[int]] = [[] for _ in self.technicians]
        for route in plan.routes:
            nodes = [self._index(s.visit_id) for s in route.stops if s.visit_id in self._node]
            routes[self._vehicle[route.technician_id]] = nodes
        return routes

    def sequences(self, following: Callable[[int], int]) -> dict[str, tuple[Visit, ...]]:
        """Read the routes of a solution, begun stops in front."""
        found: dict[str, tuple[Visit, ...]] = {}
        for vehicle, technician in enumerate(self.technicians):
            visits = list(self.problem.begun_by(technician.id))
            index = following(self.routing.Start(vehicle))
            while not self.routing.IsEnd(index):
                visits.append(self.visits[self.manager.IndexToNode(index)])
                index = following(index)
            if visits:
                found[technician.id] = tuple(visits)
        return found
