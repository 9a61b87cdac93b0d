"""A day to be planned, as pure integers: technicians, visits, travel, locks and prices."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.crew import Break, Certificate, Depot, Technician
from optimizer.policy import Lateness, Policy
from optimizer.roads import Cells, Places, Roads, RoadTable, StraightLine, table_of
from optimizer.traffic import Traffic
from optimizer.units import DAY, Metres, Seconds
from optimizer.work import After, Visit, Window

__all__ = [
    "After",
    "Break",
    "Certificate",
    "Depot",
    "Lateness",
    "Lock",
    "Matrix",
    "Policy",
    "Problem",
    "Technician",
    "Traffic",
    "Visit",
    "Window",
    "matrix_of",
]


Rows = tuple[tuple[int, ...], ...]
"""A table as it is read; large ones are a ``roads.WholeTable`` of four bytes a cell."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """
    Travel between locations, asymmetric where the roads are: two tables, or the straight line.

    seconds
        Row by row, travel time from the row's location to the column's.
    metres
        Row by row, the length of the same way.
    straight
        In place of the tables, for a day too large for them: positions and a speed.
    """

    seconds: Rows = ()
    metres: Rows = ()
    straight: StraightLine | None = None

    def __post_init__(self) -> None:
        if self.straight is not None and not len(self.seconds) and not len(self.metres):
            object.__setattr__(self, "seconds", RoadTable(self.straight, 0))
            object.__setattr__(self, "metres", RoadTable(self.straight, 1))
        object.__setattr__(self, "seconds", table_of(self.seconds))
        object.__setattr__(self, "metres", table_of(self.metres))

    @classmethod
    def of(cls, roads: Roads) -> "Matrix":
        """Travel that is asked for as it is needed, never as a whole."""
        seconds: Any = RoadTable(roads, 0)
        metres: Any = RoadTable(roads, 1)
        return cls(seconds, metres, roads if isinstance(roads, StraightLine) else None)

    @property
    def roads(self) -> Roads | None:
        """Where travel comes from, if there are no tables."""
        seconds: Any = self.seconds
        return seconds.roads if isinstance(seconds, RoadTable) else None

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        seconds: Any = self.seconds
        if type(seconds) is RoadTable:
            return seconds.roads.leg(origin, target)
        return seconds[origin][target], self.metres[origin][target]

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target, as arrays."""
        if self.roads is not None:
            return self.roads.block(origins, targets)
        pairs = np.ix_(np.asarray(origins, dtype=np.int64), np.asarray(targets, dtype=np.int64))
        return np.asarray(self.seconds)[pairs], np.asarray(self.metres)[pairs]


@dataclass(frozen=True, slots=True)
class Lock:
    """
    A decision about a visit that planning must keep.

    A lock with technician, start and sequence together is a stop already begun or done: a fact. Windows,
    skills and the other rules are not judged for it, and it keeps its recorded start.

    visit_id
        The visit it holds.
    technician_id
        Who must serve it; null leaves that open.
    start
        Exact start of service; takes the place of the visit's windows.
    range
        Interval for the start of service; takes the place of the visit's windows.
    sequence
        Position in the route counted from 0.
    """

    visit_id: str
    technician_id: str | None = None
    start: Seconds | None = None
    range: Window | None = None
    sequence: int | None = None

    @property
    def is_begun(self) -> bool:
        """Whether the stop has been started or finished in reality."""
        return self.technician_id is not None and self.start is not None and self.sequence is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One or several days of one territory, ready to be planned.

    day
        The plan day, from whose midnight all times count; the first one where shifts lie on several days.
    technicians
        Who works: one entry for each shift.
    visits
        What is to be served.
    matrix
        Travel between all locations.
    locks
        Decisions and facts to be kept.
    policy
        Prices.
    depots
        Where technicians may fetch parts that their van lacks.
    traffic
        Travel by hour of day; null: the matrix holds at any time.
    zone
        Time zone of the company (IANA), for days on which the clocks change; null: all days have 24 hours.
    """

    day: date
    technicians: tuple[Technician, ...]
    visits: tuple[Visit, ...]
    matrix: Matrix
    locks: tuple[Lock, ...] = ()
    policy: Policy = field(default_factory=Policy)
    depots: tuple[Depot, ...] = ()
    traffic: Traffic | None = None
    zone: str | None = None
    _is_planned: bool = field(init=False, repr=False, compare=False, default=False)
    _bounds: dict[str, Window] = field(init=False, repr=False, compare=False)
    _visits: dict[str, Visit] = field(init=False, repr=False, compare=False)
    _technicians: dict[str, Technician] = field(init=False, repr=False, compare=False)
    _locks: dict[str, Lock] = field(init=False, repr=False, compare=False)
    _begun: dict[str, tuple[Visit, ...]] = field(init=False, repr=False, compare=False)
    _begun_people: dict[str, tuple[Visit, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "technicians", tuple(self.technicians))
        object.__setattr__(self, "visits", tuple(self.visits))
        object.__setattr__(self, "locks", tuple(self.locks))
        object.__setattr__(self, "depots", tuple(self.depots))
        object.__setattr__(self, "_bounds", {})
        object.__setattr__(self, "_visits", {v.id: v for v in self.visits})
        object.__setattr__(self, "_technicians", {t.id: t for t in self.technicians})
        object.__setattr__(self, "_locks", {lock.visit_id: lock for lock in self.locks})
        begun: dict[str, tuple[Visit, ...]] = {}
        for lock in sorted((k for k in self.locks if k.is_begun), key=lambda k: k.sequence or 0):
            if lock.technician_id is not None and lock.visit_id in self._visits:
                visits = begun.get(lock.technician_id, ())
                begun[lock.technician_id] = (*visits, self._visits[lock.visit_id])
        object.__setattr__(self, "_begun", begun)
        people: dict[str, tuple[Visit, ...]] = {}
        for technician in self.technicians:
            if technician.id in begun:
                people[technician.who] = (*people.get(technician.who, ()), *begun[technician.id])
        object.__setattr__(self, "_begun_people", people)

    def taken_as_planned(self) -> "Problem":
        """The same day, known to be as engines plan it and the checker judges it (``planned.as_planned``)."""
        other = copy.copy(self)
        object.__setattr__(other, "_is_planned", True)
        return other

    def changed(self, **changes: Any) -> "Problem":
        """The same day with some of it exchanged, taken as planned if this one is."""
        other = replace(self, **changes)
        return other.taken_as_planned() if self._is_planned else other

    @property
    def is_planned(self) -> bool:
        """Whether nothing is left to be cut or conceded; a day made from this one is asked anew."""
        return self._is_planned

    def visit(self, visit_id: str) -> Visit | None:
        """The visit of this name, if the problem holds it."""
        return self._visits.get(visit_id)

    def technician(self, technician_id: str) -> Technician | None:
        """The technician of this name, if the problem holds one."""
        return self._technicians.get(technician_id)

    def lock(self, visit_id: str) -> Lock | None:
        """The lock on a visit, if there is one."""
        return self._locks.get(visit_id)

    def is_begun(self, visit_id: str) -> bool:
        """Whether a visit has been started or finished in reality, so that no rule is judged for it."""
        lock = self._locks.get(visit_id)
        return lock is not None and lock.is_begun

    def is_locked_to(self, technician: Technician, visit: Visit) -> bool:
        """Whether a lock names this technician for the visit."""
        lock = self._locks.get(visit.id)
        return lock is not None and technician.is_called(lock.technician_id)

    def is_timed(self, visit_id: str) -> bool:
        """Whether a lock's time takes the place of the visit's windows."""
        lock = self._locks.get(visit_id)
        return lock is not None and (lock.start is not None or lock.range is not None)

    def windows_of(self, visit: Visit) -> tuple[Window, ...]:
        """Intervals for the start of service, in order; a lock's start or range replaces the visit's."""
        lock = self._locks.get(visit.id)
        if lock is not None and lock.start is not None:
            return (Window(lock.start, lock.start),)
        if lock is not None and lock.range is not None:
            return (lock.range,)
        if len(visit.windows) < 2:
            return visit.windows
        return tuple(sorted(visit.windows, key=lambda window: (window.start, window.end)))

    def bound(self, visit_id: str) -> Window | None:
        """Interval for the start of service that visits depending on one another leave, if there is one."""
        return self._bounds.get(visit_id)

    def bounded(self, bounds: Mapping[str, Window]) -> "Problem":
        """The same day while visits that depend on one another keep to these intervals for their start."""
        other = copy.copy(self)
        object.__setattr__(other, "_bounds", dict(bounds))
        return other

    def day_number(self, moment: Seconds) -> int:
        """Day in which a moment lies: 0 for the plan day, 1 for the next."""
        number = moment // DAY
        while moment < self.midnight(number):
            number -= 1
        while moment >= self.midnight(number + 1):
            number += 1
        return number

    def midnight(self, number: int) -> Seconds:
        """Moment at which a day begins; days on which the clocks change are longer or shorter."""
        return number * DAY if self.zone is None else _midnight(self.day, self.zone, number)

    def date_of(self, technician: Technician) -> date:
        """The day on which a shift begins."""
        return self.day + timedelta(self.day_number(technician.shift.start))

    def certificates_of(self, technician: Technician) -> frozenset[str]:
        """Codes of the certificates that are valid on the day of a shift."""
        day = self.date_of(technician)
        return frozenset(c.code for c in technician.certificates if c.valid_from <= day <= c.valid_until)

    def begun_by(self, technician_id: str) -> tuple[Visit, ...]:
        """Visits this technician has already started or finished, in their order."""
        return self._begun.get(technician_id, ())

    def begun_by_person(self, who: str) -> tuple[Visit, ...]:
        """Visits a person has already started or finished, on whichever shift."""
        return self._begun_people.get(who, ())

    def with_visit(self, visit: Visit) -> "Problem":
        """The same day with one more visit, or with this one in place of its namesake."""
        visits = (*(v for v in self.visits if v.id != visit.id), visit)
        if self.is_begun(visit.id):
            return self.changed(visits=visits)
        other = copy.copy(self)
        object.__setattr__(other, "visits", visits)
        object.__setattr__(other, "_visits", {**self._visits, visit.id: visit})
        object.__setattr__(other, "_bounds", {})
        return other

    def with_locks(self, locks: Iterable[Lock]) -> "Problem":
        """The same day under other locks."""
        return replace(self, locks=tuple(locks))


@lru_cache(maxsize=1_024)
def _midnight(day: date, zone: str, number: int) -> Seconds:
    """Seconds from the midnight of one day to that of another; asked for every pair of a large day."""
    where = ZoneInfo(zone)
    first = datetime.combine(day, datetime.min.time(), where)
    then = datetime.combine(day + timedelta(number), datetime.min.time(), where)
    return int(then.timestamp() - first.timestamp())


def matrix_of(seconds: Sequence[Sequence[int]], metres: Sequence[Sequence[int]] | None = None) -> Matrix:
    """Build a matrix from rows; without lengths, 10 metres to the second (36 km/h)."""
    lengths = metres if metres is not None else [[10 * cell for cell in row] for row in seconds]
    return Matrix(seconds, lengths)  # type: ignore[arg-type]  # rows become tables in __post_init__
