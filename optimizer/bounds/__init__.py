"""
A lower bound for the cost of a day: no plan at all can cost less.

It is true for every problem or there is none: what the bound does not see is left out so that plans can only
become cheaper, and a problem with something of which nobody has said what it does has no bound.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec

from optimizer.bounds.scope import scope_of
from optimizer.check import check, cost
from optimizer.plan import Plan
from optimizer.planned import as_planned
from optimizer.problem import Problem
from optimizer.units import Cents

__all__ = ["Bound", "bound"]

MOST_VISITS = 124
"""Visits of which ways can remember where they have been."""


@dataclass(frozen=True, slots=True)
class Bound:
    """
    What could be proved about a day.

    cents
        No plan of this problem costs less; None when nothing could be proved.
    why
        Why there is no bound, or empty.
    relaxed
        Rules that the bound leaves out of sight, which makes it weaker but not wrong.
    better
        A valid plan found on the way that costs less than the one given, if there is one.
    stats
        Figures about the proof.
    """

    cents: Cents | None
    why: str = ""
    relaxed: tuple[str, ...] = ()
    better: Plan | None = None
    stats: dict[str, int | float] = field(default_factory=dict)

    def gap(self, price: Cents) -> float | None:
        """Share of a plan's price that a better plan could save at most; None when nothing is proved."""
        if self.cents is None:
            return None
        return max(0, price - self.cents) / price if price > 0 else 0.0

    def told(self, price: Cents) -> str:
        """What is proved about a plan of this price, in words; rounded so that it never says too much."""
        gap = self.gap(price)
        if self.cents is None or gap is None:
            return f"no bound: {self.why}"
        if self.cents >= price:
            return "proved optimal"
        hundredths = -(-10_000 * (price - self.cents) // price)
        return f"proved within {hundredths // 100}.{hundredths % 100:02d} %"


def bound(
    problem: Problem,
    *,
    seconds: float,
    start: Plan | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Bound:
    """
    Prove what the cheapest plan costs at least.

    Parameters
    ----------
    problem
        The day, without errors.
    seconds
        When to stop; the best bound so far is returned.
    start
        A plan already found. It makes the proof quicker, and the bound never exceeds its price.
    clock
        What the seconds are read from.
    """
    began, problem = clock(), as_planned(problem)
    scope = scope_of(problem)
    if scope.unknown:
        return Bound(None, f"it does not know what {', '.join(scope.unknown)} does")
    if len(problem.visits) > MOST_VISITS:
        return Bound(None, f"more than {MOST_VISITS} visits", scope.relaxed)
    if find_spec("numba") is None:
        return Bound(None, "numba is not installed", scope.relaxed)
    from optimizer.bounds.proof import Proof

    valid = start if start is not None and not check(problem, start) else None
    known = sum(cost(problem, valid).values()) if valid is not None else None
    proof = Proof(problem, start=valid, until=began + seconds, clock=clock)
    relaxed = (*scope.relaxed, *(f"part {part}" for part in proof.sight.uncounted))
    cents = proof.run()
    stats = {**proof.figures, "seconds": round(clock() - began, 3)}
    if cents is None:
        return Bound(None, "not enough time", relaxed, None, stats)
    better = proof.better(known)
    return Bound(cents, "", relaxed, better, stats)
