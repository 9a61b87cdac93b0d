"""How full a day is: the part of a slot that is planned (R-303), and what is kept for emergencies (R-308)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from optimizer.plan import Plan
from optimizer.problem import Problem, Window
from optimizer.units import Seconds

Spans = NDArray[np.int64]
"""Rows of begin and end, in seconds since local midnight."""


@dataclass(frozen=True, slots=True)
class Load:
    """Duties and planned stretches of a day; drives belong to the stop they lead to."""

    duty: Spans
    busy: Spans
    rests: Spans
    """Breaks that are still to be taken: latest begin and length."""

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Self:
        """Read the spans of a plan."""
        duty = [
            (max(person.shift.start, person.earliest_departure or 0), person.shift.end)
            for person in problem.technicians
        ]
        busy = [(call.arrival - call.travel, call.end) for route in plan.routes for call in route.calls()]
        busy += [(route.return_time - route.return_travel, route.return_time) for route in plan.routes]
        rests = [(rest.latest, rest.duration) for person in problem.technicians for rest in person.breaks]
        return cls(_spans(duty), _spans(busy), _spans(rests))

    def share(self, window: Window) -> float:
        """Part of the time on duty in a window that is planned, 0 to 1; 1 when nobody is on duty."""
        there = _within(self.duty, window.start, window.end)
        return min(1.0, _within(self.busy, window.start, window.end) / there) if there else 1.0

    def leaves(self, job: Seconds, percent: int, since: Seconds) -> bool:
        """
        Whether a further job leaves the emergencies' share of what is left of the day free.

        The share is taken of the time from a moment on, so it is released as the day goes on (R-308).
        """
        end = int(self.duty[:, 1].max(initial=since))
        there = _within(self.duty, since, end)
        there -= int(self.rests[self.rests[:, 0] >= since, 1].sum())
        planned = _within(self.busy, since, end)
        return 100 * (planned + job) <= (100 - percent) * there


def _spans(pairs: list[tuple[int, int]]) -> Spans:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _within(spans: Spans, start: Seconds, end: Seconds) -> int:
    """Seconds of all spans between two moments."""
    inside = np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], start)
    return int(np.maximum(inside, 0).sum())
