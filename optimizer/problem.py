"""A day to be planned, as pure integers: technicians, visits, travel, locks and prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from optimizer.roads import Cells, Places, Roads, RoadTable, StraightLine, table_of
from optimizer.units import Cents, Metres, Seconds


@dataclass(frozen=True, slots=True)
class Window:
    """
    Closed interval in which service must begin; waiting before it is allowed.

    start
        First moment at which service may begin.
    end
        Last moment at which service may begin; service itself may last longer.
    """

    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class Visit:
    """
    One attendance at a site.

    id
        Name of the visit, unique in the problem.
    location
        Row of the travel matrix.
    duration
        Length of service, parking and access included.
    windows
        Service must begin in one of them; none means any time of the shift.
    skills
        Skill name to the least level the technician must hold.
    certificates
        Certificate codes the technician must hold, valid on the plan day.
    parts
        Part to the quantity taken from the van.
    territory
        Territory of the site; null lets everybody go there.
    priority
        1 low, 2 below normal, 3 normal, 4 urgent, 5 emergency.
    optional
        False: leaving it out is allowed but costs more than anything else.
    excluded_technicians
        Technicians who may not be sent, for example after a repeat repair.
    required_technician
        The only technician who may be sent; null for anybody.
    previous_technician
        Technician of the published plan; sending another costs the stability price.
    """

    id: str
    location: int
    duration: Seconds
    windows: tuple[Window, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    certificates: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    territory: str | None = None
    priority: int = 3
    optional: bool = True
    excluded_technicians: frozenset[str] = frozenset()
    required_technician: str | None = None
    previous_technician: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """
    A paper that allows certain work for a time.

    code
        Kind of certificate.
    valid_from
        First day on which it counts.
    valid_until
        Last day on which it counts.
    """

    code: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Break:
    """
    A rest that begins inside an interval; it may interrupt a drive, never a service.

    earliest
        First moment at which it may begin.
    latest
        Last moment at which it may begin.
    duration
        Length of the rest.
    """

    earliest: Seconds
    latest: Seconds
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Technician:
    """
    One technician on the plan day.

    id
        Name used in plans, unique in the problem.
    name
        Name shown to people.
    start
        Location where the day begins.
    end
        Location where the day ends.
    shift
        Leaving not before its start, back not after its end plus overtime.
    overtime
        Seconds allowed beyond the end of the shift.
    breaks
        Rests of the day; one that falls after the return home costs nothing.
    skills
        Skill name to level held.
    certificates
        Papers held, with their validity.
    stock
        Part to the quantity on the van when the route begins, before the stops of the plan use any.
    territories
        Territories served; empty means everywhere.
    earliest_departure
        Not leaving (or leaving the last begun stop) before this moment; null for the start of the shift.
    """

    id: str
    name: str
    start: int
    end: int
    shift: Window
    overtime: Seconds = 0
    breaks: tuple[Break, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    certificates: tuple[Certificate, ...] = ()
    stock: Mapping[str, int] = field(default_factory=dict)
    territories: frozenset[str] = frozenset()
    earliest_departure: Seconds | None = None


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
class Policy:
    """
    What things cost, in cents; the engine makes the sum as small as it can.

    travel_cents_per_km
        Vehicle cost of a kilometre.
    travel_cents_per_hour
        Cost of an hour on the road.
    overtime_cents_per_minute
        Surcharge for a minute after the end of the shift.
    unserved_cents_by_priority
        Price of leaving out a visit of priority 1, 2, 3, 4, 5.
    mandatory_unserved_cents
        Price of leaving out a mandatory or locked visit; above all others.
    changed_technician_cents
        Price of sending another technician than the published plan named.
    """

    travel_cents_per_km: Cents = 30
    travel_cents_per_hour: Cents = 3_000
    overtime_cents_per_minute: Cents = 100
    unserved_cents_by_priority: tuple[Cents, ...] = (20_000, 40_000, 80_000, 200_000, 600_000)
    mandatory_unserved_cents: Cents = 5_000_000
    changed_technician_cents: Cents = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One day of one territory, ready to be planned.

    day
        The plan day; certificates must be valid on it.
    technicians
        Who works.
    visits
        What is to be served.
    matrix
        Travel between all locations.
    locks
        Decisions and facts to be kept.
    policy
        Prices.
    """

    day: date
    technicians: tuple[Technician, ...]
    visits: tuple[Visit, ...]
    matrix: Matrix
    locks: tuple[Lock, ...] = ()
    policy: Policy = field(default_factory=Policy)
    _visits: dict[str, Visit] = field(init=False, repr=False, compare=False)
    _technicians: dict[str, Technician] = field(init=False, repr=False, compare=False)
    _locks: dict[str, Lock] = field(init=False, repr=False, compare=False)
    _begun: dict[str, tuple[Visit, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "technicians", tuple(self.technicians))
        object.__setattr__(self, "visits", tuple(self.visits))
        object.__setattr__(self, "locks", tuple(self.locks))
        object.__setattr__(self, "_visits", {v.id: v for v in self.visits})
        object.__setattr__(self, "_technicians", {t.id: t for t in self.technicians})
        object.__setattr__(self, "_locks", {lock.visit_id: lock for lock in self.locks})
        begun: dict[str, tuple[Visit, ...]] = {}
        for lock in sorted((k for k in self.locks if k.is_begun), key=lambda k: k.sequence or 0):
            if lock.technician_id is not None and lock.visit_id in self._visits:
                visits = begun.get(lock.technician_id, ())
                begun[lock.technician_id] = (*visits, self._visits[lock.visit_id])
        object.__setattr__(self, "_begun", begun)

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

    def begun_by(self, technician_id: str) -> tuple[Visit, ...]:
        """Visits this technician has already started or finished, in their order."""
        return self._begun.get(technician_id, ())

    def with_visit(self, visit: Visit) -> "Problem":
        """The same day with one more visit, or with this one in place of its namesake."""
        return replace(self, visits=(*(v for v in self.visits if v.id != visit.id), visit))

    def with_locks(self, locks: Iterable[Lock]) -> "Problem":
        """The same day under other locks."""
        return replace(self, locks=tuple(locks))


def matrix_of(seconds: Sequence[Sequence[int]], metres: Sequence[Sequence[int]] | None = None) -> Matrix:
    """Build a matrix from rows; without lengths, 10 metres to the second (36 km/h)."""
    lengths = metres if metres is not None else [[10 * cell for cell in row] for row in seconds]
    return Matrix(seconds, lengths)  # type: ignore[arg-type]  # rows become tables in __post_init__
