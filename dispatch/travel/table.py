"""Travel times from a precomputed table of known addresses; no router needed at run time."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from dispatch.travel.asked import AskedRoads
from dispatch.travel.geodesic import GeodesicTravel, great_circle_metres
from dispatch.travel.provider import Point, TravelMatrix, TravelTimes, TravelUnavailable, Whole, in_radians
from optimizer.roads import Cells

ADDRESSES = "addresses.csv.gz"
MATRIX = "matrix.npz"
SNAP_METRES = 100.0
POINTS_AT_ONCE = 500

SHIPPED_DISTRICT = Path(__file__).parent.parent / "simulation" / "district"
"""Directory of the district that is shipped with the program."""


@dataclass(frozen=True, slots=True)
class Table:
    """Known points and the travel between them, read-only."""

    points: tuple[Point, ...]
    seconds: Whole
    metres: Whole


@lru_cache(maxsize=4)
def load_table(directory: Path) -> Table:
    """Read ``addresses.csv.gz`` (columns lat, lon) and ``matrix.npz`` (seconds, metres) of a directory."""
    try:
        text = gzip.decompress((directory / ADDRESSES).read_bytes()).decode()
        points = tuple(
            Point(float(row["lat"]), float(row["lon"])) for row in csv.DictReader(io.StringIO(text))
        )
        with np.load(directory / MATRIX, allow_pickle=False) as stored:
            seconds = stored["seconds"].astype(np.int64)
            metres = stored["metres"].astype(np.int64)
    except (OSError, EOFError, KeyError, ValueError) as cause:
        raise TravelUnavailable("the travel table cannot be read", directory=str(directory)) from cause
    if seconds.shape != (len(points), len(points)) or metres.shape != seconds.shape:
        raise TravelUnavailable("the travel table and its addresses differ", directory=str(directory))
    seconds.flags.writeable = metres.flags.writeable = False
    return Table(points, seconds, metres)


@dataclass(frozen=True, slots=True)
class TableTravel:
    """
    Travel between known addresses by table; a pair with an unknown place is left to the fallback.

    A point within ``snap_metres`` of a known address takes that address's times.
    """

    directory: Path = SHIPPED_DISTRICT
    fallback: TravelTimes = field(default_factory=GeodesicTravel)
    snap_metres: float = SNAP_METRES

    def rows_of(self, points: Sequence[Point]) -> Whole:
        """Row of the nearest known address for each point, -1 where none is near enough."""
        known = load_table(self.directory).points
        if not points or not known:
            return np.full(len(points), -1, dtype=np.int64)
        found, addresses = np.empty(len(points), dtype=np.int64), in_radians(known)
        for at in range(0, len(points), POINTS_AT_ONCE):
            gaps = great_circle_metres(in_radians(points[at : at + POINTS_AT_ONCE]), addresses)
            near = gaps.min(axis=1) <= self.snap_metres
            found[at : at + POINTS_AT_ONCE] = np.where(near, gaps.argmin(axis=1), -1)
        return found

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs, from the table wherever both ends are known."""
        table = load_table(self.directory)
        rows = self.rows_of(points)
        pairs = np.ix_(rows, rows)
        if (rows >= 0).all():
            return TravelMatrix(table.seconds[pairs], table.metres[pairs])
        estimate = self.fallback.matrix(points)
        both_known = (rows >= 0)[:, None] & (rows >= 0)[None, :]
        return TravelMatrix(
            np.where(both_known, table.seconds[pairs], estimate.seconds),
            np.where(both_known, table.metres[pairs], estimate.metres),
        )

    def roads(self, points: Sequence[Point]) -> AskedRoads:
        """The same travel, looked up as it is needed."""
        table, rows, others = load_table(self.directory), self.rows_of(points), self.fallback.roads(points)

        def ask(starts: Sequence[int], ends: Sequence[int]) -> tuple[Cells, Cells]:
            origins, targets = rows[list(starts)], rows[list(ends)]
            pairs = np.ix_(origins, targets)
            seconds, metres = table.seconds[pairs].astype(np.int32), table.metres[pairs].astype(np.int32)
            both_known = (origins >= 0)[:, None] & (targets >= 0)[None, :]
            if not both_known.all():
                estimate = others.block(starts, ends)
                seconds = np.where(both_known, seconds, estimate[0])
                metres = np.where(both_known, metres, estimate[1])
            return seconds, metres

        return AskedRoads(len(points), ask, remembers=False)
