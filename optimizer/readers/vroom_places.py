"""Where VROOM's jobs and vehicles are: rows of its matrices, or coordinates with straight ways between."""

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

from optimizer.problem import Matrix
from optimizer.readers.errors import UntoldField
from optimizer.readers.fields import REMEDY, Node, wrong
from optimizer.wire import MalformedInput

KMH = 40
"""Speed on the great circle, in km/h, for a file without matrices; VROOM would ask a map service."""
EARTH_METRES = 6_371_009
Coordinates = tuple[float, float]
Rows = list[tuple[int, ...]]


class Places:
    """Locations of one file: rows of its matrices, or coordinates in the order in which they appear."""

    def __init__(
        self, document: Node, profile: str, *, jobs: Sequence[Node], vehicles: Sequence[Node]
    ) -> None:
        self.roads = _roads(document, profile)
        self.coordinates: dict[Coordinates, int] = {}
        self.is_open = False
        for job in jobs:
            self.of_job(job)
        for vehicle in vehicles:
            for name in ("start", "end"):
                self.of_vehicle(vehicle, name)

    def of_job(self, job: Node) -> int:
        """Row of the place of a job."""
        return self._at(job, "location", "location_index")

    def of_vehicle(self, vehicle: Node, name: str) -> int:
        """
        Row of a vehicle's start or end.

        A vehicle that names none begins or ends at any job: the row behind all others, from which and to
        which every way is free.
        """
        if name in vehicle.fields or f"{name}_index" in vehicle.fields:
            return self._at(vehicle, name, f"{name}_index")
        self.is_open = True
        return self.size()

    def size(self) -> int:
        """Number of places that exist."""
        return len(self.coordinates) if self.roads is None else len(self.roads[0])

    def matrix(self) -> Matrix:
        """Travel between all places."""
        if self.roads is None:
            metres = [[_great_circle(a, b) for b in self.coordinates] for a in self.coordinates]
            seconds = [[round(cell * 3.6 / KMH) for cell in row] for row in metres]
        else:
            seconds, metres = ([list(row) for row in table] for table in self.roads)
        if self.is_open:
            for table in (seconds, metres):
                for row in table:
                    row.append(0)
                table.append([0] * (len(table) + 1))
        return Matrix(seconds, metres)  # type: ignore[arg-type]  # rows become tables in __post_init__

    def _at(self, node: Node, name: str, index: str) -> int:
        """Row of the place that an object names by index where there are matrices, else by coordinates."""
        if self.roads is None:
            if index in node.fields:
                cause = "there is no matrix that it is a row of"
                raise UntoldField(node.where(index), cause, "add matrices, or take the index out")
            return self.coordinates.setdefault(_coordinates(node, name), len(self.coordinates))
        row = node.whole(index)
        if not 0 <= row < self.size():
            cause = f"row {row} is not in the matrix of {self.size()}"
            raise MalformedInput(node.where(index), "UNKNOWN_LOCATION", cause, remedy=REMEDY)
        return row


def has_costs(document: Node, profile: str) -> bool:
    """Whether the file prices its ways in a table of its own."""
    return "costs" in document.node("matrices").node(profile).fields


def has_lengths(document: Node, profile: str) -> bool:
    """Whether the lengths of ways are known."""
    roads = document.node("matrices")
    return profile not in roads.fields or "distances" in roads.node(profile).fields


def _roads(document: Node, profile: str) -> tuple[Rows, Rows] | None:
    """Times of a profile's ways, and their costs, else their lengths, else nothing."""
    if "matrices" not in document.fields:
        return None
    matrices = document.node("matrices")
    if profile not in matrices.fields:
        cause = "vehicles have this profile, and there is no matrix for it"
        raise MalformedInput(matrices.where(profile[:40]), "MISSING_FIELD", cause, remedy="add it")
    tables = matrices.node(profile)
    tables.require_told(("durations", "distances", "costs"), {})
    durations = tables.table("durations")
    for name in ("costs", "distances"):
        if name in tables.fields:
            return durations, tables.table(name)
    return durations, [(0,) * len(row) for row in durations]


def _coordinates(node: Node, name: str) -> Coordinates:
    """Longitude and latitude in degrees."""
    if name not in node.fields:
        cause = "there is neither a matrix nor a place"
        raise MalformedInput(node.where(name), "MISSING_FIELD", cause, remedy=REMEDY)
    found: list[Any] = node.items(name)
    if len(found) != 2 or any(type(part) not in {int, float} for part in found):
        raise wrong(node.where(name), "longitude and latitude")
    longitude, latitude = found
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise wrong(node.where(name), "a longitude within 180 and a latitude within 90 degrees")
    return float(longitude), float(latitude)


def _great_circle(one: Coordinates, other: Coordinates) -> int:
    """Metres on the shortest way over a round earth."""
    (a, b), (c, d) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((d - b) / 2) ** 2 + cos(b) * cos(d) * sin((c - a) / 2) ** 2
    return round(2 * EARTH_METRES * asin(min(1.0, sqrt(half))))
