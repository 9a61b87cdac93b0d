"""
OR-Tools routing as a peer: once as most people use it, once at the best setting we found.

The model is the one of its tutorials: registered matrices for time and cost, a dimension for the clock and
one for each part, one disjunction for each visit, allowed vehicles for skills. ``ortools`` starts from
PATH_CHEAPEST_ARC and goes on with guided local search; ``ortools-tuned`` runs its iterated local search with
the ruin of SISR.
"""

import time
from importlib.metadata import version

import numpy as np
from ortools.constraint_solver import pywrapcp
from ortools.constraint_solver.routing_enums_pb2 import FirstSolutionStrategy, LocalSearchMetaheuristic
from ortools.constraint_solver.routing_ils_pb2 import CoolingScheduleStrategy, PerturbationStrategy

from benchmarks.peers.seam import Sequences, able, amounts, parts_of, require_told, roads
from optimizer import Problem, Technician, Visit
from optimizer.objectives.unserved import visit_cents

TELLS = frozenset(("breaks", "windows", "overtime"))
CLOCK = "clock"
SCALE = 60
"""The model counts in sixtieths of a cent, so that overtime by the minute is exact by the second."""
Parameters = pywrapcp.DefaultRoutingSearchParameters


class OrTools:
    """As in its tutorials: cheapest arc, then guided local search."""

    uses_seed = False  # plan() takes one all the same, as every solver does
    limits_cpu = False
    setting = "cheapest arc, guided local search"

    def __init__(self) -> None:
        self.version = f"{version('ortools')} ({self.setting})"

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Sequences:
        """Build the model and search."""
        began = time.perf_counter()
        require_told(problem, also=TELLS)
        if not problem.technicians or not problem.visits:
            return {}
        model = _Model(problem)
        parameters = self.parameters()
        left = max(0.01, seconds - (time.perf_counter() - began))
        parameters.time_limit.FromMilliseconds(max(1, int(1000 * left)))
        return model.sequences(self.search(model.routing, parameters))

    def first_plan(self, problem: Problem, *, seed: int) -> Sequences:
        """The plan before any improvement."""
        require_told(problem, also=TELLS)
        if not problem.technicians or not problem.visits:
            return {}
        model = _Model(problem)
        parameters = self.parameters()
        parameters.use_iterated_local_search = False
        parameters.solution_limit = 1
        return model.sequences(model.routing.SolveWithParameters(parameters))

    def parameters(self) -> Parameters:
        """The setting."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = FirstSolutionStrategy.PATH_CHEAPEST_ARC
        parameters.local_search_metaheuristic = LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        return parameters

    def search(self, routing: pywrapcp.RoutingModel, parameters: Parameters) -> pywrapcp.Assignment | None:
        """Let OR-Tools search."""
        return routing.SolveWithParameters(parameters)


class OrToolsTuned(OrTools):
    """Its iterated local search; only this call runs it, the flag alone would stop after one descent."""

    setting = "iterated local search, SISR ruin"

    def parameters(self) -> Parameters:
        """The best of the settings that we tried."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        parameters.use_iterated_local_search = True
        told = parameters.iterated_local_search_parameters
        told.perturbation_strategy = PerturbationStrategy.RUIN_AND_RECREATE
        told.improve_perturbed_solution = False
        told.ruin_recreate_parameters.recreate_strategy.heuristic = (
            FirstSolutionStrategy.LOCAL_CHEAPEST_INSERTION
        )
        told.ruin_recreate_parameters.route_selection_neighbors_ratio = 1.0
        told.ruin_recreate_parameters.route_selection_min_neighbors = 10
        told.ruin_recreate_parameters.route_selection_max_neighbors = 100
        ruin = told.ruin_recreate_parameters.ruin_strategies.add().sisr
        ruin.max_removed_sequence_size, ruin.avg_num_removed_visits, ruin.bypass_factor = 20, 20, 0.01
        heat = told.reference_solution_acceptance_strategy.simulated_annealing
        heat.cooling_schedule_strategy = CoolingScheduleStrategy.EXPONENTIAL
        heat.automatic_temperatures = True
        told.best_solution_acceptance_strategy.greedy_descent.SetInParent()
        return parameters

    def search(self, routing: pywrapcp.RoutingModel, parameters: Parameters) -> pywrapcp.Assignment | None:
        """Let OR-Tools search."""
        return routing.SolveWithIteratedLocalSearch(parameters)


class _Model:
    """Visits first, then one node for each place where somebody starts or ends."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.visits, self.crew = problem.visits, problem.technicians
        places = sorted({place for who in self.crew for place in (who.start, who.end)})
        node = {place: len(self.visits) + at for at, place in enumerate(places)}
        self.rows = np.array([visit.location for visit in self.visits] + places, dtype=np.int64)
        starts, ends = [node[who.start] for who in self.crew], [node[who.end] for who in self.crew]
        self.manager = pywrapcp.RoutingIndexManager(len(self.rows), len(self.crew), starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.service = [visit.duration for visit in self.visits] + [0] * len(places)
        seconds, cents = roads(problem)
        own = np.ix_(self.rows, self.rows)
        arcs = self.routing.RegisterTransitMatrix((SCALE * cents[own]).tolist())
        self.routing.SetArcCostEvaluatorOfAllVehicles(arcs)
        self._clock((seconds[own] + np.array(self.service)[:, None]).tolist())
        self._parts()
        needs = able(problem)
        for at, visit in enumerate(self.visits):
            self._visit(at, visit, needs.holders[needs.need[at]])

    def _clock(self, steps: list[list[int]]) -> None:
        """Shifts, overtime and breaks."""
        horizon = max(who.shift.end + who.overtime for who in self.crew)
        transit = self.routing.RegisterTransitMatrix(steps)
        self.routing.AddDimension(transit, horizon, horizon, False, CLOCK)
        self.time = self.routing.GetDimensionOrDie(CLOCK)
        price = self.problem.policy.overtime_cents_per_minute * SCALE // 60
        for vehicle, who in enumerate(self.crew):
            start, end = self.routing.Start(vehicle), self.routing.End(vehicle)
            self.time.CumulVar(start).SetRange(who.shift.start, who.shift.end)
            self.time.CumulVar(end).SetRange(who.shift.start, who.shift.end + who.overtime)
            if who.overtime:
                self.time.SetCumulVarSoftUpperBound(end, who.shift.end, price)
            self._rest(vehicle, who)
            self.routing.AddVariableMinimizedByFinalizer(self.time.CumulVar(start))
            self.routing.AddVariableMinimizedByFinalizer(self.time.CumulVar(end))

    def _rest(self, vehicle: int, who: Technician) -> None:
        """Breaks of one technician."""
        if not who.breaks:
            return
        solver = self.routing.solver()
        pauses = [
            solver.FixedDurationIntervalVar(p.earliest, p.latest, p.duration, False, f"break {vehicle}.{at}")
            for at, p in enumerate(who.breaks)
        ]
        service = [self.service[self.manager.IndexToNode(at)] for at in range(self.routing.Size())]
        self.time.SetBreakIntervalsOfVehicle(pauses, vehicle, service)

    def _parts(self) -> None:
        """Stock of each van, part by part."""
        names = parts_of(self.problem)
        used = [amounts(visit.parts, names) for visit in self.visits]
        held = [amounts(who.stock, names) for who in self.crew]
        none_at_places = [0] * (len(self.rows) - len(self.visits))
        for at, name in enumerate(names):
            use = self.routing.RegisterUnaryTransitVector([row[at] for row in used] + none_at_places)
            stock = [row[at] for row in held]
            self.routing.AddDimensionWithVehicleCapacity(use, 0, stock, True, f"part {name}")

    def _visit(self, at: int, visit: Visit, holders: frozenset[int]) -> None:
        """Price, windows and allowed vehicles of one visit."""
        index = self.manager.NodeToIndex(at)
        self.routing.AddDisjunction([index], SCALE * visit_cents(self.problem, visit))
        if len(holders) < len(self.crew):
            # SetAllowedVehiclesForIndex raises TypeError in OR-Tools 9.15; -1 stands for "left out".
            self.routing.VehicleVar(index).SetValues([-1, *sorted(holders)])
        windows = sorted(visit.windows, key=lambda window: window.start)
        if not windows:
            return
        begins = self.time.CumulVar(index)
        begins.SetRange(max(0, windows[0].start), max(window.end for window in windows))
        closed = windows[0].end
        for window in windows[1:]:
            if window.start > closed + 1:
                begins.RemoveInterval(closed + 1, window.start - 1)
            closed = max(closed, window.end)

    def sequences(self, found: pywrapcp.Assignment | None) -> Sequences:
        """The routes of a solution; without one everybody stays at home."""
        orders: Sequences = {}
        for vehicle, who in enumerate(self.crew if found is not None else ()):
            index, order = self.routing.Start(vehicle), []
            while not self.routing.IsEnd(index := found.Value(self.routing.NextVar(index))):
                order.append(self.visits[self.manager.IndexToNode(index)])
            if order:
                orders[who.id] = tuple(order)
        return orders
