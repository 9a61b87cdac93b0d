"""Routes chosen one by one as a plan: the bounds that keep their moments, and whether all ties hold."""

from collections.abc import Sequence

import numpy as np

from optimizer.engines.ruin.arrays import Day
from optimizer.engines.ruin.layout import DRIVER, Index, Whole
from optimizer.engines.ruin.pool import Column
from optimizer.engines.ruin.rich import (
    BEGIN,
    DAYS,
    DELAY,
    FIRST,
    GROUP_NEXT,
    HAND,
    HELD,
    LEAST,
    MIDNIGHTS,
    MOST,
    NEXT_DAY,
    PERSON,
    TEAM_NEXT,
    THEN,
    TIED,
    WANTED,
)
from optimizer.engines.ruin.side_keys import rings


def earliest_after(day: Day, tie: Whole, end: int) -> int:
    """As ``ties.earliest_after``, outside the loops."""
    moment = end + int(tie[DELAY])
    if tie[NEXT_DAY]:
        midnights = day.rich.figures[MIDNIGHTS : MIDNIGHTS + DAYS]
        number = int(np.searchsorted(midnights[1:], end, side="right"))
        moment = max(moment, int(midnights[min(number + 1, DAYS - 1)]))
    return moment


def latest_end_before(day: Day, tie: Whole, start: int) -> int:
    """As ``ties.latest_end_before``, outside the loops."""
    moment = start - int(tie[DELAY])
    if tie[NEXT_DAY]:
        midnights = day.rich.figures[MIDNIGHTS : MIDNIGHTS + DAYS]
        moment = min(moment, int(midnights[int(np.searchsorted(midnights[1:], start, side="right"))]) - 1)
    return moment


def bounds_of(day: Day, columns: Sequence[Column], *, loose: bool) -> Whole | None:
    """
    Bounds under which visits that depend on one another keep the moments of their routes.

    Loose ones leave as much time as one visit leaves the other, so that the search can go on from there.
    """
    rich = day.rich
    if not rich.tied:
        return None
    bounds: Whole = rich.visit[:, (LEAST, MOST)].copy()
    starts = {
        visit: (start, column.kind)
        for column in columns
        for visit, start in zip(column.visits, column.starts, strict=True)
        if rich.visit[visit, TIED] > 0
    }
    for visit, (start, _) in starts.items():
        bounds[visit] = start
    if not loose:
        return bounds
    waiting = set(rich.waits[:, THEN].tolist())
    for visit, (_, who) in starts.items():
        if rich.visit[visit, TEAM_NEXT] >= 0:
            continue
        if visit not in waiting:
            bounds[visit, 0] = rich.visit[visit, LEAST]
        bounds[visit, 1] = rich.visit[visit, MOST]
        for tie in rich.waits:
            if tie[FIRST] == visit and int(tie[THEN]) in starts:
                last = latest_end_before(day, tie, starts[int(tie[THEN])][0])
                bounds[visit, 1] = min(bounds[visit, 1], last - int(rich.service[visit, who]))
    return bounds


def ties_hold(day: Day, links: Index) -> bool:
    """Whether teams, visits that wait and visits of one hand are served as they must be, as last timed."""
    served = links[: day.visits, DRIVER]
    return _teams_meet(day, served) and _first_come_first(day, served) and _hands_are_one(day, served)


def _teams_meet(day: Day, served: Index) -> bool:
    """Whether each team begins together, with as many persons and all skills it wants, or is left out."""
    rich = day.rich
    for ring in rings(rich.visit[:-1, TEAM_NEXT]):
        crew = served[ring]
        if (crew < 0).all():
            continue
        held = int(np.bitwise_or.reduce(rich.crew[crew, HELD]))
        wanted = int(rich.visit[ring[0], WANTED])
        people, moments = set(rich.crew[crew, PERSON].tolist()), set(rich.visit[ring, BEGIN].tolist())
        if (crew < 0).any() or len(people) < len(ring) or len(moments) > 1 or wanted & ~held:
            return False
    return True


def _first_come_first(day: Day, served: Index) -> bool:
    """Whether each visit that waits begins late enough, after one that is served."""
    rich = day.rich
    for tie in rich.waits:
        first, then = int(tie[FIRST]), int(tie[THEN])
        if served[then] < 0:
            continue
        end = int(rich.visit[first, BEGIN]) + int(rich.service[first, served[first]])
        if served[first] < 0 or rich.visit[then, BEGIN] < earliest_after(day, tie, end):
            return False
    return True


def _hands_are_one(day: Day, served: Index) -> bool:
    """Whether visits of one hand are with one person."""
    rich = day.rich
    for ring in rings(rich.visit[:-1, GROUP_NEXT]):
        people = {int(rich.crew[who, PERSON]) for who in served[ring] if who >= 0}
        begun = int(rich.visit[ring[0], HAND])
        if people and begun >= 0:
            people.add(begun)
        if len(people) > 1:
            return False
    return True
