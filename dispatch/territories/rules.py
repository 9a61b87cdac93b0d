"""The shape of a territory: a ring of points, and which positions lie within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from dispatch import text
from dispatch.errors import Invalid

MOST_POINTS = 5_000
TOLERANCE = 1e-12
PLANNING_POLICIES = ("standard", "economical", "considerate")
"""Prices that come with the planning engine; a test holds them against its file."""
MOST_FROZEN = 480
AUTO_REASONS = ("emergency", "absence", "delay", "site_moved", "optimise")
"""Why a proposal may have been made that a territory publishes by itself."""
Ring = Sequence[Sequence[float]]


class OutsideEveryTerritory(Invalid):
    """The position lies in none of the company's territories, so nobody is sent there."""

    code = "OUTSIDE_EVERY_TERRITORY"
    remedy = "Check the position; if it is right, ask an administrator to draw a territory around it."


class BoundaryInvalid(Invalid):
    """The boundary is no ring of positions with an area."""

    code = "BOUNDARY_INVALID"
    remedy = "Give at least three different [latitude, longitude] pairs in degrees, not all on one line."


class ReserveInvalid(Invalid):
    """What is kept for emergencies is told for something that is no day."""

    code = "RESERVE_INVALID"
    remedy = "Name dates, such as 2026-12-24, or weekdays from 1 for Monday to 7, each with 0 to 50 per cent."


class ZoneUnknown(Invalid):
    """The time zone is not in the IANA list."""

    code = "ZONE_UNKNOWN"
    remedy = "Use a name such as Europe/Helsinki."


class OffTheGlobe(Invalid):
    """A latitude or longitude is not on the globe."""

    code = "OFF_THE_GLOBE"
    remedy = "Give latitude -90 to 90 and longitude -180 to 180, in degrees."


def contains(boundary: Ring, latitude: float, longitude: float) -> bool:
    """
    Tell whether a position lies within a ring of ``[latitude, longitude]`` pairs, its edge included.

    Counts the edges crossed by a ray to the east (even: outside). Degrees are treated as a plane, which is
    exact enough for areas far smaller than the globe that do not cross the 180th meridian.
    """
    inside = False
    for (y1, x1), (y2, x2) in zip(boundary, [*boundary[1:], boundary[0]], strict=True):
        if _on_edge(latitude, longitude, (y1, x1), (y2, x2)):
            return True
        if (y1 > latitude) != (y2 > latitude):
            crossing = x1 + (latitude - y1) / (y2 - y1) * (x2 - x1)
            inside ^= longitude < crossing
    return inside


def _on_edge(y: float, x: float, one: tuple[float, float], other: tuple[float, float]) -> bool:
    (y1, x1), (y2, x2) = one, other
    cross = (y - y1) * (x2 - x1) - (x - x1) * (y2 - y1)
    within = min(y1, y2) <= y <= max(y1, y2) and min(x1, x2) <= x <= max(x1, x2)
    return within and abs(cross) <= TOLERANCE


def centre(boundary: Ring) -> tuple[float, float]:
    """
    Return a position in the middle of a ring: its centre of area, or the position inside nearest to it.

    The latter for rings whose centre lies outside, looked for on a grid of 64 by 64.
    """
    pairs = list(zip(boundary, [*boundary[1:], boundary[0]], strict=True))
    area = 3 * _doubled_area(boundary)
    y0, x0 = boundary[0]
    near = [((y1 - y0, x1 - x0), (y2 - y0, x2 - x0)) for (y1, x1), (y2, x2) in pairs]
    latitude = y0 + sum((y1 + y2) * (x1 * y2 - x2 * y1) for (y1, x1), (y2, x2) in near) / area
    longitude = x0 + sum((x1 + x2) * (x1 * y2 - x2 * y1) for (y1, x1), (y2, x2) in near) / area
    if contains(boundary, latitude, longitude):
        return latitude, longitude
    (south, north), (west, east) = ((min(axis), max(axis)) for axis in zip(*boundary, strict=True))
    grid = (
        (south + (north - south) * row / 64, west + (east - west) * column / 64)
        for row in range(65)
        for column in range(65)
    )
    inside = (point for point in grid if contains(boundary, *point))
    return min(inside, key=lambda point: (point[0] - latitude) ** 2 + (point[1] - longitude) ** 2)


def check_position(latitude: float, longitude: float) -> None:
    """Refuse a position that is not on the globe; not-a-number is none."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise OffTheGlobe(f"latitude {latitude}, longitude {longitude} is not on the globe")


def checked_boundary(boundary: Ring) -> list[list[float]]:
    """Return the ring, not closed, or refuse it."""
    if not 3 <= len(boundary) <= MOST_POINTS or any(len(pair) != 2 for pair in boundary):
        raise BoundaryInvalid(f"a boundary has 3 to {MOST_POINTS} pairs")
    for latitude, longitude in boundary:
        check_position(latitude, longitude)
    ring = [[float(latitude), float(longitude)] for latitude, longitude in boundary]
    if ring[0] == ring[-1]:
        ring.pop()
    if len(ring) < 3 or abs(_doubled_area(ring)) <= TOLERANCE:
        raise BoundaryInvalid("the boundary encloses no area")
    return ring


def _doubled_area(ring: Ring) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(x1 * y2 - x2 * y1 for (y1, x1), (y2, x2) in pairs)


MOST_RESERVED = 50
WEEKDAYS = frozenset("1234567")
MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Reserve:
    """R-308: percentages of what is left of a day that emergencies alone are offered."""

    usual: int = 0
    by_day: Mapping[str, int] = field(default_factory=dict)
    """By date, ``2026-12-24``, or by weekday, ``1`` for Monday to ``7``; a date goes before its weekday."""

    def on(self, day: date) -> int:
        """The percentage of one day."""
        of_weekday = self.by_day.get(str(day.isoweekday()), self.usual)
        return self.by_day.get(day.isoformat(), of_weekday)


def checked_reserves(given: Mapping[str, Any]) -> dict[str, int]:
    """Return percentages by date or weekday, or refuse what is neither, or no percentage up to 50."""
    if len(given) > MOST_DAYS:
        raise ReserveInvalid(f"more than {MOST_DAYS} days", field="emergency_reserve_days")
    for name in given:
        if name not in WEEKDAYS and not _is_date(name):
            raise ReserveInvalid(
                f"{name[:20]!r} is neither a date nor 1 to 7", field="emergency_reserve_days"
            )
    return {name: text.whole(share, f"reserve of {name}", 0, MOST_RESERVED) for name, share in given.items()}


def _is_date(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def checked_zone(name: str) -> str:
    """Return the zone's name if the IANA list has it."""
    if name not in available_timezones():
        raise ZoneUnknown(f"{name[:64]!r} is not a time zone")
    return name
