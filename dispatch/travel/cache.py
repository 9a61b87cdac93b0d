"""Remembers the last matrices in this process, so that quoting windows does not ask the router again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from dispatch.travel.provider import Point, TravelMatrix, TravelTimes
from optimizer.roads import Roads


class CachedTravel:
    """Answers a repeated question (the same points in the same order) from memory, oldest forgotten first."""

    def __init__(self, source: TravelTimes, *, matrices: int = 16) -> None:
        self._source = source
        self._matrices = matrices
        self._known: OrderedDict[tuple[Point, ...], TravelMatrix] = OrderedDict()
        self._lock = Lock()

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs; the arrays are shared and read-only."""
        question = tuple(points)
        with self._lock:
            known = self._known.get(question)
            if known is not None:
                self._known.move_to_end(question)
                return known
        answer = self._source.matrix(question)
        answer.seconds.flags.writeable = answer.metres.flags.writeable = False
        with self._lock:
            self._known[question] = answer
            while len(self._known) > self._matrices:
                self._known.popitem(last=False)
        return answer

    def roads(self, points: Sequence[Point]) -> Roads:
        """The source's own roads, which remember what they were asked."""
        return self._source.roads(points)
