"""Who works: technicians with shifts, breaks and papers, and the depots that stock their vans."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from optimizer.units import Seconds
from optimizer.work import Visit, Window


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
    One shift of one technician.

    id
        Name used in plans, unique in the problem.
    name
        Name shown to people.
    person
        Who it is, where one technician works several shifts or days of the plan; null: the id.
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
    longest_way
        Most driving time from where the shift begins to a site; null for any.
    worked
        Time already worked in the period over which work is shared out fairly.
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
    person: str | None = None
    longest_way: Seconds | None = None
    worked: Seconds = 0

    @property
    def who(self) -> str:
        """The person, whichever shift it is."""
        return self.person if self.person is not None else self.id

    def is_called(self, name: str | None) -> bool:
        """Whether a name means this shift or its person."""
        return name is not None and name in {self.id, self.person}

    def time_for(self, visit: Visit) -> Seconds:
        """Length of service that this technician needs for a visit."""
        if not visit.durations:
            return visit.duration
        return visit.durations.get(self.id, visit.durations.get(self.who, visit.duration))


@dataclass(frozen=True, slots=True)
class Depot:
    """
    A place where technicians fetch parts that their van lacks.

    id
        Name of the depot, unique in the problem.
    location
        Row of the travel matrix.
    handling
        Time that one fetch takes there.
    stock
        Part to the quantity that all technicians together may fetch.
    """

    id: str
    location: int
    handling: Seconds = 0
    stock: Mapping[str, int] = field(default_factory=dict)
