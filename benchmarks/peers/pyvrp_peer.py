"""
PyVRP as a peer: skills are separate matrices in which the ways to forbidden clients are missing.

That is the way its documentation shows for access restrictions; it makes one vehicle type of every home and
one pair of matrices of every set of skills, which costs it time that a plain VRPTW would not.
"""

import time
from importlib.metadata import version

import numpy as np
import pyvrp
from pyvrp.constants import MAX_VALUE
from pyvrp.stop import MaxIterations

from benchmarks.peers.seam import (
    Able,
    Sequences,
    Table,
    able,
    amounts,
    parts_of,
    require_told,
    roads,
)
from optimizer import Problem, Technician, Visit
from optimizer.objectives.unserved import visit_cents


class PyVrp:
    """PyVRP with its default settings."""

    uses_seed = True
    limits_cpu = True

    def __init__(self) -> None:
        self.version = version("pyvrp")

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Sequences:
        """Translate and search."""
        began = time.process_time()
        require_told(problem)
        fleet = _Fleet(problem)
        data = _data(problem, fleet)
        over = _CpuTime(began + seconds)
        result = pyvrp.solve(data, over, seed=seed, collect_stats=False, display=False)
        return fleet.sequences(result.best)

    def first_plan(self, problem: Problem, *, seed: int) -> Sequences:
        """The plan after one iteration."""
        require_told(problem)
        fleet = _Fleet(problem)
        stop = MaxIterations(1)
        result = pyvrp.solve(_data(problem, fleet), stop, seed=seed, collect_stats=False, display=False)
        return fleet.sequences(result.best)


class _CpuTime:
    """Ends the search when this process has used its time on the processor."""

    def __init__(self, end: float) -> None:
        self.end = end

    def __call__(self, best_cost: int) -> bool:
        return time.process_time() >= self.end


class _Fleet:
    """Technicians grouped into vehicle types, and the visits in the order of the clients."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.able = problem, able(problem)
        self.places = sorted({place for t in problem.technicians for place in (t.start, t.end)})
        self.parts = parts_of(problem)
        self.profiles: dict[frozenset[int], int] = {}
        self.types: dict[tuple[object, ...], list[int]] = {}
        for at, technician in enumerate(problem.technicians):
            held = frozenset(kind for kind, holders in enumerate(self.able.holders) if at in holders)
            profile = self.profiles.setdefault(held, len(self.profiles))
            stock = tuple(amounts(technician.stock, self.parts))
            key = (technician.start, technician.end, technician.shift, profile, stock)
            self.types.setdefault(key, []).append(at)

    def vehicle_types(self) -> list[pyvrp.VehicleType]:
        """One type for technicians alike in everything."""
        made = []
        for key, members in self.types.items():
            first: Technician = self.problem.technicians[members[0]]
            made.append(
                pyvrp.VehicleType(
                    num_available=len(members),
                    capacity=amounts(first.stock, self.parts),
                    start_depot=self.places.index(first.start),
                    end_depot=self.places.index(first.end),
                    tw_early=first.shift.start,
                    tw_late=first.shift.end,
                    profile=key[3],
                )
            )
        return made

    def sequences(self, solution: pyvrp.Solution) -> Sequences:
        """The routes of a solution, each given to a technician of its type."""
        free = [list(members) for members in self.types.values()]
        found: Sequences = {}
        for route in solution.routes():
            technician = self.problem.technicians[free[route.vehicle_type()].pop()]
            clients = [activity.idx for activity in route if activity.is_client()]
            found[technician.id] = tuple(self.problem.visits[client] for client in clients)
        return found


def _data(problem: Problem, fleet: _Fleet) -> pyvrp.ProblemData:
    """Clients first, then the depots, each at a place of its own."""
    seconds, cents = roads(problem)
    rows = [visit.location for visit in problem.visits] + fleet.places
    own = np.ix_(rows, rows)
    tables = [_allowed(seconds[own], cents[own], fleet.able, held) for held in fleet.profiles]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in rows],
        clients=[_client(problem, at, visit, fleet.parts) for at, visit in enumerate(problem.visits)],
        depots=[pyvrp.Depot(len(problem.visits) + at) for at in range(len(fleet.places))],
        vehicle_types=fleet.vehicle_types(),
        distance_matrices=[cents for _, cents in tables],
        duration_matrices=[seconds for seconds, _ in tables],
    )


def _client(problem: Problem, at: int, visit: Visit, parts: tuple[str, ...]) -> pyvrp.Client:
    """One visit; an optional one costs its price when it is left out."""
    times = {"tw_early": visit.windows[0].start, "tw_late": visit.windows[0].end} if visit.windows else {}
    return pyvrp.Client(
        location=at,
        delivery=amounts(visit.parts, parts),
        service_duration=visit.duration,
        prize=visit_cents(problem, visit) if visit.optional else 0,
        required=not visit.optional,
        **times,
    )


def _allowed(seconds: Table, cents: Table, needs: Able, held: frozenset[int]) -> tuple[Table, Table]:
    """Times and costs for technicians who meet some kinds of need: ways to other clients are missing."""
    forbidden = [at for at, need in enumerate(needs.need) if need not in held]
    made = (seconds.copy(), cents.copy())
    for table in made:
        table[:, forbidden] = MAX_VALUE
        table[forbidden, :] = MAX_VALUE
        np.fill_diagonal(table, 0)
    return made
