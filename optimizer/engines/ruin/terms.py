"""What the arrays themselves say that a plan costs, term by term, to be held against the checker."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin import arrays, states
from optimizer.engines.ruin.layout import DRIVER, LATE, LEAVE_OUT, PRICE, STOPS, Index
from optimizer.engines.ruin.rich import ANNOUNCED, BEGIN, BY_CLOCKS, OWN, RETOLD, RETOLD_AFTER
from optimizer.engines.ruin.run import Run
from optimizer.objectives import fairness, lateness, overtime, preference, stability, travel, unserved
from optimizer.problem import Problem
from optimizer.timing import timetable
from optimizer.units import NEVER, Cents


def model_terms(problem: Problem, run: Run) -> dict[str, Cents]:
    """
    Price of the best plan of a search by term, from the loops' own times and tables.

    The routes are laid once more, which leaves the search behind. What is driven is what remains of the whole
    price, so that the sum is the price by which the search went.
    """
    day = run.day
    laid = run.laid(run.best_orders(), states.best_bounds(day))
    driver = laid.links[: day.visits, DRIVER]
    served = np.flatnonzero(driver >= 0)
    missed = int(day.nodes[: day.visits, LEAVE_OUT][driver < 0].sum())
    busy = laid.tours[:, STOPS] > 0
    late = int(laid.tours[busy, LATE].sum())
    pairs = int(day.pair[served, driver[served]].sum())
    is_rich = day.rich.used
    moments = int(day.rich.crew[busy, BY_CLOCKS].sum()) if is_rich else 0
    shared = int(laid.tours[:, PRICE].sum() - day.rich.crew[:, OWN].sum()) if is_rich else 0
    changed = _changed(problem, driver)
    retold = _retold(day, served) if is_rich else 0
    found = {
        unserved.NAME: missed,
        lateness.NAME: moments - retold,
        overtime.NAME: late + _idle_overtime(problem, busy.tolist()),
        stability.NAME: changed + retold,
        preference.NAME: pairs - changed,
        fairness.NAME: shared,
    }
    whole = int(laid.tours[:, PRICE].sum()) + missed + arrays.begun_cents(problem)
    return {**found, travel.NAME: whole - sum(found.values())}


def _changed(problem: Problem, driver: Index) -> Cents:
    """Price of all changes of technician."""
    visits, crew = arrays.open_visits(problem), problem.technicians
    return sum(
        stability.pair_cents(problem, crew[who], visit)
        for visit, who in zip(visits, driver.tolist(), strict=True)
        if who >= 0
    )


def _retold(day: arrays.Day, served: NDArray[np.intp]) -> Cents:
    """Price of all starts too far from what was announced, as the loops timed them."""
    times, figures = day.rich.visit[served], day.rich.figures
    away = np.abs(times[:, BEGIN] - times[:, ANNOUNCED]) > figures[RETOLD_AFTER]
    return int(figures[RETOLD] * (away & (times[:, ANNOUNCED] < NEVER)).sum())


def _idle_overtime(problem: Problem, busy: Sequence[bool]) -> Cents:
    """Overtime of those who have begun and serve nothing more, to the arrays a fact of the day."""
    total = 0
    for technician, is_busy in zip(problem.technicians, busy, strict=True):
        begun = problem.begun_by(technician.id)
        if begun and not is_busy:
            route = timetable(problem, technician, begun)
            total += overtime.route_cents(problem.policy, technician, route.return_time)
    return total
