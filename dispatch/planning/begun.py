"""What has begun on a day: when, how long it takes, and in which order."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dispatch.planning.days import Day
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit
from optimizer.problem import Lock


@dataclass(frozen=True, slots=True)
class Begun:
    """
    A day's visits that are under way or over, in its seconds.

    now
        The present moment, or the day's midnight before it.
    arrivals
        When whoever is on the way will be there, by visit, as far as that is asked for.
    """

    day: Day
    now: int
    arrivals: Mapping[uuid.UUID, datetime] = field(default_factory=dict)

    @property
    def coming(self) -> dict[str, int]:
        """Seconds at which whoever is on the way will be there, by visit."""
        return {str(visit): self.day.seconds(there) for visit, there in self.arrivals.items()}

    def at(self, visit: Visit) -> int:
        """Return when service began; of somebody still on the way, when it probably begins."""
        if visit.state == VisitState.TRAVELLING:
            return self._after_the_way(visit)
        found = visit.started_at or visit.arrived_at or visit.planned_start
        if found is None:
            raise ValueError(f"visit {visit.id} has begun without any time")
        return max(0, self.day.seconds(found))

    def _after_the_way(self, visit: Visit) -> int:
        """As planned where nobody knows the way; nobody begins before the window opens."""
        known = (self.arrivals.get(visit.id) or visit.planned_start, visit.window_start)
        return max((self.now, *(self.day.seconds(moment) for moment in known if moment is not None)))

    def duration(self, visit: Visit) -> int:
        """
        Return how long it takes: as it was, as somebody there expects it, else as planned.

        Work that goes on is never over before the present moment.
        """
        start = self.at(visit)
        if visit.finished_at is not None:
            return max(60, self.day.seconds(visit.finished_at) - start)
        told = visit.expected_end_at
        expected = visit.duration_minutes * 60 if told is None else self.day.seconds(told) - start
        return max(60, expected, self.now + 300 - start)

    def facts(self, visits: Iterable[Visit]) -> list[Lock]:
        """Return stops under way or finished, in the order in which they happened; they never overlap."""
        ordered = sorted(visits, key=lambda visit: (str(visit.technician_id), self.at(visit), visit.serial))
        locks: list[Lock] = []
        positions: dict[uuid.UUID | None, int] = {}
        over: dict[uuid.UUID | None, int] = {}
        for visit in ordered:
            who, start = visit.technician_id, self.at(visit)
            position = positions.get(who, 0)
            positions[who] = position + 1
            if visit.id in self.arrivals:
                start = max(start, over.get(who, 0))
            over[who] = start + self.duration(visit)
            locks.append(Lock(str(visit.id), str(visit.technician_id), start=start, sequence=position))
        return locks
