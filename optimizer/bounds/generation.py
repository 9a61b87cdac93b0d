"""
A lower bound by column generation: GLOP prices the visits, labels look for cheaper ways, cuts close the gap.

Whatever prices the master names, the sum of all prices less what the cheapest way of each technician would
undercut them can be beaten by no plan. That sum is formed in whole numbers, so it holds however GLOP rounds
and whenever the search ends. What is still open then is cut into parts, and the weakest part is the bound.
"""

import heapq
import time
from collections.abc import Callable, Sequence
from itertools import combinations, count

import numpy as np

from optimizer.bounds.labels import SCALE
from optimizer.bounds.master import Branch, Column, Cut, Master
from optimizer.bounds.parting import by_count, parted
from optimizer.bounds.pricing import Pricing
from optimizer.bounds.ways import Sight

MOST_CUTS = 60
CUTS_AT_ONCE = 8
LEAST_BREACH = 0.04
SMOOTH = 0.6
"""Share of the best prices so far in those that are tried next."""
CLOSE_ENOUGH = 400
"""Distance between bound and master, scaled, at which the master counts as solved: rounded up they meet."""


class Generation:
    """One run: ``bound`` is the best bound so far, in cents beyond what is fixed."""

    def __init__(
        self,
        sight: Sight,
        *,
        until: float,
        clock: Callable[[], float] = time.monotonic,
        upper: int | None = None,
        start: Sequence[Column] = (),
    ) -> None:
        self.sight, self.until, self.clock = sight, until, clock
        all_out = int(sight.left_out.sum())
        self.upper = all_out if upper is None else min(all_out, upper - sight.fixed)
        self.pricing = Pricing(sight, lambda: self.until - self.clock())
        self.columns = list(start)
        self.cuts: list[Cut] = []
        self.figures = {"parts": 0, "rounds": 0}
        self.bound = -(1 << 60)
        self.best: list[Column] | None = None
        """Ways that together cost what the bound says, when that is less than the upper bound."""

    def run(self) -> None:
        """Bound all plans, then always the part whose bound is weakest, until the time is over."""
        size = len(self.sight.visits) + 2
        root = Branch(np.zeros((len(self.sight.kinds), size, size), dtype=np.bool_))
        numbers = count()
        open_ = [(root.bound, next(numbers), root)]
        least = self.upper * SCALE
        while open_:
            bound, _, branch = heapq.heappop(open_)
            if bound > (self.upper - 1) * SCALE or bound >= least:
                break
            master, is_solved = self._solved(branch)
            self.figures["parts"] += 1
            if self._is_closed(branch):
                continue
            parts = parted(self.sight, branch, master) if is_solved else None
            if parts is None:
                heapq.heappush(open_, (branch.bound, next(numbers), branch))
                break
            if not parts and branch.bound < least:
                least, self.best = branch.bound, [column for column, _ in master.shares()]
            for part in parts:
                heapq.heappush(open_, (part.bound, next(numbers), part))
            self._note(open_[0][0] if open_ else least, least)
        self._note(open_[0][0] if open_ else least, least)

    def _note(self, weakest: int, least: int) -> None:
        """Keep the bound that follows from the weakest open part and the best finished one."""
        self.bound = max(self.bound, -(-min(weakest, least) // SCALE))

    def _is_over(self) -> bool:
        return self.clock() >= self.until

    def _is_closed(self, branch: Branch) -> bool:
        return branch.bound > (self.upper - 1) * SCALE

    def _solved(self, branch: Branch) -> tuple[Master, bool]:
        """Solve one part and make it tighter until nothing is left to win; and whether that was finished."""
        while True:
            master = self._master(branch)
            if not self._generated(branch, master):
                return master, False
            if self._is_closed(branch) or by_count(self.sight, branch, master):
                return master, True
            if not self._tightened(master):
                return master, True
            self.figures["rounds"] += 1

    def _master(self, branch: Branch) -> Master:
        master = Master(self.sight, branch, list(self.cuts), 2 * max(1, self.upper))
        for column in self.columns:
            if branch.allows(column):
                master.add(column)
        return master

    def _generated(self, branch: Branch, master: Master) -> bool:
        """Generate ways until bound and master meet; false when time or room is used up."""
        smooth, cheap = SMOOTH, True
        while not self._is_over():
            solution = master.solve()
            if solution is None:
                return False
            cost, duals = solution
            if branch.bound >= cost * SCALE - CLOSE_ENOUGH:
                return True
            if self._is_closed(branch):
                return True
            tried = duals if branch.centre is None else duals.mixed(branch.centre, smooth)
            found = self.pricing.priced(master, tried, cheap=cheap)
            if found.bound is not None and found.bound > branch.bound:
                branch.bound, branch.centre = found.bound, tried
            new = [column for column in found.columns if branch.allows(column) and master.add(column)]
            self.columns += new
            if new:
                cheap, smooth = True, SMOOTH
            elif cheap:
                cheap = False
            elif not found.is_complete:
                if branch.centre is not None or not self.pricing.remember_less():
                    return False
            elif smooth:
                smooth = 0.0
            else:
                return True
        return False

    def _tightened(self, master: Master) -> bool:
        """Forbid what the master used and no plan can: first ways in circles, then by cuts."""
        in_use = list(master.shares())
        if self.pricing.remember_more(column for column, _ in in_use):
            self.columns = [column for column in self.columns if self.pricing.allows(column)]
            return True
        new = breached(in_use, len(self.sight.visits), self.cuts)
        new = new[: max(0, min(CUTS_AT_ONCE, MOST_CUTS - len(self.cuts)))]
        self.cuts += new
        return bool(new)


def breached(in_use: Sequence[tuple[Column, float]], visits: int, known: Sequence[Cut]) -> list[Cut]:
    """Cuts that the master breaks, the worst first."""
    split = [(column, share) for column, share in in_use if share < 1 - 1e-6]
    nodes = sorted({visit for column, _ in split for visit in column.visits})
    if len(nodes) < 3:
        return []
    triples = np.array(list(combinations(nodes, 3)))
    load = np.zeros(len(triples))
    for column, share in split:
        met = np.bincount(column.visits, minlength=visits)
        load += share * (met[triples].sum(axis=1) // 2)
    old = {cut.visits for cut in known}
    found = []
    for at in np.argsort(-load, kind="stable")[: 10 * CUTS_AT_ONCE]:
        cut = Cut(frozenset(triples[at].tolist()))
        if load[at] > 1 + LEAST_BREACH and cut.visits not in old:
            found.append(cut)
    return found
