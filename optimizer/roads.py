"""
Travel between places: whole tables at four bytes a cell, and ways worked out when they are asked for.

A table of 5,000 places as Python integers would take gigabytes. A large one is kept as arrays, and a day of
20,000 places need not have one at all: planning asks for single ways and for the block of places that one
search needs.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from optimizer.units import DAY, HORIZON, Metres, Seconds

Cells = NDArray[np.int32]
"""Seconds or metres, a row for each origin and a column for each target."""
Places = Sequence[int] | NDArray[np.int64]

PLAIN_PLACES = 500
"""Up to so many places a table stays tuples of Python integers, which are read fastest one by one."""
STRIP_CELLS = 1 << 18
"""Cells worked out at a time, so that what is in between stays in the processor's cache."""
EARTH_RADIUS_METRES = 6_371_008.8
MILLION = 1_000_000


@runtime_checkable
class Roads(Protocol):
    """Where travel comes from when there is no whole table; both methods agree to the second and metre."""

    @property
    def size(self) -> int:
        """Number of places."""

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""


class WholeTable(tuple[Any, ...]):  # noqa: SLOT001  # a tuple cannot have slots of its own
    """
    A large square table kept whole; its rows read like tuples of integers.

    ``cells`` is the array behind it, which nobody may change; it is not marked so, since loops would be
    compiled a second time for an array with that mark.
    """

    cells: Cells

    def __new__(cls, cells: Cells) -> Self:
        """Take over an array."""
        kept: Cells = np.ascontiguousarray(cells, dtype=np.int32)
        sealed = kept.view()
        sealed.flags.writeable = False
        table = super().__new__(cls, map(memoryview, sealed))
        table.cells = kept
        return table

    def __eq__(self, other: object) -> bool:
        if isinstance(other, WholeTable):
            return bool(np.array_equal(self.cells, other.cells))
        return NotImplemented

    def __hash__(self) -> int:
        return hash((len(self), self.cells[:1].tobytes()))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.cells, dtype=dtype, copy=copy)

    def __reduce__(self) -> tuple[Any, ...]:
        return WholeTable, (self.cells,)

    def __repr__(self) -> str:
        return f"<table of {len(self)} places>"


class RoadTable(Sequence["RoadRow"]):
    """The seconds (``part`` 0) or metres (``part`` 1) of roads, read as if it were a table."""

    __slots__ = ("part", "roads")

    def __init__(self, roads: Roads, part: int) -> None:
        self.roads, self.part = roads, part

    def __getitem__(self, origin: Any) -> Any:
        if not -len(self) <= origin < len(self):
            raise IndexError(f"there are {len(self)} places")
        return RoadRow(self.roads, self.part, origin % len(self))

    def __len__(self) -> int:
        return self.roads.size

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RoadTable):
            return self.part == other.part and self.roads == other.roads
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.part, self.roads.size))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        every = np.arange(len(self))
        return np.asarray(self.roads.block(every, every)[self.part], dtype=dtype)

    def __repr__(self) -> str:
        return f"<roads between {len(self)} places>"


class RoadRow(Sequence[int]):
    """Ways from one place, each worked out when it is read."""

    __slots__ = ("origin", "part", "roads")

    def __init__(self, roads: Roads, part: int, origin: int) -> None:
        self.roads, self.part, self.origin = roads, part, origin

    def __getitem__(self, target: Any) -> Any:
        if not -len(self) <= target < len(self):
            raise IndexError(f"there are {len(self)} places")
        return self.roads.leg(self.origin, target % len(self))[self.part]

    def __len__(self) -> int:
        return self.roads.size

    def __iter__(self) -> Iterator[int]:
        yield from self.tolist()

    def tolist(self) -> list[int]:
        """The whole row."""
        row: list[int] = self.roads.block([self.origin], np.arange(len(self)))[self.part][0].tolist()
        return row


class FetchedRoads:
    """
    Roads whose rows come from somewhere else, each fetched when it is first needed and then kept.

    Parameters
    ----------
    size
        Number of places.
    fetch
        Seconds and metres from one place to all, in the order of the places.
    """

    def __init__(self, size: int, fetch: Callable[[int], tuple[Sequence[int], Sequence[int]]]) -> None:
        self._size, self._fetch = size, fetch
        self._rows: dict[int, tuple[Cells, Cells]] = {}

    @property
    def size(self) -> int:
        """Number of places."""
        return self._size

    @property
    def fetched(self) -> int:
        """Number of rows fetched so far."""
        return len(self._rows)

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        seconds, metres = self._row(origin)
        return int(seconds[target]), int(metres[target])

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        seconds = np.empty((len(origins), len(targets)), dtype=np.int32)
        metres = np.empty_like(seconds)
        for at, origin in enumerate(origins):
            found = self._row(int(origin))
            seconds[at], metres[at] = found[0][targets], found[1][targets]
        return seconds, metres

    def _row(self, origin: int) -> tuple[Cells, Cells]:
        known = self._rows.get(origin)
        if known is None:
            seconds, metres = self._fetch(origin)
            known = np.asarray(seconds, dtype=np.int32), np.asarray(metres, dtype=np.int32)
            self._rows[origin] = known
        return known


class GreatCircle:
    """
    Roads along the surface of the globe, at one speed.

    Parameters
    ----------
    degrees
        (n, 2) latitudes and longitudes.
    detour
        Length of the road divided by the straight line.
    metres_per_second
        Speed.
    access
        Seconds added to every drive to a place.
    """

    def __init__(
        self,
        degrees: NDArray[np.float64],
        *,
        detour: float,
        metres_per_second: float,
        access: Sequence[int] = (),
    ) -> None:
        lat, lon = np.radians(degrees.reshape(-1, 2)).T
        # Only sums, products, quotients and roots of these follow: Python and numpy round them alike.
        self._points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        self._access = np.array(access or [0] * len(lat), dtype=np.int64)
        self._road, self._speed = EARTH_RADIUS_METRES * detour, metres_per_second

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self._access)

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        if origin == target:
            return 0, 0
        square = 0.0
        for axis in self._points:
            away = float(axis[origin]) - float(axis[target])
            square += away * away
        metres = _arc(sqrt(square), square) * self._road
        return round(metres / self._speed) + int(self._access[target]), round(metres)

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        begins, ends = np.asarray(origins, dtype=np.int64), np.asarray(targets, dtype=np.int64)
        seconds = np.empty((begins.size, ends.size), dtype=np.int32)
        metres = np.empty_like(seconds)
        step = max(1, STRIP_CELLS // max(1, ends.size))
        for at in range(0, begins.size, step):
            rows = begins[at : at + step]
            square = np.zeros((rows.size, ends.size))
            for axis in self._points:
                away = axis[rows, None] - axis[None, ends]
                square += away * away
            ways = _arc(np.sqrt(square), square) * self._road
            metres[at : at + step] = np.rint(ways)
            times = np.rint(ways / self._speed) + self._access[ends]
            times[rows[:, None] == ends[None, :]] = 0
            seconds[at : at + step] = times
        return seconds, metres


class LaterRoads:
    """
    Roads with something added to every drive to a place, such as parking and the way to the door.

    Parameters
    ----------
    roads
        The drives themselves.
    access
        Seconds added to a drive to each place; staying at a place takes none. A place that cannot be reached
        stays one week away, which is the longest way that a plan may hold.
    """

    def __init__(self, roads: Roads, access: Sequence[int]) -> None:
        self._roads, self._access = roads, np.array(access, dtype=np.int64)

    @property
    def size(self) -> int:
        """Number of places."""
        return self._roads.size

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        seconds, metres = self._roads.leg(origin, target)
        return (min(seconds + int(self._access[target]), HORIZON) if origin != target else 0), metres

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        begins, ends = np.asarray(origins), np.asarray(targets)
        seconds, metres = self._roads.block(origins, targets)
        seconds = np.minimum(seconds + self._access[ends], HORIZON).astype(np.int32)
        seconds[begins[:, None] == ends[None, :]] = 0
        return seconds, metres


@dataclass(frozen=True, slots=True)
class StraightLine:
    """
    Travel along the straight line, a detour included, at one speed: for days too large for a table.

    positions
        Latitude and longitude of each location, in millionths of a degree.
    kmh
        Kilometres driven in an hour.
    detour_percent
        Length of the road in percent of the straight line.
    access
        Seconds added to every drive to a location, such as parking; one for each location, or none at all.
    """

    positions: tuple[tuple[int, ...], ...]
    kmh: int = 30
    detour_percent: int = 130
    access: tuple[int, ...] = ()
    _ways: GreatCircle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", tuple(tuple(position) for position in self.positions))
        object.__setattr__(self, "access", tuple(self.access))
        self._require_sound()
        ways = GreatCircle(
            np.array(self.positions, dtype=np.float64).reshape(-1, 2) / MILLION,
            detour=self.detour_percent / 100,
            metres_per_second=self.kmh / 3.6,
            access=self.access,
        )
        object.__setattr__(self, "_ways", ways)

    def _require_sound(self) -> None:
        """Raise ``ValueError`` for positions that are not on earth, and for absurd speeds."""
        for position in self.positions:
            if len(position) != 2 or abs(position[0]) > 90 * MILLION or abs(position[1]) > 180 * MILLION:
                raise ValueError(f"{position} is no latitude and longitude in millionths of a degree")
        if len(self.access) not in {0, len(self.positions)}:
            raise ValueError("give the access of every location, or of none")
        if any(not 0 <= seconds <= DAY for seconds in self.access):
            raise ValueError("the access to a location takes 0 seconds to a day")
        if not 1 <= self.kmh <= 1_000 or not 100 <= self.detour_percent <= 200:
            raise ValueError("give 1 to 1000 km/h and a detour of 100 to 200 %")

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self.positions)

    def leg(self, origin: int, target: int) -> tuple[Seconds, Metres]:
        """Travel time and length of one way."""
        return self._ways.leg(origin, target)

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        return self._ways.block(origins, targets)


def _arc(chord: Any, square: Any) -> Any:
    """Way on the surface of a sphere for a line through it, by the first terms of its series."""
    return chord * (1.0 + square * (1 / 24 + square * (3 / 640 + square * (5 / 7168))))


def table_of(rows: Any) -> Any:
    """A table out of rows or an array: whole when it is large, tuples when it is small or malformed."""
    if isinstance(rows, WholeTable | RoadTable):
        return rows
    size = len(rows)
    if size > PLAIN_PLACES and (cells := _cells(rows, size)) is not None:
        return WholeTable(cells)
    plain = rows.tolist() if hasattr(rows, "tolist") else rows
    return tuple(tuple(row) for row in plain)


def _cells(rows: Any, size: int) -> Cells | None:
    """Rows as an array, None if they are no square of whole numbers that fit."""
    if isinstance(rows, np.ndarray):
        limits = np.iinfo(np.int32)
        is_square = rows.shape == (size, size) and rows.dtype.kind in "iu"
        fits = is_square and rows.min() >= limits.min and rows.max() <= limits.max
        return rows.astype(np.int32) if fits else None
    cells = np.empty((size, size), dtype=np.int32)
    try:
        for at, row in enumerate(rows):
            if len(row) != size:
                return None
            cells[at] = array("i", row)
    except (TypeError, ValueError, OverflowError):
        return None
    return cells
