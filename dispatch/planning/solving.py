"""
Solving in two halves: in the second, visits whose promise cannot be kept are planned with an open end.

With ``optimise_parts`` the only module that loads the solving engine; the web process imports neither
(contract 10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dispatch.outbox import Lease
from dispatch.planning.rules import DayNotPlannable
from dispatch.planning.telling import Telling
from optimizer.engines.base import Budget, Result
from optimizer.in_parts import WHOLE_VISITS
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.solve import solve
from optimizer.validate import InvalidProblem

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem with its start, its version, and the ids of visits promised to customers."""

    problem: Problem
    start: Plan
    version: int
    promised: frozenset[str]


def in_two_halves(
    lease: Lease,
    first: Read,
    asked: Callable[[Read], Asked],
    again: Callable[[frozenset[str]], Read],
    *,
    seconds: float,
    seed: int,
    processes: int = 1,
    whole_visits: int = WHOLE_VISITS,
) -> tuple[Read, Result]:
    """
    Solve what was read, and once more with promises relaxed that the first plan could not keep.

    ``again`` reads with these relaxed; it is ignored where the day has moved on meanwhile. A day of more than
    ``whole_visits`` is planned in parts, one after another. A run that is called off gets the best plan so
    far (``lease.called_off``).
    """
    before, telling = asked(first), Telling(lease)
    budget = Budget(seconds=seconds / 2, processes=processes)
    result = solved(telling, before.problem, before.start, budget, seed, whole_visits)
    if lease.called_off:
        return first, result
    late = frozenset(left.visit_id for left in result.plan.unserved) & before.promised
    read = first
    if late:
        relaxed = again(late)
        read = relaxed if asked(relaxed).version == before.version else first
    telling.search_again()
    return read, solved(telling, asked(read).problem, result.plan, budget, seed, whole_visits)


def solved(  # noqa: PLR0917 - who is told, then what ``solve`` takes
    telling: Telling, day: Problem, start: Plan, budget: Budget, seed: int, whole_visits: int
) -> Result:
    """
    Solve, with the lease kept busy: the solver holds the interpreter, so no thread beats meanwhile.

    It tells how far it is, and ends with the best plan so far when the run is called off.
    """
    telling.lease.heartbeat(busy_seconds=budget.seconds or 0.0)
    try:
        return solve(
            day,
            budget,
            seed=seed,
            start=start,
            on_progress=telling.hear,
            cancel=telling.is_called_off,
            whole_visits=whole_visits,
        )
    except InvalidProblem as error:
        findings = [str(finding) for finding in error.findings[:20]]
        raise DayNotPlannable(f"{len(error.findings)} findings: {findings[0]}", findings=findings) from error
