"""Nodes, vehicles and time of the OR-Tools routing model, in the words of visits and technicians."""

import random
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp

from optimizer.drives import opening
from optimizer.problem import Problem, Visit
from optimizer.traffic import EVEN, HOUR
from optimizer.units import DAY, HORIZON, Metres, Seconds

SCALE = 60
"""All prices of the model are sixtieths of a cent, so that a price per minute is exact by the second."""
TIME = "time"
Expression: TypeAlias = Any
"""A variable or expression of OR-Tools, which has no types."""
Whole = NDArray[np.int64]


class Nodes:
    """Visits first, then one start and one end per technician; time runs along every route."""

    def __init__(self, problem: Problem, *, seed: int) -> None:
        self.problem = problem
        self.technicians = problem.technicians
        self.visits = [visit for visit in problem.visits if not problem.is_begun(visit.id)]
        if seed:
            random.Random(seed).shuffle(self.visits)  # noqa: S311  # variety, not secrecy
        self._vehicle = {technician.id: i for i, technician in enumerate(self.technicians)}
        self._node = {visit.id: i for i, visit in enumerate(self.visits)}
        self.openings = [opening(problem, technician) for technician in self.technicians]
        count, vehicles = len(self.visits), len(self.technicians)
        self._places: Whole = np.array(
            [v.location for v in self.visits]
            + [o.location for o in self.openings]
            + [t.end for t in self.technicians],
            dtype=np.int64,
        )
        starts = list(range(count, count + vehicles))
        ends = list(range(count + vehicles, count + 2 * vehicles))
        self.manager = pywrapcp.RoutingIndexManager(count + 2 * vehicles, vehicles, starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.counted: set[int] = set()
        """Vehicles that are priced even with nothing on their routes."""
        for vehicle, begin in enumerate(self.openings):
            if begin.begun:
                self.count_always(vehicle)
        self._hourly = _mean_factors(problem)

    def count_always(self, vehicle: int) -> None:
        """Price a vehicle even with nothing on its route."""
        self.counted.add(vehicle)
        self.routing.SetVehicleUsedWhenEmpty(True, vehicle)

    def knows(self, visit_id: str) -> bool:
        """Whether a visit is still to be planned."""
        return visit_id in self._node

    def _index(self, visit_id: str) -> int:
        """OR-Tools index of a visit."""
        return int(self.manager.NodeToIndex(self._node[visit_id]))

    def moment(self, visit: Visit) -> Expression:
        """Start of service."""
        return self._time.CumulVar(self._index(visit.id))

    def is_served(self, visit: Visit) -> Expression:
        """1 when the visit is on a route."""
        return self.routing.ActiveVar(self._index(visit.id))

    def of_technician(self, visit: Visit, values: Sequence[int], *, otherwise: int) -> Expression:
        """The value of whoever serves a visit, by technician, and another one when nobody does."""
        vehicle = self.routing.VehicleVar(self._index(visit.id))
        return self.routing.solver().Element([otherwise, *values], vehicle + 1)

    def service(self, visit: Visit) -> Expression:
        """Length of service."""
        if not visit.durations:
            return visit.duration
        lengths = [technician.time_for(visit) for technician in self.technicians]
        return self.of_technician(visit, lengths, otherwise=0)

    def back(self, vehicle: int) -> Expression:
        """Return of a vehicle."""
        return self._time.CumulVar(self.routing.End(vehicle))

    def leave_out(self, visit: Visit) -> None:
        """Let nobody serve a visit."""
        self.is_served(visit).SetValue(0)

    def way(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Time and length of a drive; where hours of the day differ, their mean over the shifts."""
        seconds, metres = self.problem.matrix.leg(origin, target)
        if self.problem.traffic is not None:
            zones = self.problem.traffic.zones
            factor = int(self._hourly[zones[origin], zones[target]])
            seconds = (seconds * factor + EVEN // 2) // EVEN
        return seconds, metres

    @cached_property
    def ways(self) -> Whole:
        """The same as ``_ways``, worked out once."""
        return self._ways()

    def _ways(self) -> Whole:
        """Driving time from node to node; whoever stays at home drives nowhere."""
        ways: Whole = self.problem.matrix.block(self._places, self._places)[0].astype(np.int64)
        if self.problem.traffic is not None:
            zones = np.array(self.problem.traffic.zones, dtype=np.int64)[self._places]
            ways = (ways * self._hourly[np.ix_(zones, zones)] + EVEN // 2) // EVEN
        return self._at_home(ways)

    def _at_home(self, table: Whole) -> Whole:
        """A table in which the way from the start straight to the end is 0 for days without any stop."""
        for vehicle, begin in enumerate(self.openings):
            if not begin.begun:
                start = len(self.visits) + vehicle
                table[start, start + len(self.technicians)] = 0
        return table

    def _services(self, vehicle: int) -> list[int]:
        """Length of service by node, nothing at starts and ends."""
        technician = self.technicians[vehicle]
        return [technician.time_for(visit) for visit in self.visits] + [0] * (2 * len(self.technicians))

    def _transits(self, table: Whole) -> list[int]:
        """Register driving and service by vehicle; those with the same lengths share one table."""
        known: dict[tuple[int, ...], int] = {}
        for vehicle in range(len(self.technicians)):
            services = tuple(self._services(vehicle))
            if services not in known:
                whole = table + np.array(services, dtype=np.int64)[:, None]
                known[services] = self.routing.RegisterTransitMatrix(whole.tolist())
        return [known[tuple(self._services(vehicle))] for vehicle in range(len(self.technicians))]

    def count_time(self) -> None:
        """Let time run along every route: service, the drive, setting up on a new site; waiting is free."""
        setup = [visit.setup for visit in self.visits] + [0] * (2 * len(self.technicians))
        moved = self._places[:, None] != self._places[None, :]
        table = self._ways() + moved * np.array(setup, dtype=np.int64)[None, :]
        transits = self._transits(table)
        self.routing.AddDimensionWithVehicleTransits(transits, 2 * HORIZON, 2 * HORIZON, False, TIME)
        self._time = self.routing.GetDimensionOrDie(TIME)


def _mean_factors(problem: Problem) -> Whole:
    """Mean factor of the hours in which anybody works, by zone of origin and target."""
    if problem.traffic is None:
        return np.zeros((0, 0), dtype=np.int64)
    hours: set[int] = set()
    for technician in problem.technicians:
        last = technician.shift.end + technician.overtime
        hours.update(moment % DAY // HOUR for moment in range(technician.shift.start, last + 1, HOUR))
    factors = np.array([problem.traffic.factors[hour] for hour in sorted(hours)], dtype=np.int64)
    mean: Whole = np.rint(factors.mean(axis=0)).astype(np.int64)
    return mean
