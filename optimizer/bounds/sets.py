"""Every set of visits that one technician can serve, each in its cheapest order."""

import numpy as np

from optimizer.bounds import labels
from optimizer.bounds.labels import CENTS, FIRST, NO_END, NODE, PARENT, SCALE, Book, Prices, Way

Days = dict[int, tuple[int, tuple[int, ...]]]
"""Set of visits, a bit for each, to the price beyond an idle day and the order."""


def every_day(way: Way, most: int) -> Days | None:
    """
    All days of a technician; None when there are too many.

    Every visit earns more than any day costs, so that no label dominates one that has been to more visits.
    """
    visits = way.able.size
    earned = SCALE * (int(np.abs(way.cents).sum()) + 1)
    reduced = way.cents * SCALE
    reduced[:, :visits] -= earned
    memory = np.full((visits, 2), (1 << labels.BITS) - 1, dtype=np.int64)
    prices = Prices(reduced, memory, np.zeros(visits, dtype=np.int64), np.zeros(1, dtype=np.int64))
    book = labels.new_book(visits, way.stock.size, most)
    filled = int(labels.price(way, prices, book, False, 1 << 40))
    if filled < 0:
        return None
    days: Days = {}
    for label in range(1, filled):
        mask, cents = int(book.rows[label, FIRST]), int(book.rows[label, CENTS])
        if book.ends[label] < NO_END and (mask not in days or cents < days[mask][0]):
            days[mask] = cents, path(book, label)
    return days


def path(book: Book, label: int) -> tuple[int, ...]:
    """Visits of a label's way, in order."""
    order = []
    while book.rows[label, PARENT] >= 0:
        order.append(int(book.rows[label, NODE]))
        label = int(book.rows[label, PARENT])
    return tuple(reversed(order))
