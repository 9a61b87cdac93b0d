"""Between problem and plan on one side and sight and ways on the other."""

from collections.abc import Callable
from itertools import pairwise

from optimizer.bounds.generation import Generation
from optimizer.bounds.labels import IDLE
from optimizer.bounds.master import Column
from optimizer.bounds.ways import Sight, day_to_bound
from optimizer.check import check, cost
from optimizer.errors import InfeasibleRoute
from optimizer.objectives.overtime import route_cents
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.schedule import Sequences, retimed
from optimizer.units import Cents

NOTHING = -(1 << 40)
"""A bound below this says nothing."""


class Proof:
    """One attempt at a problem."""

    def __init__(
        self, problem: Problem, *, start: Plan | None, until: float, clock: Callable[[], float]
    ) -> None:
        self.problem, self.start = problem, start
        self.sight = day_to_bound(problem)
        upper = sum(cost(problem, start).values()) if start is not None else None
        columns = columns_of(problem, self.sight, start) if start is not None else []
        self.search = Generation(self.sight, until=until, clock=clock, upper=upper, start=columns)

    @property
    def figures(self) -> dict[str, int | float]:
        """Figures about the proof."""
        return {**self.search.figures, **self.search.pricing.figures}

    def run(self) -> Cents | None:
        """The bound of the whole price, or None when time did not suffice for any."""
        if self.sight.kinds:
            self.search.run()
            found = self.search.bound
        else:
            found = int(self.sight.left_out.sum())
        return found + self.sight.fixed if found > NOTHING else None

    def better(self, known: Cents | None) -> Plan | None:
        """The plan that the proof ended with, if it is valid and cheaper than what is known."""
        if self.search.best is None:
            return None
        free = {number: list(kind.crew) for number, kind in enumerate(self.sight.kinds)}
        sequences: Sequences = {t.id: self.problem.begun_by(t.id) for t in self.problem.technicians}
        for column in self.search.best:
            technician = self.problem.technicians[free[column.kind].pop(0)]
            sequences[technician.id] += tuple(self.sight.visits[node] for node in column.visits)
        try:
            plan = retimed(self.problem, sequences)
        except InfeasibleRoute:
            return None
        if check(self.problem, plan):
            return None
        return plan if known is None or sum(cost(self.problem, plan).values()) < known else None


def columns_of(problem: Problem, sight: Sight, plan: Plan) -> list[Column]:
    """The routes of a plan as ways; what the bound does not see of them is left out."""
    kind_of = {who: number for number, kind in enumerate(sight.kinds) for who in kind.crew}
    node_of = {visit.id: node for node, visit in enumerate(sight.visits)}
    found = []
    for who, technician in enumerate(problem.technicians):
        route = plan.route_of(technician.id)
        if route is None or who not in kind_of:
            continue
        visits = tuple(node_of[stop.visit_id] for stop in route.stops if stop.visit_id in node_of)
        if visits:
            way = sight.kinds[kind_of[who]].way
            nodes = (len(sight.visits), *visits, len(sight.visits) + 1)
            cents = sum(int(way.cents[a, b]) for a, b in pairwise(nodes)) - int(way.clock[IDLE])
            late = route_cents(problem.policy, technician, route.return_time)
            found.append(Column(kind_of[who], cents + late, visits))
    return found
