"""Pricing: new ways for the master, and the bound that the master's prices prove."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.bounds import labels
from optimizer.bounds.labels import BITS, CENTS, SCALE, Prices, Whole
from optimizer.bounds.master import Branch, Column, Cut, Duals, Master
from optimizer.bounds.sets import path
from optimizer.bounds.ways import Sight
from optimizer.units import NEVER

REMEMBERED = 8
"""Near visits that a way remembers at first."""
MOST_REMEMBERED = 20
COLUMNS_AT_ONCE = 30
MOST_LABELS = 400_000
MOST_WORK, QUICK_WORK = 400_000_000, 3_000_000
"""Comparisons of labels in one pricing; beyond them it proves nothing."""
WORK_A_SECOND = 100_000_000
"""About so many comparisons are made in a second, so that a pricing does not go on long after the end."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    What one pricing gives.

    columns
        Ways that undercut the prices.
    bound
        What the prices prove, scaled; None when the search for ways was not complete.
    is_complete
        Whether nothing was cut short for want of room.
    """

    columns: list[Column]
    bound: int | None
    is_complete: bool


class Pricing:
    """Room for labels, and what ways remember."""

    def __init__(self, sight: Sight, left: Callable[[], float]) -> None:
        self.sight, self.left = sight, left
        self.near = _near(sight)
        self.reach = REMEMBERED
        self.remembered = [set(near[: self.reach]) for near in self.near]
        parts = max((kind.way.stock.size for kind in sight.kinds), default=0)
        self.book = labels.new_book(max(1, len(sight.visits)), parts, MOST_LABELS)
        self.figures = {"pricings": 0, "labels": 0}

    def priced(self, master: Master, duals: Duals, *, cheap: bool) -> Found:
        """Look for ways at these prices; ``cheap``: quickly, and without any proof."""
        visits = np.floor(duals.visits * SCALE).astype(np.int64)
        fines = np.floor(np.maximum(-duals.cuts, 0) * SCALE).astype(np.int64)
        bound = proved_without_ways(master, visits, fines, duals)
        found: list[Column] = []
        complete = True
        for number, kind in enumerate(self.sight.kinds):
            way = self._way(master.branch, number)
            prices = self._prices(kind.way.cents, visits, fines, cuts=master.cuts)
            most = min(QUICK_WORK if cheap else MOST_WORK, int(max(0.0, self.left()) * WORK_A_SECOND))
            filled = int(labels.price(way, prices, self.book, cheap, most))
            self.figures["pricings"] += 1
            self.figures["labels"] += abs(filled)
            complete = complete and filled > 0
            ends = self.book.ends[: abs(filled)]
            bound += len(kind.crew) * min(0, int(ends.min()))
            threshold = int(np.ceil(min(0.0, duals.kinds[number]) * SCALE)) - 10
            found += self._columns(number, ends, threshold)
        return Found(found, bound if complete and not cheap else None, complete or cheap)

    def _way(self, branch: Branch, number: int) -> labels.Way:
        """The day of a kind of technician without banned drives."""
        way, banned = self.sight.kinds[number].way, branch.banned[number]
        if not banned.any():
            return way
        return way._replace(seconds=np.where(banned, NEVER, way.seconds))

    def _prices(self, cents: Whole, visits: Whole, fines: Whole, *, cuts: Sequence[Cut]) -> Prices:
        count = visits.size
        reduced = cents * SCALE
        reduced[:, :count] -= visits
        memory = np.zeros((max(1, count), 2), dtype=np.int64)
        for node, known in enumerate(self.remembered):
            for visit in known:
                memory[node, visit // BITS] |= 1 << (visit % BITS)
        met = np.zeros(max(1, count), dtype=np.int64)
        for number, cut in enumerate(cuts):
            for visit in cut.visits:
                met[visit] |= 1 << number
        return Prices(reduced, memory, met, np.append(fines, 0))

    def _columns(self, number: int, ends: Whole, threshold: int) -> list[Column]:
        """The cheapest ways in the book, each set of visits once."""
        order = np.argsort(ends, kind="stable")[: 4 * COLUMNS_AT_ONCE]
        found: dict[frozenset[int], Column] = {}
        for label in order.tolist():
            if ends[label] >= threshold or len(found) >= COLUMNS_AT_ONCE:
                break
            visits = path(self.book, label)
            column = Column(number, int(self.book.rows[label, CENTS]), visits)
            found.setdefault(frozenset(visits), column)
        return list(found.values())

    def remember_less(self) -> bool:
        """Let ways remember half as much, so that pricing needs less room; false when nothing is left."""
        self.reach //= 2
        self.remembered = [set(near[: self.reach]) for near in self.near]
        return self.reach > 1

    def remember_more(self, columns: Iterable[Column]) -> bool:
        """Let ways remember what made these go in circles; false when none does, or room is lacking."""
        grown = False
        for column in columns:
            for first, last in circles(column.visits):
                between = column.visits[first + 1 : last]
                if any(len(self.remembered[node]) >= MOST_REMEMBERED for node in between):
                    continue
                for node in between:
                    self.remembered[node].add(column.visits[first])
                grown = True
        return grown

    def allows(self, column: Column) -> bool:
        """Whether a way is still possible with what ways remember now."""
        return not any(
            all(column.visits[first] in self.remembered[node] for node in column.visits[first + 1 : last])
            for first, last in circles(column.visits)
        )


def proved_without_ways(master: Master, visits: Whole, fines: Whole, duals: Duals) -> int:
    """What prices prove as long as no way undercuts them, scaled."""
    proved = int(visits.sum()) - int(fines.sum())
    left = master.prices_of_leaving_out() * SCALE - visits
    for limit, price in zip(master.branch.limits, np.floor(duals.limits * SCALE).tolist(), strict=True):
        scaled = int(price)
        proved += scaled * (limit.low if scaled > 0 else limit.high)
        left[list(limit.group)] -= scaled
    return proved + int(np.minimum(left, 0).sum())


def circles(visits: tuple[int, ...]) -> list[tuple[int, int]]:
    """Positions between which a way comes back to a visit."""
    seen: dict[int, int] = {}
    found = []
    for at, visit in enumerate(visits):
        if visit in seen:
            found.append((seen[visit], at))
        seen[visit] = at
    return found


def _near(sight: Sight) -> list[list[int]]:
    """Visits around each visit, itself first, then the nearest."""
    count = len(sight.visits)
    if not sight.kinds:
        return [[node] for node in range(count)]
    seconds = sight.kinds[0].way.seconds[:count, :count]
    both = seconds + seconds.T
    np.fill_diagonal(both, -1)
    return [row.tolist() for row in np.argsort(both, axis=1, kind="stable")]
