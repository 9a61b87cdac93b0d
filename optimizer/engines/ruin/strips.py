"""Long steps of building arrays, cut where planning may be called off."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from optimizer.engines.base import Cancel
from optimizer.engines.ruin.uncovered import CalledOff

Built = TypeVar("Built")
STRIP_CELLS = 1 << 18
"""Cells of a table that are worked on at a time."""


def unless(cancel: Cancel, step: Callable[[], Built]) -> Built:
    """Take a step; raises ``CalledOff`` in its place when planning has been called off."""
    if cancel():
        raise CalledOff
    return step()


def strips(rows: int, columns: int, cancel: Cancel) -> Iterator[slice]:
    """Rows of a table so many at a time, until planning is called off."""
    step = max(1, STRIP_CELLS // max(1, columns))
    for at in range(0, rows, step):
        if cancel():
            raise CalledOff
        yield slice(at, at + step)
