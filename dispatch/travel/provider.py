"""What planning asks of travel: seconds and metres between all pairs of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dispatch.errors import DispatchError, Invalid
from optimizer.roads import Roads
from optimizer.units import HORIZON

Whole = npt.NDArray[np.int64]

UNREACHABLE_SECONDS = HORIZON
"""Travel time between points without a way (one week): longer than any shift, so no plan will use it."""

UNREACHABLE_METRES = 10_000_000
"""Distance between points without a way."""


class PositionInvalid(Invalid):
    """A position is not a latitude from -90 to 90 and a longitude from -180 to 180 degrees."""

    code = "POSITION_INVALID"
    remedy = "Send latitude and longitude in degrees (WGS 84), in this order."


class TravelUnavailable(DispatchError):
    """The source of travel times did not answer, or answered something that cannot be used."""

    code = "TRAVEL_UNAVAILABLE"
    kind = "unavailable"
    remedy = "See that the routing server runs and covers the area, or set TRUCKROLL_TRAVEL=geodesic."


@dataclass(frozen=True, slots=True)
class Point:
    """A place on earth, degrees WGS 84."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        """Refuse what is not on earth; NaN and infinity are not."""
        if not (math.isfinite(self.lat) and math.isfinite(self.lon)):
            raise PositionInvalid("a position needs two finite numbers")
        if abs(self.lat) > 90 or abs(self.lon) > 180:
            raise PositionInvalid("the position is not on earth", lat=self.lat, lon=self.lon)


@dataclass(frozen=True, slots=True)
class TravelMatrix:
    """
    Travel between all pairs of the points asked for, whole numbers.

    Parameters
    ----------
    seconds, metres
        Row = from, column = to, in the order of the points. The diagonal is zero; the two directions of a
        pair may differ; a pair without a way holds ``UNREACHABLE_SECONDS`` and ``UNREACHABLE_METRES``.
    """

    seconds: Whole
    metres: Whole


class TravelTimes(Protocol):
    """A source of travel times; all of them pass ``tests/dispatch/travel/test_travel_conformity.py``."""

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs of the points; an empty or single list is allowed."""
        ...  # pragma: no cover

    def roads(self, points: Sequence[Point]) -> Roads:
        """The same travel, asked for as it is needed: for days too large for a whole matrix."""
        ...  # pragma: no cover


def in_radians(points: Sequence[Point]) -> npt.NDArray[np.float64]:
    """Latitudes and longitudes as two rows in radians."""
    degrees = np.array([(point.lat, point.lon) for point in points], dtype=np.float64).reshape(-1, 2)
    return np.radians(degrees).T
