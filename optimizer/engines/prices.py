"""Prices of the OR-Tools model that depend on the clock, on pairs, and on how work is shared out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from optimizer.engines.nodes import SCALE, Expression, Nodes, Whole
from optimizer.objectives.fairness import SQUARE_HOUR
from optimizer.problem import Lateness, Problem, Technician, Visit
from optimizer.units import HORIZON, NEVER, Cents, Seconds

CLOCK, PAIRS, WORK = "clock prices", "pairs", "work"
PER_SECOND = 3_600 // SCALE
"""By so much a price of an hour is divided for the model's price of a second."""
DEAREST: Cents = 1 << 50
"""More than all prices of one route come to."""


class Late(NamedTuple):
    """A limit of a visit: arrival, or with ``is_end`` the end of service, is late after a moment."""

    node: int
    limit: Seconds
    is_end: bool
    back: Seconds
    steps: Sequence[Lateness]


class Outside(NamedTuple):
    """A price of a start of service outside an interval."""

    node: int
    first: Seconds
    last: Seconds
    cents: Cents


class Return(NamedTuple):
    """
    A price of a minute of a vehicle's return after a moment.

    Without overtime only what has begun can make a return so late, which the search need not count.
    """

    vehicle: int
    moment: Seconds
    cents_per_minute: Cents
    is_counted: bool


class Share(NamedTuple):
    """A price of the square of one person's hours: vehicles, work already begun, twice what came before."""

    vehicles: tuple[int, ...]
    begun: Seconds
    twice: Seconds
    cents: Cents


Statement = Late | Outside | Return | Share


class Prices(Nodes):
    """
    Cost terms; those that go by the clock are slacks of one dimension whose span is the price.

    What has been stated is kept by term in ``stated``, ``pairs`` and ``left_out``, for ``stating`` to add up.
    """

    def __init__(self, problem: Problem, *, seed: int) -> None:
        super().__init__(problem, seed=seed)
        self.term = ""
        """Name of the objective that states its prices now."""
        self.stated: list[tuple[str, Statement]] = []
        self.pairs: dict[str, Whole] = {}
        self.left_out: Whole = np.zeros(len(self.visits), dtype=np.int64)
        self._of_pairs: list[Callable[[Technician, Visit], Cents]] = []
        self._of_moments: dict[int, list[Expression]] = {}
        self._drives: Whole = np.zeros((len(self._places), len(self._places)), dtype=np.int64)
        self.drives = self._drives

    def price_travel(self, cents: Callable[[int, int], Cents]) -> None:
        """Price every drive between two locations; whoever stays at home costs nothing."""
        places = sorted(set(self._places.tolist()))
        at = {place: i for i, place in enumerate(places)}
        table = np.array([[SCALE * cents(a, b) for b in places] for a in places], dtype=np.int64)
        order = [at[place] for place in self._places.tolist()]
        self._drives = self._at_home(table[np.ix_(order, order)])
        self.drives = self._drives.copy()

    def price_return(self, technician: Technician, moment: Seconds, cents_per_minute: Cents) -> None:
        """Price each second of a return after a moment, where such a return is allowed at all."""
        vehicle, is_counted = self._vehicle[technician.id], technician.overtime > 0
        self.stated.append((self.term, Return(vehicle, moment, cents_per_minute, is_counted)))
        if not is_counted:
            return
        end = self.routing.End(vehicle)
        self._time.SetCumulVarSoftUpperBound(end, moment, cents_per_minute * SCALE // 60)

    def price_pairs(self, cents: Callable[[Technician, Visit], Cents]) -> None:
        """Price certain technicians for certain visits, on top of what was priced before."""
        self._of_pairs.append(cents)
        table = [[cents(technician, visit) for visit in self.visits] for technician in self.technicians]
        known = self.pairs.get(self.term, 0)
        self.pairs[self.term] = known + np.array(table, dtype=np.int64).reshape(-1, len(self.visits))

    def price_late(
        self, visit: Visit, limit: Seconds, steps: Sequence[Lateness], *, longest: Seconds | None = None
    ) -> None:
        """Price each second after a limit of arrival, or of the end of a service that is so long."""
        solver, back = self.routing.solver(), longest or 0
        self.stated.append((self.term, Late(self._node[visit.id], limit, longest is not None, back, steps)))
        for step in steps:
            late = solver.Max(self.moment(visit) - (limit - back + step.after), 0)
            self._price_visit(visit, (late * step.cents_per_hour + PER_SECOND // 2) // PER_SECOND)

    def price_outside(self, visit: Visit, first: Seconds, last: Seconds, cents: Cents) -> None:
        """Price a start of service outside an interval."""
        self.stated.append((self.term, Outside(self._node[visit.id], first, last, cents)))
        solver, moment = self.routing.solver(), self.moment(visit)
        outside = solver.IsLessCstVar(moment, first) + solver.IsGreaterCstVar(moment, last)
        self._price_visit(visit, outside * (SCALE * cents))

    def _price_visit(self, visit: Visit, price: Expression) -> None:
        self._of_moments.setdefault(self._index(visit.id), []).append(price * self.is_served(visit))

    def share_out(self, cents: Cents) -> None:
        """Price each person's driving and service by the square of the hours."""
        table = self._ways()
        self.routing.AddDimensionWithVehicleTransits(self._transits(table), 0, 2 * HORIZON, True, WORK)
        dimension = self.routing.GetDimensionOrDie(WORK)
        people: dict[str, list[Technician]] = {}
        for technician in self.technicians:
            people.setdefault(technician.who, []).append(technician)
        for shifts in people.values():
            work = begun = self._begun_work(shifts)
            vehicles = tuple(self._vehicle[technician.id] for technician in shifts)
            for technician in shifts:
                work = dimension.CumulVar(self.routing.End(self._vehicle[technician.id])) + work
            twice = 2 * max(technician.worked for technician in shifts)
            self.stated.append((self.term, Share(vehicles, begun, twice, cents)))
            price = (work * (work + twice) * (SCALE * cents) + SQUARE_HOUR // 2) // SQUARE_HOUR
            # The price hangs on the start of the first shift, which must count even when nothing is on it.
            first = self._vehicle[shifts[0].id]
            self.count_always(first)
            self._of_moments.setdefault(self.routing.Start(first), []).append(price)

    def _begun_work(self, shifts: list[Technician]) -> Seconds:
        """Driving and service of stops already begun, which the model does not see."""
        total = 0
        for technician in shifts:
            place = technician.start
            for visit in self.problem.begun_by(technician.id):
                total += self.problem.matrix.leg(place, visit.location)[0] + technician.time_for(visit)
                place = visit.location
        return total

    def _close_prices(self) -> None:
        """Add the dimensions of prices; call once after all terms are in."""
        self._close_pairs()
        arcs = self.routing.RegisterTransitMatrix(self._drives.tolist())
        self.routing.SetArcCostEvaluatorOfAllVehicles(arcs)
        if self._of_moments:
            self._close_moments()

    def _close_pairs(self) -> None:
        """
        Price pairs: what a visit costs with anybody as part of the drive from it, the rest as a dimension.

        OR-Tools finds no plan when a visit costs something on every vehicle in a dimension that differs by
        vehicle, since it must cost nothing while it is left out.
        """
        if not self._of_pairs or not self.technicians:
            return
        prices = np.array(
            [
                [SCALE * sum(cents(technician, v) for cents in self._of_pairs) for v in self.visits]
                for technician in self.technicians
            ],
            dtype=np.int64,
        ).reshape(len(self.technicians), len(self.visits))
        common = prices.min(axis=0)
        self._drives[: len(self.visits)] += common[:, None]
        prices -= common
        if not prices.any():
            return
        rest = [0] * (2 * len(self.technicians))
        evaluators = [self.routing.RegisterUnaryTransitVector([*row, *rest]) for row in prices.tolist()]
        self.routing.AddDimensionWithVehicleTransits(evaluators, 0, NEVER, True, PAIRS)
        self.routing.GetDimensionOrDie(PAIRS).SetSpanCostCoefficientForAllVehicles(1)

    def _close_moments(self) -> None:
        """Add the prices that go by the clock."""
        solver = self.routing.solver()
        nothing = self.routing.RegisterUnaryTransitVector([0] * len(self._places))
        self.routing.AddDimension(nothing, DEAREST, DEAREST, True, CLOCK)
        dimension = self.routing.GetDimensionOrDie(CLOCK)
        dimension.SetSpanCostCoefficientForAllVehicles(1)
        for index in range(self.routing.Size()):
            prices = self._of_moments.get(index)
            if prices is None:
                dimension.SlackVar(index).SetValue(0)
            else:
                solver.Add(dimension.SlackVar(index) == solver.Sum([price.Var() for price in prices]))
