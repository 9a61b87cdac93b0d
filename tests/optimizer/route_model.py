"""The cheapest order of one route, stated to CP-SAT without any loop of ours: what the engine is held to."""

from collections.abc import Sequence

from ortools.sat.python import cp_model

from optimizer.drives import opening
from optimizer.exact import is_exact
from optimizer.features import DURATIONS, features
from optimizer.objectives.travel import leg_cents
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import HORIZON

MOST_STOPS = 12
"""Open stops of a route of which the cheapest order is sought."""


def best_order(
    problem: Problem, technician: Technician, visits: Sequence[Visit], *, seconds: float
) -> tuple[Visit, ...] | None:
    """
    The cheapest order of a route, travel and overtime counted; None when it is not known in time.

    Stops already begun keep their places at the beginning.
    """
    begun = problem.begun_by(technician.id)
    open_ = [visit for visit in visits if not problem.is_begun(visit.id)]
    if not 0 < len(open_) <= MOST_STOPS or not is_exact(problem) or features(problem) - {DURATIONS}:
        return None
    model = _RouteModel(problem, technician, open_)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    if solver.solve(model.model) != cp_model.OPTIMAL:
        return None
    return (*begun, *(open_[node] for node in model.order(solver)))


class _RouteModel:
    """One technician's day in CP-SAT: a circuit through all visits, breaks between services."""

    def __init__(self, problem: Problem, technician: Technician, visits: Sequence[Visit]) -> None:
        self.problem, self.technician, self.visits = problem, technician, visits
        self.model = cp_model.CpModel()
        self.begin = opening(problem, technician)
        self.home = technician.shift.end + technician.overtime
        self.end = len(visits)
        self.starts = [self._start(visit) for visit in visits]
        self.lengths = [technician.time_for(visit) for visit in visits]
        self.back = self.model.new_int_var(self.begin.ready, max(self.begin.ready, self.home), "")
        self.moments = [*self.starts, self.back]
        self.rested = [cp_model.LinearExpr.constant(0) for _ in self.moments]
        self._rest()
        self.arcs: dict[tuple[int, int], cp_model.IntVar] = {}
        self._drive()
        self._price()

    def _start(self, visit: Visit) -> cp_model.IntVar:
        """Start of service inside a window, or at any time."""
        windows = self.problem.windows_of(visit) or ()
        spans = [[window.start, window.end] for window in windows] or [[-HORIZON, 2 * HORIZON]]
        return self.model.new_int_var_from_domain(cp_model.Domain.from_intervals(spans), "")

    def _rest(self) -> None:
        """Each break is whole before or after each service and the return, later ones after earlier ones."""
        model, ready = self.model, self.begin.ready
        former: cp_model.LinearExprT = ready
        for pause in self.begin.breaks:
            begin = model.new_int_var(max(pause.earliest, ready), max(pause.latest, ready), "")
            model.add(begin >= former)
            former = begin + pause.duration
            for at, moment in enumerate(self.moments):
                length = self.lengths[at] if at < self.end else 0
                before = model.new_bool_var("")
                model.add(former <= moment).only_enforce_if(before)
                model.add(begin >= moment + length).only_enforce_if(~before)
                self.rested[at] += pause.duration * before

    def _drive(self) -> None:
        """Drives follow one another; rests between two services come on top of the drive."""
        places = [*(visit.location for visit in self.visits), self.begin.location]
        home = self.technician.end
        for a, origin in enumerate(places):
            for b, target in enumerate([*places[:-1], home]):
                if a == b:
                    continue
                arc = self.model.new_bool_var("")
                self.arcs[a, b] = arc
                travel = self.problem.matrix.leg(origin, target)[0]
                ready = (
                    self.begin.ready if a == self.end else self.moments[a] + self.lengths[a] - self.rested[a]
                )
                self.model.add(self.moments[b] - self.rested[b] >= ready + travel).only_enforce_if(arc)
        self.model.add_circuit([(a, b, arc) for (a, b), arc in self.arcs.items()])

    def _price(self) -> None:
        """Travel by the drive, overtime as ``objectives.overtime`` rounds it."""
        problem, end = self.problem, self.technician.shift.end
        places = [*(visit.location for visit in self.visits), self.begin.location]
        targets = [*places[:-1], self.technician.end]
        prices = {
            (a, b): leg_cents(problem.policy, *problem.matrix.leg(places[a], targets[b]))
            for a, b in self.arcs
        }
        rate = problem.policy.overtime_cents_per_minute
        over = self.model.new_int_var(0, max(0, self.home - end), "")
        self.model.add(over >= self.back - end)
        late = self.model.new_int_var(0, max(0, self.home - end) * rate // 60 + 1, "")
        self.model.add(60 * late >= rate * over - 29)
        self.model.minimize(sum(prices[arc] * taken for arc, taken in self.arcs.items()) + late)

    def order(self, solver: cp_model.CpSolver) -> list[int]:
        """Visits in the order in which they are driven."""
        following = {a: b for (a, b), arc in self.arcs.items() if solver.boolean_value(arc)}
        found, at = [], following[self.end]
        while at != self.end:
            found.append(at)
            at = following[at]
        return found
