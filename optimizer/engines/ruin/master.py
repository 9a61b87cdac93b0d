"""
The master: the best combination of routes in the pool, by set partitioning in OR-Tools.

GLOP prices the visits by column generation over the pool, columns that cannot be in a better plan are left
out, CP-SAT chooses among the rest. Another thread may stop it at any moment.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.layout import LEAVE_OUT, Whole
from optimizer.engines.ruin.pool import Column, Columns, as_columns, merged
from optimizer.engines.ruin.sides import Sides

WIDENING = ((600, 0.1), (1_500, 0.4), (3_000, 0.5))
"""CP-SAT chooses among so many of the cheapest columns, then among more, each time in a part of its time."""
AT_ONCE = 1_500
"""Columns that enter the relaxed master at once."""
PRICINGS = 8
Floats = NDArray[np.float64]


class Master:
    """One search for the cheapest combination: each visit on one route or left out at its price."""

    def __init__(
        self, day: Day, columns: Columns, known: Sequence[Column], best: int, seconds: float
    ) -> None:
        """``known`` are the routes of the best plan and ``best`` its price, a sum beyond the idle days."""
        self.day, self.best, self.seconds = day, best, seconds
        count, self.sides = columns.kind.size, None
        if day.rich.used:
            columns = merged([columns, as_columns(known)])
            self.sides = Sides(day, columns) if columns.kind.size else None
        self.kind, self.price = columns.kind, columns.price
        self.stops, self.first = columns.stops, np.cumsum(columns.size) - columns.size
        self.starts = columns.starts
        self.size, self.known = columns.size, known
        if self.sides is not None:
            self.price = self.sides.keys.price
            self.known = [self._column(count + at) for at in range(len(known))]
        self.capacity = np.bincount(day.kind)
        self.left_out: Whole = day.nodes[: day.visits, LEAVE_OUT]
        self._is_stopped = self._is_proved = False
        self._relaxed = pywraplp.Solver.CreateSolver("GLOP")
        self._exact = cp_model.CpSolver()

    def stop(self) -> None:
        """Ask from another thread to give up soon."""
        self._is_stopped = True
        self._relaxed.InterruptSolve()
        self._exact.stop_search()

    def combined(self) -> list[Column] | None:
        """Return routes that together cost less than the best plan, or None."""
        if self.price.size == 0:
            return None
        values, crews, bound = self._priced()
        reduced = self._reduced(values, crews)
        cheapest = np.argsort(reduced, kind="stable")
        found = None
        for most, share in WIDENING:
            gap = self.best - bound
            if self._is_stopped or gap < 1:
                break
            worth = cheapest[reduced[cheapest] <= gap]
            outs = np.flatnonzero(self.left_out - values <= gap).tolist()
            better = self._chosen(list(map(self._column, worth[:most].tolist())), outs, share * self.seconds)
            if better is not None:
                found = self.known = better
            if worth.size <= most and (self.sides is None or self._is_proved):
                break
        return found

    def _column(self, at: int) -> Column:
        first = int(self.first[at])
        stops = slice(first, first + int(self.size[at]))
        visits, starts = self.stops[stops].tolist(), self.starts[stops].tolist()
        return Column(int(self.kind[at]), int(self.price[at]), tuple(visits), tuple(starts), at=at)

    def _reduced(self, values: Floats, crews: Floats) -> Floats:
        """What each column costs beyond the values of its visits and of its technician."""
        found: Floats = self.price - np.add.reduceat(values[self.stops], self.first) - crews[self.kind]
        return found - self.sides.values() if self.sides is not None else found

    def _priced(self) -> tuple[Floats, Floats, float]:
        """Values of the visits and of the kinds of technicians, and the cost of the relaxed master."""
        solver = self._relaxed
        solver.Objective().SetMinimization()
        solver.SetSolverSpecificParametersAsString(f"max_deterministic_time: {self.seconds / 2}")
        rows = [solver.RowConstraint(1, 1, "") for _ in range(self.day.visits)]
        crews = [solver.RowConstraint(0, float(most), "") for most in self.capacity]
        if self.sides is not None:
            self.sides.enter(solver)
        for row, price in zip(rows, self.left_out.tolist(), strict=True):
            self._enter(price, (row,))
        for column in self.known:
            self._enter(
                column.price, (crews[column.kind], *(rows[visit] for visit in column.visits)), column.at
            )
        values, prices, bound = np.zeros(len(rows)), np.zeros(len(crews)), 0.0
        entered = np.zeros(self.price.size, dtype=np.bool_)
        for _ in range(PRICINGS):
            if self._is_stopped or solver.Solve() != pywraplp.Solver.OPTIMAL:
                break
            values = np.array([row.dual_value() for row in rows])
            prices = np.array([row.dual_value() for row in crews])
            bound = float(solver.Objective().Value())
            if self.sides is not None:
                self.sides.hear_values()
            reduced = self._reduced(values, prices)
            reduced[entered] = 0
            cheapest = np.argsort(reduced, kind="stable")[:AT_ONCE]
            cheapest = cheapest[reduced[cheapest] < -1e-3]
            if cheapest.size == 0:
                break
            entered[cheapest] = True
            for at in cheapest.tolist():
                column = self._column(at)
                self._enter(column.price, (crews[column.kind], *(rows[visit] for visit in column.visits)), at)
        return values, prices, bound

    def _enter(self, price: int, rows: Sequence[pywraplp.Constraint], at: int = -1) -> None:
        """Add a column to the relaxed master; which one, unless a visit is left out."""
        taken = self._relaxed.NumVar(0, self._relaxed.infinity(), "")
        self._relaxed.Objective().SetCoefficient(taken, float(price))
        for row in rows:
            row.SetCoefficient(taken, 1)
        if self.sides is not None and at >= 0:
            self.sides.enter_column(taken, at)

    def _chosen(self, worth: Sequence[Column], outs: Sequence[int], seconds: float) -> list[Column] | None:
        """The cheapest choice, or None when it is not below the best, which is its hint."""
        columns = [*self.known, *worth]
        model = cp_model.CpModel()
        takes = [model.new_bool_var("") for _ in columns]
        leaves = [model.new_bool_var("") for _ in outs]
        by_visit: list[list[cp_model.IntVar]] = [[] for _ in range(self.day.visits)]
        by_kind: list[list[cp_model.IntVar]] = [[] for _ in self.capacity]
        for leave, visit in zip(leaves, outs, strict=True):
            by_visit[visit].append(leave)
        for at, (take, column) in enumerate(zip(takes, columns, strict=True)):
            model.add_hint(take, at < len(self.known))
            by_kind[column.kind].append(take)
            for visit in column.visits:
                by_visit[visit].append(take)
        for row in by_visit:
            model.add_exactly_one(row)
        for row, most in zip(by_kind, self.capacity.tolist(), strict=True):
            if len(row) > most:
                model.add(cp_model.LinearExpr.sum(row) <= most)
        prices = [*(column.price for column in columns), *self.left_out[list(outs)].tolist()]
        total = cp_model.LinearExpr.weighted_sum([*takes, *leaves], prices)
        if self.sides is not None:
            total += self.sides.add_to(model, takes, columns)
        model.minimize(total)
        parameters = self._exact.parameters
        parameters.max_time_in_seconds = 2 * seconds
        parameters.max_deterministic_time = seconds  # the same on every machine
        parameters.num_workers = 1
        parameters.linearization_level = 2
        parameters.random_seed = 1
        parameters.catch_sigint_signal = False  # who interrupts is heard by the program, not by the solver
        if self._is_stopped:
            return None
        status = self._exact.solve(model)
        self._is_proved = status in {cp_model.OPTIMAL, cp_model.INFEASIBLE}
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE} or self._exact.objective_value >= self.best:
            return None
        self.best = round(self._exact.objective_value)
        taken = map(self._exact.boolean_value, takes)
        return [column for column, is_taken in zip(columns, taken, strict=True) if is_taken]


def placed(day: Day, columns: Sequence[Column]) -> list[tuple[int, tuple[int, ...]]]:
    """Give each route to a technician of its kind."""
    free = {kind: iter(np.flatnonzero(day.kind == kind).tolist()) for kind in {c.kind for c in columns}}
    return [(next(free[column.kind]), column.visits) for column in columns]
