"""The loops of rich days as those of plain days and of ties call them, by address."""

from optimizer.engines.ruin.arrays import Day, Routes
from optimizer.engines.ruin.compiling import flat, wide
from optimizer.engines.ruin.far import (
    GIVE_BACK,
    MAY_TAKE,
    PRICE,
    RETIME,
    call_for_nothing,
    call_for_number,
    call_for_truth,
)
from optimizer.engines.ruin.layout import PRICE as PRICE_NOW
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.rich import PERSON


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
def give_back_far(day: Day, who: int) -> None:
    """See ``fetching.give_back``."""
    call_for_nothing(day.rich.calls[GIVE_BACK], (day, wide(who)))


@flat
def is_kept(day: Day, routes: Routes, who: int) -> bool:
    """Whether a shift, and with it all work of its person, can be kept as it is."""
    lead = day.rich.crew[who, PERSON]
    return max(routes.tours[who, PRICE_NOW], routes.tours[lead, PRICE_NOW]) < IMPOSSIBLE
