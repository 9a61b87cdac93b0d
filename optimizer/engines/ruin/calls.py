"""The loops of rich days as those of plain days and of ties call them, by address."""

import numpy as np
from numpy.typing import NDArray

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat, wide
from optimizer.engines.ruin.far import (
    GIVE_BACK,
    KEEP,
    MAY_TAKE,
    PRICE,
    RETIME,
    SEEK,
    call_for_nothing,
    call_for_number,
    call_for_truth,
)
from optimizer.engines.ruin.layout import PRICE as PRICE_NOW
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.rich import PERSON

HOLDS = 1 << 32
"""More than there are nodes, so that a technician and a node make one number."""


@flat
def retime_richly(day: Day, routes: Routes, who: int) -> None:
    """See ``richly.retime``."""
    call_for_nothing(day.rich.calls[RETIME], (day, routes, wide(who)))


@flat
def may_take_richly(day: Day, routes: Routes, who: int, visit: int) -> bool:
    """See ``richly.may_take``."""
    return call_for_truth(day.rich.calls[MAY_TAKE], (day, routes, wide(who), wide(visit)))


@flat
def price_richly(day: Day, routes: Routes, who: int, visit: int, before: int, bound: int) -> int:
    """See ``richly.price_of``."""
    arguments = (day, routes, wide(who), wide(visit), wide(before), wide(bound))
    return call_for_number(day.rich.calls[PRICE], arguments)


@flat
def sought(
    day: Day, routes: Routes, state: NDArray[np.uint64], visit: int, blink: float, bound: int, lacking: int
) -> tuple[int, int]:
    """See ``seeking.sought``; technician -1 when there is no such place."""
    arguments = (day, routes, state, wide(visit), blink, wide(bound), wide(lacking))
    found = call_for_number(day.rich.calls[SEEK], arguments)
    return (-1, -1) if found < 0 else (found // HOLDS, found % HOLDS)


@flat
def keep_far(day: Day, routes: Routes, who: int) -> None:
    """See ``keeping.keep``."""
    call_for_nothing(day.rich.calls[KEEP], (day, routes, wide(who)))


@flat
def give_back_far(day: Day, who: int) -> None:
    """See ``fetching.give_back``."""
    call_for_nothing(day.rich.calls[GIVE_BACK], (day, wide(who)))


@flat
def is_kept(day: Day, routes: Routes, who: int) -> bool:
    """Whether a shift, and with it all work of its person, can be kept as it is."""
    lead = day.rich.crew[who, PERSON]
    return max(routes.tours[who, PRICE_NOW], routes.tours[lead, PRICE_NOW]) < IMPOSSIBLE
