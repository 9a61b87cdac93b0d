"""
What ties the routes of a plan to one another, as rows of the master beside those of visits and technicians.

A route has a part in a row by its keys: the start of a visit that others depend on, a visit of one hand, a
member of a team, parts taken from the van of several shifts or from a depot, work of a person. Rows are
sums over keys, and over extra variables of their own; GLOP and CP-SAT are told the same.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.clocked import SQUARE_HOUR
from optimizer.engines.ruin.laying import earliest_after
from optimizer.engines.ruin.rich import (
    FAIR,
    FIRST,
    GROUP_NEXT,
    HAND,
    HELD,
    PERSON,
    SHELF,
    TEAM_NEXT,
    THEN,
    WANTED,
    WORKED,
)
from optimizer.engines.ruin.side_keys import Keys, Named, idle_work, rings, shifts_of

UNLIMITED = 1 << 40
"""No limit of a row on this side."""
TANGENTS = 8
"""Straight lines below the price of a person's work, for the relaxed master."""


class Row(NamedTuple):
    """A sum with its limits: how much each key counts, and each extra variable."""

    low: int
    high: int
    keys: dict[int, int]
    extras: dict[int, int]


class Extra(NamedTuple):
    """A whole number from 0 on that is decided beside the routes, and its price."""

    most: int
    price: int = 0


class Square(NamedTuple):
    """All work of a person, its price, and what was worked before: places of extra variables, and seconds."""

    work: int
    price: int
    before: int


@dataclass(slots=True)
class Rows:
    """All rows for some keys."""

    day: Day
    keys: Keys
    active: Collection[int]
    rows: list[Row] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    squares: list[Square] = field(default_factory=list)

    def variable(self, most: int, price: int = 0) -> int:
        """Place of a new extra variable."""
        self.extras.append(Extra(most, price))
        return len(self.extras) - 1

    def of(self, named: Named) -> Iterator[tuple[tuple[int, ...], int]]:
        """The keys of a kind that are in use, with what they stand for."""
        return ((name, key) for name, key in named.items() if key in self.active)

    def by_first(self, named: Named) -> dict[int, list[tuple[tuple[int, ...], int]]]:
        """The same by the first number of what they stand for, and the others."""
        found: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for (first, *others), key in self.of(named):
            found.setdefault(first, []).append((tuple(others), key))
        return found


def meetings(rows: Rows) -> Iterator[Row]:
    """All members of a team begin at one moment, or all are left out."""
    moments = rows.by_first(rows.keys.moments)
    for ring in rings(rows.day.rich.visit[:-1, TEAM_NEXT]):
        for other in ring[1:]:
            counted: dict[int, dict[int, int]] = {}
            for visit, share in ((ring[0], -1), (other, 1)):
                for (start, _), key in moments.get(visit, ()):
                    counted.setdefault(start, {})[key] = share
            yield from (Row(0, 0, keys, {}) for keys in counted.values())


def waits(rows: Rows) -> Iterator[Row]:
    """A visit that waits begins when the one before it allows, and only where that is served."""
    moments = rows.by_first(rows.keys.moments)
    for tie in rows.day.rich.waits:
        firsts, thens = moments.get(int(tie[FIRST]), ()), moments.get(int(tie[THEN]), ())
        events = [(earliest_after(rows.day, tie, end), 0, key) for (_, end), key in firsts]
        events.extend((start, 1, key) for (start, _), key in thens)
        before, counted, is_closing = -1, dict[int, int](), False
        for _, is_then, key in [*sorted(events), (0, 0, -1)]:
            if is_closing and not is_then:
                over = rows.variable(1)
                chain = {over: -1, before: 1} if before >= 0 else {over: -1}
                yield Row(0, 0, counted, chain)
                before, counted = over, {}
            is_closing = bool(is_then)
            counted[key] = -1 if is_then else 1


def hands(rows: Rows) -> Iterator[Row]:
    """Visits of one hand go to one person, to whoever has begun one if anybody has."""
    rich, known = rows.day.rich, rows.by_first(rows.keys.hands)
    for ring in rings(rich.visit[:-1, GROUP_NEXT]):
        chosen: dict[int, int] = {}
        for visit, ((person,), key) in ((one, each) for one in ring for each in known.get(one, ())):
            begun = rich.visit[visit, HAND]
            if begun >= 0 and begun != person:
                yield Row(0, 0, {key: 1}, {})
                continue
            if person not in chosen:
                chosen[person] = rows.variable(1)
            yield Row(-1, 0, {key: 1}, {chosen[person]: -1})
        if len(chosen) > 1:
            yield Row(0, 1, {}, dict.fromkeys(chosen.values(), 1))


def once(rows: Rows) -> Iterator[Row]:
    """Nobody is in one team twice."""
    counted: dict[tuple[int, int], dict[int, int]] = {}
    for (team, who), key in rows.of(rows.keys.members):
        person = int(rows.day.rich.crew[who, PERSON])
        counted.setdefault((team, person), {})[key] = 1
    yield from (Row(0, 1, keys, {}) for keys in counted.values())


def skills(rows: Rows) -> Iterator[Row]:
    """Those who meet as a team hold together what it wants."""
    rich, members = rows.day.rich, rows.by_first(rows.keys.members)
    moments = rows.by_first(rows.keys.moments)
    for ring in rings(rich.visit[:-1, TEAM_NEXT]):
        lead = ring[0]
        served = {key: -1 for _, key in moments.get(lead, ())}
        for bit in range(int(rich.visit[lead, WANTED]).bit_length()):
            if not int(rich.visit[lead, WANTED]) >> bit & 1:
                continue
            counted = dict(served)
            for (who,), key in members.get(lead, ()):
                if int(rich.crew[who, HELD]) >> bit & 1:
                    counted[key] = 1
            yield Row(0, UNLIMITED, counted, {})


def vans(rows: Rows) -> Iterator[Row]:
    """All shifts of a person together use no more than the van carries in any of them."""
    for (person, part), key in rows.of(rows.keys.vans):
        least = min(int(rows.day.stock[shift, part]) for shift in shifts_of(rows.day, person))
        yield Row(0, least, {key: 1}, {})


def shelves(rows: Rows) -> Iterator[Row]:
    """All routes together fetch no more from a depot than is there."""
    for (depot, part), key in rows.of(rows.keys.shelves):
        yield Row(0, int(rows.day.rich.depots[depot, SHELF + part]), {key: 1}, {})


def works(rows: Rows) -> Iterator[Row]:
    """All work of a person over several shifts has one price, which rises ever faster."""
    rich = rows.day.rich
    fair = int(rich.figures[FAIR])
    for (person,), key in rows.keys.works.items():
        idle, before = idle_work(rows.day, person), int(rich.crew[person, WORKED])
        most = idle + rows.keys.most_work(person)
        work = rows.variable(most)
        price = rows.variable(fair * ((before + most) ** 2) // SQUARE_HOUR + 1, 1)
        yield Row(idle, idle, {key: -1} if key in rows.active else {}, {work: 1})
        for step in range(TANGENTS):
            at = before + idle + (most - idle) * step // (TANGENTS - 1)
            least = fair * (2 * at * before - at * at - before * before) - SQUARE_HOUR // 2
            yield Row(least, 1 << 60, {}, {price: SQUARE_HOUR, work: -2 * at * fair})
        rows.squares.append(Square(work, price, before))


KINDS: tuple[Callable[[Rows], Iterator[Row]], ...] = (
    meetings,
    waits,
    hands,
    once,
    skills,
    vans,
    shelves,
    works,
)
"""All kinds of rows."""


def rows_of(day: Day, keys: Keys, active: Collection[int]) -> Rows:
    """The rows for the keys in use."""
    rows = Rows(day, keys, active)
    for kind in KINDS:
        rows.rows.extend(kind(rows))
    return rows
