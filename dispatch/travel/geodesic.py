"""Travel times without a road network: straight line, a detour factor, and a speed by hour of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dispatch.travel.provider import Point, TravelMatrix, in_radians
from optimizer.roads import GreatCircle

EARTH_RADIUS_METRES = 6_371_008.8

KMH_BY_HOUR = (38,) * 6 + (32, 24, 20, 24, 27, 27, 27, 27, 27, 24, 20, 20, 24, 28, 30, 32) + (38,) * 2
"""Average door-to-door speed of a van in a town, by local hour of day."""

WORKING_HOURS = range(8, 18)


def great_circle_metres(
    starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Great-circle metres from every start to every end (rows of ``in_radians``), within 0.5 %."""
    lat_a, lon_a = starts[0][:, None], starts[1][:, None]
    lat_b, lon_b = ends[0][None, :], ends[1][None, :]
    half = np.sin((lat_b - lat_a) / 2) ** 2
    half = half + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    metres: npt.NDArray[np.float64] = 2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return metres


@dataclass(frozen=True, slots=True)
class GeodesicTravel:
    """
    Straight line times ``detour`` at the speed of the hour; always answers, needs nothing.

    Parameters
    ----------
    detour
        Road length divided by straight line; 1.3 to 1.4 in most towns.
    kmh_by_hour
        24 speeds, from midnight, local time.
    hour
        Hour of day the times are for; None takes the mean speed of the working hours 8 to 18.
    """

    detour: float = 1.35
    kmh_by_hour: tuple[float, ...] = KMH_BY_HOUR
    hour: int | None = None

    def at_hour(self, hour: int) -> GeodesicTravel:
        """The same town at another hour of day (0 to 23)."""
        return replace(self, hour=hour % 24)

    @property
    def kmh(self) -> float:
        """Speed used for the matrix."""
        if self.hour is not None:
            return self.kmh_by_hour[self.hour]
        return sum(self.kmh_by_hour[hour] for hour in WORKING_HOURS) / len(WORKING_HOURS)

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs; symmetric by nature."""
        places = in_radians(points)
        metres = great_circle_metres(places, places) * self.detour
        np.fill_diagonal(metres, 0.0)
        seconds = np.rint(metres / (self.kmh / 3.6)).astype(np.int64)
        return TravelMatrix(seconds, np.rint(metres).astype(np.int64))

    def roads(self, points: Sequence[Point]) -> GreatCircle:
        """The same travel, worked out as it is needed."""
        degrees = np.array([(point.lat, point.lon) for point in points], dtype=np.float64)
        return GreatCircle(degrees, detour=self.detour, metres_per_second=self.kmh / 3.6)
