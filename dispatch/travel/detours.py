"""Travel with closed areas: ways that cross one take longer, for scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatch.travel.provider import Point, TravelMatrix, TravelTimes, in_radians
from optimizer.roads import EARTH_RADIUS_METRES, Cells, Places, Roads

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClosedArea:
    """A circle that nobody drives through: centre, radius in metres, and what going around it costs."""

    latitude: float
    longitude: float
    radius_metres: int
    detour_minutes: int


def is_crossed(areas: Sequence[ClosedArea], origin: Point, target: Point) -> bool:
    """Whether a way takes a detour."""
    return bool(_detours((origin, target), areas, np.asarray([0]), np.asarray([1])).any())


class DetouredTravel:
    """
    Another source's travel, with a detour on every way whose straight line touches a closed area.

    Places inside an area are still reached, by the same detour.
    """

    def __init__(self, inner: TravelTimes, areas: Sequence[ClosedArea]) -> None:
        self._inner, self._areas = inner, tuple(areas)

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs of the points."""
        table = self._inner.matrix(points)
        everywhere = np.arange(len(points))
        more = _detours(points, self._areas, everywhere, everywhere)
        return TravelMatrix(table.seconds + more, table.metres)

    def roads(self, points: Sequence[Point]) -> Roads:
        """The same travel, asked for as it is needed."""
        return _DetouredRoads(self._inner.roads(points), tuple(points), self._areas)


@dataclass(frozen=True, slots=True)
class _DetouredRoads:
    inner: Roads
    points: tuple[Point, ...]
    areas: tuple[ClosedArea, ...]

    @property
    def size(self) -> int:
        """Number of places."""
        return self.inner.size

    def leg(self, origin: int, target: int) -> tuple[int, int]:
        """Travel time and length of one way."""
        seconds, metres = self.block([origin], [target])
        return int(seconds[0, 0]), int(metres[0, 0])

    def block(self, origins: Places, targets: Places) -> tuple[Cells, Cells]:
        """Seconds and metres from each origin to each target."""
        seconds, metres = self.inner.block(origins, targets)
        more = _detours(self.points, self.areas, np.asarray(origins), np.asarray(targets))
        return (seconds + more).astype(np.int32), metres


def _detours(
    points: Sequence[Point],
    areas: Sequence[ClosedArea],
    origins: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Seconds that closed areas add to each way; nothing where one stands already, as at a next-door flat."""
    more = np.zeros((len(origins), len(targets)), dtype=np.int64)
    if not points:
        return more
    for area in areas:
        flat = _flat(points, area)
        gap = _distance_to_ways(flat[origins], flat[targets])
        more += np.where(gap <= area.radius_metres, 60 * area.detour_minutes, 0)
    places = in_radians(points).T
    same = (places[origins][:, None, :] == places[targets][None, :, :]).all(axis=2)
    return np.where(same, 0, more)


def _flat(points: Sequence[Point], area: ClosedArea) -> Floats:
    """Metres east and north of an area's centre; right for distances within a territory."""
    latitudes, longitudes = in_radians(points)
    centre = np.radians([area.latitude, area.longitude])
    east = (longitudes - centre[1]) * np.cos(centre[0])
    found: Floats = EARTH_RADIUS_METRES * np.stack([east, latitudes - centre[0]], axis=1)
    return found


def _distance_to_ways(origins: Floats, targets: Floats) -> Floats:
    """How near to the centre the straight line of each way comes, in metres."""
    start, along = origins[:, None, :], targets[None, :, :] - origins[:, None, :]
    length = np.maximum((along**2).sum(axis=2), 1e-9)
    share = np.clip(-(start * along).sum(axis=2) / length, 0.0, 1.0)
    nearest = start + share[:, :, None] * along
    found: Floats = np.sqrt((nearest**2).sum(axis=2))
    return found
