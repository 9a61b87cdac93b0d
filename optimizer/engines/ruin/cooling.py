"""How a search cools: from hot to cold, and where there is time for it, again from the best plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field

HOT, COLD = 1.5, 0.1
"""First and last temperature as shares of the price of serving one visit."""
HOT_IF_TIGHT = 3.0
"""First temperature of a day whose first plans leave visits out: many must move before one finds a place."""
SETTLED, LEAST_COLD = 1_500, 0.5
"""Iterations for each visit; a shorter search ends colder, down to half, since its plans are rawer."""
REHEATED = 0.3
"""Where a further cooling begins, as a share of the first temperature."""
ENOUGH = 50
"""Iterations for each visit; a shorter search begins colder, since it has no time to cool."""
ONE_COOLING = 20_000
"""Iterations for each visit that one cooling is given at most; one long cooling beats several short ones."""
MOST_COOLINGS = 6
QUENCH = 0.1
"""Share of a cooling, at its end, in which hardly anything dearer is accepted."""
QUENCH_AT = 0.0025
"""Its temperature."""
COMBINED_AT = (0.7, 0.9)
"""Parts of the last cooling after which the master combines the routes seen; of the others, their ends."""


@dataclass(frozen=True, slots=True)
class Cooling:
    """
    A schedule over the budget, whose parts are numbers from 0 to 1.

    hot, cold
        First and last temperature, as shares of the price of serving one visit.
    ends
        Parts of the budget at which a cooling ends.
    combined_at
        Parts of the budget after which the master has its turn.
    """

    hot: float = HOT
    cold: float = COLD
    ends: Sequence[float] = (1.0,)
    combined_at: list[float] = field(default_factory=list)

    def number(self, done: float) -> int:
        """Which cooling it is after a part of the budget."""
        return sum(done >= end for end in self.ends[:-1])

    def at(self, done: float) -> tuple[float, float]:
        """Temperature as a share of the price of serving one visit, and how much of the cooling is left."""
        number = self.number(done)
        begin, end = self.ends[number - 1] if number else 0.0, self.ends[number]
        cooled = (done - begin) / max(1e-9, end - begin) / (1 - QUENCH)
        if cooled >= 1:
            return QUENCH_AT, 0.0
        hot = max(2 * self.cold, self.hot * (REHEATED if number else 1.0))
        return float(hot * (self.cold / hot) ** cooled), 1 - cooled


def cooling_of(rounds: float, visits: int, *, is_tight: bool, shared_at: float | None) -> Cooling:
    """
    Fit the heat to a search of so many iterations, and to whether the plan so far leaves visits out.

    Where several processes share routes, one cooling ends there.
    """
    each = rounds / max(1, visits)
    coolings = max(1, min(MOST_COOLINGS, round(each / ONE_COOLING)))
    last = shared_at or 1.0
    ends = [last * (at + 1) / coolings for at in range(coolings)]
    if shared_at is not None:
        ends.append(1.0)
    begin = ends[-2] if len(ends) > 1 else 0.0
    combined_at = [*ends[:-1], *(begin + part * (1 - begin) for part in COMBINED_AT)]
    hot = (HOT_IF_TIGHT if is_tight else HOT) * min(1.0, each / ENOUGH)
    return Cooling(hot, COLD * min(1.0, max(LEAST_COLD, each / SETTLED)), tuple(ends), combined_at)
