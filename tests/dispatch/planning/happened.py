"""What a generated day's test knows of the day by itself: who was where when, as the office has heard it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

Span = tuple[datetime, datetime]


@dataclass
class Job:
    """Work that somebody is on the way to, or at."""

    visit_id: uuid.UUID
    minutes: int
    opens: datetime | None
    set_out: datetime
    arrived: datetime | None = None
    started: datetime | None = None
    told: datetime | None = None
    """When it will be over, as somebody there says."""

    def over(self, now: datetime) -> datetime:
        """When it is over at the earliest, as the office can know."""
        if self.arrived is None:
            return max(now, self.opens or now) + timedelta(minutes=self.minutes)
        expected = self.told or (self.started or self.arrived) + timedelta(minutes=self.minutes)
        return max(expected, now + timedelta(minutes=5))


@dataclass
class Happened:
    """
    Facts of a day, written down by whoever made them happen.

    arrived, ended
        When somebody was at a visit; when it was called off or met a closed door.
    done
        Visits that were finished.
    disputed
        Visits of which office and technician tell contrary things.
    handed_back
        Visits that their technician has declined.
    away
        When somebody is absent.
    works
        When somebody was at work, visit by visit.
    """

    arrived: dict[uuid.UUID, datetime] = field(default_factory=dict)
    ended: dict[uuid.UUID, datetime] = field(default_factory=dict)
    done: set[uuid.UUID] = field(default_factory=set)
    disputed: set[uuid.UUID] = field(default_factory=set)
    away: dict[uuid.UUID, list[Span]] = field(default_factory=dict)
    under_way: dict[uuid.UUID, Job] = field(default_factory=dict)
    works: dict[uuid.UUID, list[Span]] = field(default_factory=dict)
    last: dict[uuid.UUID, datetime] = field(default_factory=dict)

    def is_away(self, technician_id: uuid.UUID, moment: datetime) -> bool:
        """Whether somebody is absent at a moment."""
        return any(start <= moment < end for start, end in self.away.get(technician_id, ()))

    def is_away_until(self, technician_id: uuid.UUID, since: datetime, until: datetime) -> bool:
        """Whether somebody is absent from one moment to another without a break."""
        return any(start <= since and end > until for start, end in self.away.get(technician_id, ()))

    def leave(self, technician_id: uuid.UUID, moment: datetime) -> None:
        """Somebody is through with what they were at, one way or another."""
        job = self.under_way.pop(technician_id)
        if job.arrived is not None:
            self.work(technician_id, job.arrived, moment)
        self.last[technician_id] = moment

    def forget(self, visit_id: uuid.UUID, moment: datetime) -> None:
        """Whoever is on the way to a visit, or at it, need not be."""
        for technician_id, job in list(self.under_way.items()):
            if job.visit_id == visit_id:
                self.leave(technician_id, moment)

    def work(self, technician_id: uuid.UUID, start: datetime, end: datetime) -> None:
        """Somebody was at a visit."""
        self.works.setdefault(technician_id, []).append((start, end))

    def check_works(self) -> None:
        """Nobody was at two visits at once."""
        for spans in self.works.values():
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))

    def outcome(
        self, visit_id: uuid.UUID, end: datetime, anew: datetime | None, over: datetime | None
    ) -> str:
        """
        What became of a promise until a window's end (R-309, decision 7); empty while it is open.

        ``anew``: when the next promise was made. ``over``: now, once nobody is on duty any more.
        """
        there = self.arrived.get(visit_id)
        if there is not None and there <= end and (anew is None or there <= anew):
            return "kept"
        if anew is not None:
            return "replaced" if anew <= end else "broken"
        if there is not None:
            return "broken"
        if visit_id in self.ended:
            return "cancelled" if self.ended[visit_id] <= end else "broken"
        return "broken" if over is not None and end <= over else ""
