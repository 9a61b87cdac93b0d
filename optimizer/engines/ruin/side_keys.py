"""What routes have a part in beside their visits and technicians, found for all routes of a pool at once."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.clocked import SQUARE_HOUR
from optimizer.engines.ruin.layout import IDLE, Index, Whole
from optimizer.engines.ruin.pool import BY, WORKED_ON, Columns
from optimizer.engines.ruin.rich import (
    FAIR,
    GROUP_NEXT,
    IDLE_WORK,
    NEXT_SHIFT,
    PERSON,
    TEAM_NEXT,
    TIED,
    WORKED,
)

Named: TypeAlias = dict[tuple[int, ...], int]
"""Keys by what they stand for."""


class Keys:
    """
    The keys of a pool's routes, and their prices.

    moments
        By visit, start and end: of visits that depend on one another.
    hands, members
        By visit and person; by first visit of a team and shift.
    vans, shelves, works
        By person and part, by depot and part, by person; their amounts are parts and seconds.
    column, key, amount
        Entries in the order of the routes.
    price
        Price of each route beyond the idle day, all that can be told from it alone.
    """

    def __init__(self, day: Day, columns: Columns) -> None:
        self.day, self.columns = day, columns
        self.price: Whole = _prices(day, columns)
        self.count = 0
        self._entries: list[tuple[Whole, Whole, Whole]] = []
        self.moments, self.hands, self.members = self._of_stops()
        self.vans, self.shelves, self.works = self._of_parts_and_work()
        column, key, amount = (np.concatenate(each) for each in zip(*self._entries, strict=True))
        order = np.argsort(column, kind="stable")
        self.column, self.key, self.amount = column[order], key[order], amount[order]
        self.first = np.searchsorted(self.column, np.arange(columns.kind.size + 1))

    def of(self, at: int) -> dict[int, int]:
        """Keys of a route and their amounts."""
        found: dict[int, int] = {}
        span = slice(int(self.first[at]), int(self.first[at + 1]))
        for key, amount in zip(self.key[span].tolist(), self.amount[span].tolist(), strict=True):
            found[key] = found.get(key, 0) + amount
        return found

    def most_work(self, person: int) -> int:
        """Most seconds that all routes of a person together can add to an idle day's."""
        columns, rich = self.columns, self.day.rich
        total = 0
        for shift in shifts_of(self.day, person):
            more = columns.aside[columns.kind == shift, WORKED_ON] - rich.crew[shift, IDLE_WORK]
            total += max(0, int(more.max(initial=0)))
        return total

    def _of_stops(self) -> tuple[Named, Named, Named]:
        """Enter what stops ask for."""
        visit, columns = self.day.rich.visit, self.columns
        stops = columns.stops.astype(np.int64)
        at = np.repeat(np.arange(columns.size.size), columns.size)
        who = columns.kind[at].astype(np.int64)
        tied = np.flatnonzero(visit[stops, TIED] > 0)
        starts = columns.starts[tied] if columns.starts.size else np.zeros(0, dtype=np.int64)
        ends = starts + self.day.rich.service[stops[tied], who[tied]]
        moments = self._enter(at[tied], (stops[tied], starts, ends))
        hand = np.flatnonzero(visit[stops, GROUP_NEXT] >= 0)
        hands = self._enter(at[hand], (stops[hand], self.day.rich.crew[who[hand], PERSON]))
        lead = np.full(len(visit), -1, dtype=np.int64)
        for ring in rings(visit[:-1, TEAM_NEXT]):
            lead[ring] = ring[0]
        team = np.flatnonzero(lead[stops] >= 0)
        return moments, hands, self._enter(at[team], (lead[stops[team]], who[team]))

    def _of_parts_and_work(self) -> tuple[Named, Named, Named]:
        """Enter parts used up and fetched, and work."""
        day, columns = self.day, self.columns
        who, at = columns.kind.astype(np.int64), np.arange(columns.kind.size)
        person = day.rich.crew[who, PERSON]
        several = day.rich.crew[who, NEXT_SHIFT] != who
        first = np.cumsum(columns.size) - columns.size
        vans, shelves = Named(), Named()
        for part in range(day.use.shape[1]):
            used = np.add.reduceat(day.use[columns.stops, part], first)
            part_of = np.full(at.size, part, dtype=np.int64)
            carried = np.minimum(used, day.stock[who, part])
            its = np.flatnonzero(several & (carried > 0))
            vans |= self._enter(at[its], (person[its], part_of[its]), carried[its])
            short = used - day.stock[who, part]
            its = np.flatnonzero((columns.aside[:, BY] >= 0) & (short > 0))
            shelves |= self._enter(at[its], (columns.aside[its, BY], part_of[its]), short[its])
        is_fair = day.rich.shared and day.rich.figures[FAIR] > 0
        its = np.flatnonzero(several & is_fair)
        more = columns.aside[its, WORKED_ON] - day.rich.crew[who[its], IDLE_WORK]
        return vans, shelves, self._enter(at[its], (person[its],), more)

    def _enter(self, columns: Whole, names: Sequence[Whole], amounts: Whole | None = None) -> Named:
        """Give a key to each name, and to each route its amounts."""
        table = np.stack(names, axis=1) if columns.size else np.zeros((0, len(names)), dtype=np.int64)
        found, number = np.unique(table, axis=0, return_inverse=True)
        number = number.reshape(-1).astype(np.int64) + self.count
        self._entries.append((columns, number, np.ones_like(columns) if amounts is None else amounts))
        named = {tuple(name): self.count + at for at, name in enumerate(found.tolist())}
        self.count += len(named)
        return named


def _prices(day: Day, columns: Columns) -> Whole:
    """Prices beyond the idle day with that of the person's work, where a person has one shift."""
    rich, who = day.rich, columns.kind
    if rich.figures[FAIR] == 0:
        return columns.price
    single = rich.crew[who, NEXT_SHIFT] == who
    idle = _fair(day, who, rich.crew[who, IDLE_WORK])
    work = _fair(day, who, columns.aside[:, WORKED_ON]) if rich.shared else 0
    found: Whole = columns.price + np.where(single, work - idle, 0)
    return found


def _fair(day: Day, who: Index | Whole, planned: Whole) -> Whole:
    """As ``clocked.fair_price``, for many shifts or persons at once."""
    before = day.rich.crew[who, WORKED]
    square = (before + planned) ** 2 - before**2
    found: Whole = (day.rich.figures[FAIR] * square + SQUARE_HOUR // 2) // SQUARE_HOUR
    return found


def idle_work(day: Day, person: int) -> int:
    """Seconds of work of a person without any open stop, over all shifts."""
    return sum(int(day.rich.crew[shift, IDLE_WORK]) for shift in shifts_of(day, person))


def idle_price(day: Day) -> int:
    """Price of a day on which nobody is sent anywhere."""
    total = int(day.crew[:, IDLE].sum())
    if day.rich.used and day.rich.figures[FAIR] > 0:
        people: Whole = np.unique(day.rich.crew[:, PERSON])
        work = np.array([idle_work(day, person) for person in people.tolist()], dtype=np.int64)
        total += int(_fair(day, people, work).sum())
    return total


def idle_fair(day: Day, person: int) -> int:
    """Price of a person's work without any open stop."""
    return int(_fair(day, np.array([person]), np.array([idle_work(day, person)]))[0])


def shifts_of(day: Day, person: int) -> list[int]:
    """All shifts of a person."""
    found, shift = [person], int(day.rich.crew[person, NEXT_SHIFT])
    while shift != person:
        found.append(shift)
        shift = int(day.rich.crew[shift, NEXT_SHIFT])
    return found


def rings(following: Whole) -> list[list[int]]:
    """Visits that belong together, from who comes next in the ring."""
    found, known = [], set[int]()
    for visit in np.flatnonzero(following >= 0).tolist():
        if visit in known:
            continue
        ring, other = [visit], int(following[visit])
        while other != visit:
            ring.append(other)
            other = int(following[other])
        known.update(ring)
        found.append(ring)
    return found
