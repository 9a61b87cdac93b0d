"""The side rows of one master, told to GLOP and to CP-SAT."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.clocked import SQUARE_HOUR
from optimizer.engines.ruin.pool import Column, Columns
from optimizer.engines.ruin.rich import FAIR
from optimizer.engines.ruin.side_keys import Keys, idle_fair
from optimizer.engines.ruin.side_rows import Row, rows_of


class Sides:
    """Side rows of one master."""

    def __init__(self, day: Day, columns: Columns) -> None:
        self.day, self.keys = day, Keys(day, columns)
        self.offset = -sum(idle_fair(day, person) for (person,) in self.keys.works)
        self._value: NDArray[np.float64] = np.zeros(self.keys.count)
        self._entered: list[tuple[Row, pywraplp.Constraint, float]] = []
        self._of_key: dict[int, list[tuple[pywraplp.Constraint, float]]] = {}

    def values(self) -> NDArray[np.float64]:
        """What the keys of each route are worth."""
        keys = self.keys
        found: NDArray[np.float64] = np.bincount(
            keys.column, self._value[keys.key] * keys.amount, minlength=keys.columns.kind.size
        ).astype(np.float64)
        return found

    def enter(self, solver: pywraplp.Solver) -> None:
        """Add all rows to the relaxed master."""
        rows = rows_of(self.day, self.keys, range(self.keys.count))
        solver.Objective().SetOffset(float(self.offset))
        extras = [solver.NumVar(0, float(extra.most), "") for extra in rows.extras]
        for variable, extra in zip(extras, rows.extras, strict=True):
            solver.Objective().SetCoefficient(variable, float(extra.price))
        for row in rows.rows:
            scale = 1.0 / max(map(abs, [*row.keys.values(), *row.extras.values()]), default=1)
            entered = solver.RowConstraint(scale * row.low, scale * row.high, "")
            for at, share in row.extras.items():
                entered.SetCoefficient(extras[at], scale * share)
            for key, share in row.keys.items():
                self._of_key.setdefault(key, []).append((entered, scale * share))
            if row.keys:
                self._entered.append((row, entered, scale))

    def enter_column(self, taken: pywraplp.Variable, at: int) -> None:
        """Give a route its part in the rows."""
        shares: dict[pywraplp.Constraint, float] = {}
        for key, amount in self.keys.of(at).items():
            for row, share in self._of_key.get(key, ()):
                shares[row] = shares.get(row, 0.0) + share * amount
        for row, share in shares.items():
            row.SetCoefficient(taken, share)

    def hear_values(self) -> None:
        """Take over the values of the rows from the relaxed master."""
        self._value[:] = 0
        for row, entered, scale in self._entered:
            dual = scale * entered.dual_value()
            if dual:
                for key, share in row.keys.items():
                    self._value[key] += dual * share

    def add_to(
        self, model: cp_model.CpModel, takes: Sequence[cp_model.IntVar], columns: Sequence[Column]
    ) -> cp_model.LinearExpr:
        """Add the rows for these routes to the exact master; return what is priced beside them."""
        of_key: dict[int, list[tuple[cp_model.IntVar, int]]] = {}
        for take, column in zip(takes, columns, strict=True):
            for key, amount in self.keys.of(column.at).items():
                of_key.setdefault(key, []).append((take, amount))
        rows = rows_of(self.day, self.keys, of_key.keys())
        extras = [model.new_int_var(0, extra.most, "") for extra in rows.extras]
        for row in rows.rows:
            variables = [extras[at] for at in row.extras]
            shares = list(row.extras.values())
            for key, share in row.keys.items():
                for take, amount in of_key[key]:
                    variables.append(take)
                    shares.append(share * amount)
            model.add_linear_constraint(
                cp_model.LinearExpr.weighted_sum(variables, shares), row.low, row.high
            )
        fair = int(self.day.rich.figures[FAIR])
        for square in rows.squares:
            most = square.before + rows.extras[square.work].most
            work, squared = model.new_int_var(0, most, ""), model.new_int_var(0, most * most, "")
            model.add(work == extras[square.work] + square.before)
            model.add_multiplication_equality(squared, [work, work])
            rest = fair * (squared - square.before * square.before) + SQUARE_HOUR // 2
            rest -= SQUARE_HOUR * extras[square.price]
            model.add_linear_constraint(rest, 0, SQUARE_HOUR - 1)
        prices = [extra.price for extra in rows.extras]
        total: cp_model.LinearExpr = cp_model.LinearExpr.weighted_sum(extras, prices) + self.offset
        return total
