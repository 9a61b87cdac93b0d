"""Prices of the OR-Tools model that depend on the clock, on pairs, and on how work is shared out."""

from collections.abc import Callable

import numpy as np

from optimizer.engines.nodes import SCALE, Expression, Nodes, Whole
from optimizer.objectives.fairness import SQUARE_HOUR
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import HORIZON, NEVER, Cents, Seconds

CLOCK, PAIRS, WORK = "clock prices", "pairs", "work"
DEAREST: Cents = 1 << 50
"""More than all prices of one route come to."""


class Prices(Nodes):
    """Cost terms; those that go by the clock are slacks of one dimension whose span is the price."""

    def __init__(self, problem: Problem, *, seed: int) -> None:
        super().__init__(problem, seed=seed)
        self._of_pairs: list[Callable[[Technician, Visit], Cents]] = []
        self._of_moments: dict[int, list[Expression]] = {}
        self._drives: Whole = np.zeros((len(self._places), len(self._places)), dtype=np.int64)

    def price_travel(self, cents: Callable[[int, int], Cents]) -> None:
        """Price every drive between two locations; whoever stays at home costs nothing."""
        places = sorted(set(self._places.tolist()))
        at = {place: i for i, place in enumerate(places)}
        table = np.array([[SCALE * cents(a, b) for b in places] for a in places], dtype=np.int64)
        order = [at[place] for place in self._places.tolist()]
        self._drives = self._at_home(table[np.ix_(order, order)])

    def price_return(self, technician: Technician, moment: Seconds, cents_per_minute: Cents) -> None:
        """Price each second of a return after a moment, where such a return is allowed at all."""
        if technician.overtime == 0:
            return
        end = self.routing.End(self._vehicle[technician.id])
        self._time.SetCumulVarSoftUpperBound(end, moment, cents_per_minute * SCALE // 60)

    def price_pairs(self, cents: Callable[[Technician, Visit], Cents]) -> None:
        """Price certain technicians for certain visits, on top of what was priced before."""
        self._of_pairs.append(cents)

    def price_start_after(self, visit: Visit, moment: Seconds, cents_per_hour: Cents) -> None:
        """Price each second of a start of service after a moment."""
        solver = self.routing.solver()
        late = solver.Max(self.moment(visit) - moment, 0)
        per_second = 3_600 // SCALE
        self._price_visit(visit, (late * cents_per_hour + per_second // 2) // per_second)

    def price_outside(self, visit: Visit, first: Seconds, last: Seconds, cents: Cents) -> None:
        """Price a start of service outside an interval."""
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
            work = self._begun_work(shifts)
            for technician in shifts:
                work = dimension.CumulVar(self.routing.End(self._vehicle[technician.id])) + work
            twice = 2 * max(technician.worked for technician in shifts)
            price = (work * (work + twice) * (SCALE * cents) + SQUARE_HOUR // 2) // SQUARE_HOUR
            # The price hangs on the start of the first shift, which must count even when nothing is on it.
            first = self._vehicle[shifts[0].id]
            self.routing.SetVehicleUsedWhenEmpty(True, first)
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
