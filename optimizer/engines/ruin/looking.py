"""
A look at every plan of a tiny day, as long as its share of the time lasts.

What is cut short by that share goes on after the search, if this has left some time over. What was given up
because there are too many plans begins anew after it: what the search has found rules more of them out.
"""

import math
import time
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.check import check, cost
from optimizer.engines.base import Budget, Cancel, OnProgress, Progress, Result, engine
from optimizer.engines.ruin.uncovered import Uncovered
from optimizer.insertion import Sequences, fill, mended, sequences_of
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.schedule import retimed
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.every_plan import EveryPlan

LOOKED_SHARE, LAST_SHARE = 0.3, 0.97
"""Parts of the time by which the look before the search is over, and the one after it."""
LEAST_SECONDS = 0.001
"""What a search is given that has no time left: enough for a first plan."""


class Look:
    """Looks at all plans of a day, if it is tiny."""

    def __init__(self, problem: Problem, budget: Budget, cancel: Cancel, began: float) -> None:
        self.problem, self.budget, self.cancel, self.began = problem, budget, cancel, began
        self.is_cut = False
        """Whether the last look was over before it had seen every plan, for want of time."""
        self.is_given_up = False
        """Whether there were too many plans for it."""
        self._until = math.inf
        self._plans: EveryPlan | None = None

    def first(self, known: Cents, serving: Collection[str] = ()) -> Sequences | None:
        """Before the search: the cheapest plan below a price, which leaves out none of these visits."""
        return self._cheaper(known, serving, LOOKED_SHARE)

    def again(self, known: Cents, serving: Collection[str] = ()) -> Sequences | None:
        """The same after it, where the last look had not seen every plan."""
        if self.is_given_up:
            self._plans = None
        return self._cheaper(known, serving, LAST_SHARE) if self.is_cut or self.is_given_up else None

    def _cheaper(self, known: Cents, serving: Collection[str], share: float) -> Sequences | None:
        from optimizer.every_plan import EveryPlan, is_lookable

        self.is_cut = self.is_given_up = False
        if self.budget.seconds is not None:
            self._until = self.began + share * self.budget.seconds
        if self.budget.is_reached(known) or not is_lookable(self.problem):
            return None
        if self._plans is None or self._plans.serving != serving:
            self._plans = EveryPlan(self.problem, serving)
        looked = self._plans.on(known, self._is_over)
        self.is_given_up = not (looked.is_whole or self.is_cut or self.cancel())
        return looked.sequences

    def _is_over(self) -> bool:
        self.is_cut = self.is_cut or time.monotonic() >= self._until
        return self.is_cut or self.cancel()


def planned_instead(
    problem: Problem,
    reason: Uncovered,
    look: Look,
    *,
    seed: int,
    start: Plan | None,
    on_progress: OnProgress | None,
) -> Result:
    """
    The reference engine's plan of a day that the arrays do not cover, of a tiny one begun from the cheapest.

    A visit locked to a place is not left out for a cheaper plan that a look finds.
    """
    from optimizer.every_plan import is_tiny

    known = _known(problem, start, look) if is_tiny(problem) else None
    if known is not None:
        found = look.first(_price(problem, known), _placed(problem, known))
        start = start if found is None else retimed(problem, found)
    result = engine("routing").solve(
        problem, budget=_left(look), seed=seed, start=start, on_progress=on_progress, cancel=look.cancel
    )
    while (found := look.again(result.cost, _placed(problem, result.plan))) is not None:
        cheaper = _instead_of(result, problem, retimed(problem, found))
        if cheaper.cost >= result.cost:
            break
        result = cheaper
        if on_progress is not None:
            seconds, rounds = time.monotonic() - look.began, int(result.stats["solutions"])
            on_progress(Progress(seconds, result.cost, rounds, len(result.plan.unserved)))
    return replace(result, stats={**result.stats, "instead_of": "ruin", "because": reason.cause})


def _known(problem: Problem, start: Plan | None, look: Look) -> Plan:
    """A plan that takes no time: the start, or what can be inserted into what holds of it."""
    if start is not None and not check(problem, start):
        return start
    kept = {} if start is None else mended(problem, sequences_of(problem, start))
    return fill(problem, kept, cancel=look.cancel)


def _price(problem: Problem, plan: Plan) -> Cents:
    return sum(cost(problem, plan).values())


def _placed(problem: Problem, plan: Plan) -> set[str]:
    """Visits locked to a place in a route that a plan serves."""
    served = {stop.visit_id for route in plan.routes for stop in route.stops}
    return served & {lock.visit_id for lock in problem.locks if lock.sequence is not None}


def _left(look: Look) -> Budget:
    """The budget without the time gone by."""
    if look.budget.seconds is None:
        return look.budget
    gone = time.monotonic() - look.began
    return replace(look.budget, seconds=max(LEAST_SECONDS, look.budget.seconds - gone))


def _instead_of(result: Result, problem: Problem, plan: Plan) -> Result:
    """Another plan, and of the figures those that are not about the plan it replaces."""
    kept = {k: v for k, v in result.stats.items() if not k.startswith("model_") and k != "unstated"}
    return Result(plan, cost(problem, plan), None, kept)
