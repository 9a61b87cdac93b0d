"""The master of the bound: ways as columns, visits, technicians and cuts as rows, solved by GLOP."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp

from optimizer.bounds.ways import Sight

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """A way: kind of technician, price beyond the idle day in cents, visits in order."""

    kind: int
    cents: int
    visits: tuple[int, ...]

    def nodes(self) -> tuple[int, ...]:
        """All nodes of the way for the table of drives, the opening (-2) and the end (-1) included."""
        return (-2, *self.visits, -1)


@dataclass(frozen=True, slots=True)
class Cut:
    """Of three visits at most one way can serve two or more."""

    visits: frozenset[int]

    def meets(self, column: Column) -> int:
        """How often a way serves two of them."""
        return sum(visit in self.visits for visit in column.visits) // 2


@dataclass(frozen=True, slots=True)
class Limit:
    """From ``low`` to ``high`` visits of a group are left out."""

    group: tuple[int, ...]
    low: int
    high: int


@dataclass(slots=True)
class Branch:
    """
    A part of all plans.

    banned
        (kinds, n + 2, n + 2) drives that are not made.
    served
        Visits that are not left out.
    limits
        How many visits are left out.
    bound
        No plan of the part costs less, scaled; at first as known from the part it was cut from.
    centre
        Prices that gave the bound.
    """

    banned: NDArray[np.bool_]
    served: frozenset[int] = frozenset()
    limits: tuple[Limit, ...] = ()
    bound: int = -(1 << 60)
    centre: "Duals | None" = None

    def allows(self, column: Column) -> bool:
        """Whether a way is among the plans of the part."""
        return not any(self.banned[column.kind, a, b] for a, b in pairwise(column.nodes()))


@dataclass(slots=True)
class Duals:
    """Prices of visits, kinds of technicians, cuts and limits; those of kinds and cuts are not positive."""

    visits: Numbers
    kinds: Numbers
    cuts: Numbers
    limits: Numbers

    def mixed(self, other: "Duals", share: float) -> "Duals":
        """Prices between these and others, which count with a share."""
        return Duals(*(
            (1 - share) * mine + share * _as_long(theirs, mine.size)
            for mine, theirs in (
                (self.visits, other.visits),
                (self.kinds, other.kinds),
                (self.cuts, other.cuts),
                (self.limits, other.limits),
            )
        ))  # fmt: skip


def _as_long(numbers: Numbers, size: int) -> Numbers:
    """Numbers with zeros behind them; a row that came later has had no price."""
    found = np.zeros(size)
    found[: min(size, numbers.size)] = numbers[:size]
    return found


@dataclass
class Master:
    """Each visit on one way or left out, each technician on one way at most; fractions allowed."""

    sight: Sight
    branch: Branch
    cuts: Sequence[Cut]
    dearest: int
    """Price of what must not be: more than any plan worth looking at."""
    columns: list[Column] = field(default_factory=list)
    known: set[tuple[int, tuple[int, ...]]] = field(default_factory=set)
    taken: list[pywraplp.Variable] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.solver = pywraplp.Solver.CreateSolver("GLOP")
        endless = self.solver.infinity()
        self.objective = self.solver.Objective()
        self.objective.SetMinimization()
        self.rows = [self.solver.RowConstraint(1, 1, "") for _ in self.sight.visits]
        self.crews = [self.solver.RowConstraint(0, len(kind.crew), "") for kind in self.sight.kinds]
        self.fences = [self.solver.RowConstraint(-endless, 1, "") for _ in self.cuts]
        self.counts = [self.solver.RowConstraint(at.low, at.high, "") for at in self.branch.limits]
        self.outs = [self._variable(1, cents) for cents in self.prices_of_leaving_out().tolist()]
        for row, out in zip(self.rows, self.outs, strict=True):
            row.SetCoefficient(out, 1)
        for limit, count in zip(self.branch.limits, self.counts, strict=True):
            for visit in limit.group:
                count.SetCoefficient(self.outs[visit], 1)
            count.SetCoefficient(self._variable(endless, self.dearest), 1)
            count.SetCoefficient(self._variable(endless, self.dearest), -1)

    def _variable(self, most: float, cents: int) -> pywraplp.Variable:
        variable = self.solver.NumVar(0, most, "")
        self.objective.SetCoefficient(variable, float(cents))
        return variable

    def prices_of_leaving_out(self) -> NDArray[np.int64]:
        """What leaving out each visit costs in this part of all plans."""
        prices = np.minimum(self.sight.left_out, self.dearest)
        prices[list(self.branch.served)] = self.dearest
        return prices

    def add(self, column: Column) -> bool:
        """Take one more way in; false when it is known."""
        if (column.kind, column.visits) in self.known:
            return False
        self.known.add((column.kind, column.visits))
        self.columns.append(column)
        taken = self._variable(self.solver.infinity(), column.cents)
        self.taken.append(taken)
        self.crews[column.kind].SetCoefficient(taken, 1)
        for visit in set(column.visits):
            self.rows[visit].SetCoefficient(taken, column.visits.count(visit))
        for cut, fence in zip(self.cuts, self.fences, strict=True):
            if met := cut.meets(column):
                fence.SetCoefficient(taken, met)
        return True

    def solve(self) -> tuple[float, Duals] | None:
        """Cost and prices, or None when GLOP gives up."""
        for settings in ("", "use_preprocessing: false"):
            self.solver.SetSolverSpecificParametersAsString(settings)
            if self.solver.Solve() == pywraplp.Solver.OPTIMAL:
                break
        else:
            return None
        duals = (
            np.array([row.dual_value() for row in group], dtype=np.float64)
            for group in (self.rows, self.crews, self.fences, self.counts)
        )
        return float(self.objective.Value()), Duals(*duals)

    def shares(self) -> Iterator[tuple[Column, float]]:
        """Ways in use and how much of each."""
        for column, taken in zip(self.columns, self.taken, strict=True):
            if taken.solution_value() > 1e-6:
                yield column, taken.solution_value()

    def left_out(self) -> list[float]:
        """How much of each visit is left out."""
        return [out.solution_value() for out in self.outs]
