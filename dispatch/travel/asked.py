"""Roads that ask a source for the ways that are needed, for days too large for one matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from optimizer.roads import Cells, Places

Ask = Callable[[Sequence[int], Sequence[int]], tuple[Cells, Cells]]
"""Seconds and metres from some points to others, by their numbers."""


class AskedRoads:
    """
    Travel between numbered points.

    Parameters
    ----------
    size
        Number of points.
    ask
        The source.
    remembers
        Keep what blocks held, so that a single way of them is not asked again: for slow sources.
    """

    def __init__(self, size: int, ask: Ask, *, remembers: bool) -> None:
        self._size, self._ask, self._remembers = size, ask, remembers
        self._columns: dict[bytes, dict[int, int]] = {}
        self._rows: dict[int, tuple[dict[int, int], Cells, Cells]] = {}
        self._legs: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """Number of points."""
        return self._size

    def leg(self, origin: int, target: int) -> tuple[int, int]:
        """Travel time and length of one way."""
        if origin == target:
            return 0, 0
        if (row := self._rows.get(origin)) is not None and (at := row[0].get(target)) is not None:
            return int(row[1][at]), int(row[2][at])
        if (origin, target) not in self._legs:
            seconds, metres = self._ask([origin], [target])
            self._legs[origin, target] = int(seconds[0, 0]), int(metres[0, 0])
        return self._legs[origin, target]

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        starts, ends = np.asarray(origins, dtype=np.int64), np.asarray(targets, dtype=np.int64)
        seconds, metres = self._ask(starts.tolist(), ends.tolist())
        same = starts[:, None] == ends[None, :]
        seconds[same] = metres[same] = 0
        if self._remembers:
            columns = self._columns.setdefault(
                ends.tobytes(), {name: at for at, name in enumerate(ends.tolist())}
            )
            for at, origin in enumerate(starts.tolist()):
                self._rows[origin] = columns, seconds[at], metres[at]
        return seconds, metres
