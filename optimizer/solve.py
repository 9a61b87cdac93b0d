"""Solve a day: validate the input, let an engine plan, judge the plan, explain what is left out."""

import time
from dataclasses import replace
from importlib import import_module
from typing import Any

from optimizer.check import check, cost
from optimizer.engines.base import DEFAULT, Budget, Cancel, OnProgress, Result, available, require
from optimizer.engines.base import engine as load_engine
from optimizer.errors import EngineFault
from optimizer.explain import explained
from optimizer.in_parts import PART_VISITS, WHOLE_VISITS, Workshop, solve_in_parts
from optimizer.insertion import never_cancelled
from optimizer.plan import Plan
from optimizer.planned import as_planned
from optimizer.problem import Problem
from optimizer.validate import InvalidProblem, errors_in

EXPLAINED_SECONDS = 0.03
"""So long reasons are still looked for when planning has been called off."""


class Wish:
    """
    Whether somebody has called planning off; after the first yes nobody is asked again.

    since
        When the answer was yes, by ``time.monotonic``; None while it is no.
    """

    def __init__(self, cancel: Cancel) -> None:
        self.since: float | None = None
        self._cancel = cancel

    def __call__(self) -> bool:
        """Ask, unless it is known."""
        if self.since is None and self._cancel():
            self.since = time.monotonic()
        return self.since is not None


def solve(
    problem: Problem,
    budget: Budget,
    *,
    seed: int = 0,
    start: Plan | None = None,
    engine: str = DEFAULT,
    on_progress: OnProgress | None = None,
    cancel: Cancel | None = None,
    prove_seconds: float | None = None,
    whole_visits: int = WHOLE_VISITS,
) -> Result:
    """
    Plan a day, or several; a visit longer than a shift is cut into parts over several (``split_long``).

    Parameters
    ----------
    problem
        The day.
    budget
        When to stop.
    seed
        Same seed and a budget of solutions alone: same plan.
    start
        A plan to begin from; the result never costs more than it, if it is valid.
    on_progress, engine
        Called with each improvement; where the engine's library is missing another answers and says so.
    cancel
        Asked often; when true, the best plan so far is returned at once, with what reasons are known.
    prove_seconds
        How long to look, after the search, for a bound and for what is still cheaper; None not to look.
    whole_visits
        A day with more is planned in parts, one after another.

    Raises
    ------
    InvalidProblem
        When the input cannot be planned; it carries the findings.
    EngineFault
        When the engine's plan breaks a rule; such a plan is never handed out.
    """
    if findings := errors_in(problem):
        raise InvalidProblem(findings)
    problem, wish = as_planned(problem), Wish(cancel or never_cancelled)
    wanted, engine = engine, available(engine)
    chosen = load_engine(engine)
    require(chosen, problem, name=engine)
    if len(problem.visits) > whole_visits:
        shop = Workshop(chosen, seed, on_progress, wish)
        most = min(PART_VISITS, whole_visits)
        result = solve_in_parts(shop, problem, budget, start=start, most_visits=most)
    else:
        result = chosen.solve(
            problem, budget=budget, seed=seed, start=start, on_progress=on_progress, cancel=wish
        )
    result = judged(problem, result, engine, wish)
    if prove_seconds is not None and wish.since is None:
        result = proved(problem, result, prove_seconds, wish)
    return result if wanted == engine else replace(result, stats={**result.stats, "instead_of": wanted})


def judged(problem: Problem, result: Result, engine: str, wish: Wish | None = None) -> Result:
    """
    Return a result with the reasons of what is left out, after an independent look at its plan.

    When planning is called off, reasons are looked for only for a moment.

    Raises
    ------
    EngineFault
        When the plan breaks a rule, or costs another sum than stated.
    """
    violations = check(problem, result.plan)
    if violations:
        shown = "; ".join(f"{v.code} {v.message}" for v in violations[:3])
        raise EngineFault(
            f"engine {engine!r} broke {len(violations)} rules: {shown}", "report it with the problem file"
        )
    found = cost(problem, result.plan)
    if found != dict(result.cost_by_term):
        raise EngineFault(
            f"engine {engine!r} states {dict(result.cost_by_term)}, the checker finds {found}",
            "report it with the problem file",
        )
    wish = wish or Wish(never_cancelled)
    is_hurried, until = wish.since is not None, time.monotonic() + EXPLAINED_SECONDS

    def is_enough() -> bool:
        return wish() and time.monotonic() >= (until if is_hurried else wish.since or 0.0)

    return replace(result, plan=explained(problem, result.plan, is_enough, is_hurried=is_hurried))


def proved(problem: Problem, result: Result, seconds: float, wish: Wish) -> Result:
    """
    Return a result with a bound and what it proves in words; a cheaper plan if the proof finds one.

    The time of a proof that is called off is over.
    """
    bounds: Any = import_module("optimizer.bounds")  # which loads OR-Tools
    until = time.monotonic() + seconds
    found = bounds.bound(
        problem,
        seconds=seconds,
        start=result.plan,
        clock=lambda: max(until, time.monotonic()) if wish() else time.monotonic(),
    )
    plan: Plan = explained(problem, found.better) if found.better is not None else result.plan
    prices = cost(problem, plan)
    known = [cents for cents in (found.cents, result.bound) if cents is not None]
    told: str = replace(found, cents=max(known, default=None)).told(sum(prices.values()))
    stats = {**result.stats, "proof": told, "proof_seconds": found.stats.get("seconds", 0.0)}
    if found.relaxed:
        stats["proof_without"] = ", ".join(found.relaxed)
    return replace(result, plan=plan, cost_by_term=prices, bound=max(known, default=None), stats=stats)
