"""
A thin wrapper of the OR-Tools routing model that speaks of visits and technicians.

Constraint and objective files call it by its domain words and never see OR-Tools. Nodes are numbered visits
first, then one start and one end per technician. All costs are integers in sixtieths of a cent, so that a
price per minute is exact by the second.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from ortools.constraint_solver import pywrapcp

from optimizer.plan import Plan
from optimizer.problem import Break, Problem, Technician, Visit, Window
from optimizer.timing import opening
from optimizer.units import HORIZON, NEVER, Cents, Seconds

SCALE = 60
TIME = "time"


class DayModel:
    """One day as a routing model; stops already begun are left out, their technician starts behind them."""

    def __init__(self, problem: Problem, *, seed: int) -> None:
        self.problem = problem
        self.technicians = problem.technicians
        self.visits = [visit for visit in problem.visits if not problem.is_begun(visit.id)]
        if seed:
            random.Random(seed).shuffle(self.visits)  # noqa: S311  # variety, not secrecy
        self._vehicle = {technician.id: i for i, technician in enumerate(self.technicians)}
        self._node = {visit.id: i for i, visit in enumerate(self.visits)}
        self._forbidden: dict[str, set[int]] = {visit.id: set() for visit in self.visits}
        openings = [opening(problem, technician) for technician in self.technicians]
        count, vehicles = len(self.visits), len(self.technicians)
        self._places = np.array(
            [v.location for v in self.visits]
            + [o.location for o in openings]
            + [t.end for t in self.technicians],
            dtype=np.int64,
        )
        starts = list(range(count, count + vehicles))
        ends = list(range(count + vehicles, count + 2 * vehicles))
        self.manager = pywrapcp.RoutingIndexManager(count + 2 * vehicles, vehicles, starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        for vehicle, begin in enumerate(openings):
            if begin.begun:
                self.routing.SetVehicleUsedWhenEmpty(True, vehicle)

    def _index(self, visit_id: str) -> int:
        """OR-Tools index of a visit."""
        return int(self.manager.NodeToIndex(self._node[visit_id]))

    def _durations(self) -> list[int]:
        """Length of service by node, nothing at starts and ends."""
        return [visit.duration for visit in self.visits] + [0] * (2 * len(self.technicians))

    def count_time(self) -> None:
        """Let time run along every route: service, then the drive; waiting is free."""
        rows = np.array(self.problem.matrix.seconds, dtype=np.int64)
        table = rows[np.ix_(self._places, self._places)] + np.array(self._durations())[:, None]
        transit = self.routing.RegisterTransitMatrix(table.tolist())
        self.routing.AddDimension(transit, 2 * HORIZON, 2 * HORIZON, False, TIME)
        self._time = self.routing.GetDimensionOrDie(TIME)

    def forbid(self, technician: Technician, visit: Visit) -> None:
        """Keep a visit off a technician's route."""
        self._forbidden[visit.id].add(self._vehicle[technician.id])

    def begin_within(self, visit: Visit, windows: Sequence[Window]) -> None:
        """Let service begin in the windows only."""
        if not windows:
            return
        moment = self._time.CumulVar(self._index(visit.id))
        moment.SetRange(max(0, windows[0].start), max(window.end for window in windows))
        closed = windows[0].end
        for window in windows[1:]:
            if window.start > closed + 1:
                moment.RemoveInterval(closed + 1, window.start - 1)
            closed = max(closed, window.end)

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
        begin = opening(self.problem, technician)
        return self.problem.matrix.seconds[begin.location][technician.end] if begin.begun else 0

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
        durations = self._durations()
        by_index = [durations[self.manager.IndexToNode(i)] for i in range(self.routing.Size())]
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

    def price_travel(self, cents: Callable[[int, int], Cents]) -> None:
        """Price every drive between two locations."""
        places = sorted(set(self._places.tolist()))
        at = {place: i for i, place in enumerate(places)}
        table = np.array([[SCALE * cents(a, b) for b in places] for a in places], dtype=np.int64)
        order = [at[place] for place in self._places.tolist()]
        transit = self.routing.RegisterTransitMatrix(table[np.ix_(order, order)].tolist())
        self.routing.SetArcCostEvaluatorOfAllVehicles(transit)

    def price_return(self, technician: Technician, moment: Seconds, cents_per_minute: Cents) -> None:
        """Price each second of a return after a moment, where such a return is allowed at all."""
        if technician.overtime == 0:
            return
        end = self.routing.End(self._vehicle[technician.id])
        self._time.SetCumulVarSoftUpperBound(end, moment, cents_per_minute * SCALE // 60)

    def price_pairs(self, cents: Callable[[Technician, Visit], Cents]) -> None:
        """Price certain technicians for certain visits, counted as a dimension whose span costs."""
        evaluators = []
        for technician in self.technicians:
            vector = [SCALE * cents(technician, visit) for visit in self.visits]
            vector += [0] * (2 * len(self.technicians))
            evaluators.append(self.routing.RegisterUnaryTransitVector(vector))
        self.routing.AddDimensionWithVehicleTransits(evaluators, 0, NEVER, True, "pairs")
        self.routing.GetDimensionOrDie("pairs").SetSpanCostCoefficientForAllVehicles(1)

    def may_leave_out(self, visit: Visit, cents: Cents) -> None:
        """Let a visit be left out at a price."""
        self.routing.AddDisjunction([self._index(visit.id)], SCALE * cents)

    def close(self) -> None:
        """Apply who may serve what and the order of fixing times; call once after all rules are in."""
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
