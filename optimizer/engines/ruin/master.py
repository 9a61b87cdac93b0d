"""
The master: the best combination of routes in the pool, by set partitioning in OR-Tools.

GLOP prices the visits, columns that cannot be in a better plan are left out, CP-SAT chooses among the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.layout import IDLE, LEAVE_OUT, Whole
from optimizer.engines.ruin.pool import COUNT, Pool

MOST_COLUMNS = 8_000


@dataclass(frozen=True, slots=True)
class Column:
    """One route of the pool: technician, price beyond the idle day, visits in order."""

    who: int
    price: int
    visits: tuple[int, ...]


def combined(day: Day, pool: Pool, best: int, seconds: float) -> list[Column] | None:
    """
    Return routes that together cost less than ``best`` (a sum beyond the idle days), or None.

    Each visit is on one route or left out at its price; each technician has one route at most.
    """
    columns = _columns(pool, day)
    if not columns:
        return None
    duals, bound = _priced(day, columns)
    gap = best - bound
    if gap <= 0:
        return None
    reduced = np.array(
        [c.price - duals[list(c.visits)].sum() - duals[day.visits + c.who] for c in columns], dtype=np.float64
    )
    worth = [columns[at] for at in np.argsort(reduced)[:MOST_COLUMNS] if reduced[at] <= gap]
    return _chosen(day, worth, best, seconds)


def _columns(pool: Pool, day: Day) -> list[Column]:
    """Routes of the pool."""
    found = []
    for at in range(int(pool.filled[COUNT])):
        begin, who = int(pool.begin[at]), int(pool.who[at])
        visits = tuple(pool.stops[begin : begin + int(pool.size[at])].tolist())
        found.append(Column(who, int(pool.price[at] - day.crew[who, IDLE]), visits))
    return found


def _priced(day: Day, columns: Sequence[Column]) -> tuple[NDArray[np.float64], float]:
    """Prices of the visits and of the technicians, and the cost of the relaxed master."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    objective = solver.Objective()
    objective.SetMinimization()
    rows = [solver.RowConstraint(1, 1, "") for _ in range(day.visits)]
    crews = [solver.RowConstraint(0, 1, "") for _ in range(day.people)]
    for visit, row in enumerate(rows):
        out = solver.NumVar(0, 1, "")
        row.SetCoefficient(out, 1)
        objective.SetCoefficient(out, float(day.nodes[visit, LEAVE_OUT]))
    for column in columns:
        taken = solver.NumVar(0, solver.infinity(), "")
        objective.SetCoefficient(taken, float(column.price))
        crews[column.who].SetCoefficient(taken, 1)
        for visit in column.visits:
            rows[visit].SetCoefficient(taken, 1)
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return np.zeros(day.visits + day.people), 0.0
    duals = np.array([row.dual_value() for row in (*rows, *crews)], dtype=np.float64)
    return duals, float(objective.Value())


def _chosen(day: Day, columns: Sequence[Column], best: int, seconds: float) -> list[Column] | None:
    """The cheapest exact choice, or None when it is not below ``best``."""
    model = cp_model.CpModel()
    takes = [model.new_bool_var("") for _ in columns]
    outs = [model.new_bool_var("") for _ in range(day.visits)]
    by_visit: list[list[cp_model.IntVar]] = [[out] for out in outs]
    by_crew: list[list[cp_model.IntVar]] = [[] for _ in range(day.people)]
    for take, column in zip(takes, columns, strict=True):
        by_crew[column.who].append(take)
        for visit in column.visits:
            by_visit[visit].append(take)
    for row in by_visit:
        model.add_exactly_one(row)
    for row in by_crew:
        if row:
            model.add_at_most_one(row)
    left_out: Whole = day.nodes[: day.visits, LEAVE_OUT]
    prices = [*(column.price for column in columns), *left_out.tolist()]
    model.minimize(cp_model.LinearExpr.weighted_sum([*takes, *outs], prices))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = 2 * seconds
    solver.parameters.max_deterministic_time = seconds  # the same on every machine
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE} or solver.objective_value >= best:
        return None
    return [column for column, take in zip(columns, takes, strict=True) if solver.boolean_value(take)]
