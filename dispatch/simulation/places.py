"""Real addresses of the shipped district, by the use the demo makes of them."""

from __future__ import annotations

from functools import cache

from dispatch.travel.geocode import Address, address_of, read_address_list
from dispatch.travel.table import ADDRESSES, SHIPPED_DISTRICT

TIMEZONE = "Europe/Helsinki"
CURRENCY = "EUR"
MARGIN_DEGREES = 0.002


@cache
def places(kind: str) -> tuple[Address, ...]:
    """Addresses that serve as ``depot``, ``home`` or ``site``, in the order of the travel table."""
    rows = enumerate(read_address_list(SHIPPED_DISTRICT / ADDRESSES), start=1)
    return tuple(address_of(row, number) for number, row in rows if row["kind"] == kind)


def boundary() -> tuple[tuple[float, float], ...]:
    """A rectangle around every address with a little room, as latitude and longitude of its corners."""
    points = [address.point for kind in ("depot", "home", "site") for address in places(kind)]
    south, north = min(p.lat for p in points) - MARGIN_DEGREES, max(p.lat for p in points) + MARGIN_DEGREES
    west, east = min(p.lon for p in points) - MARGIN_DEGREES, max(p.lon for p in points) + MARGIN_DEGREES
    return ((south, west), (south, east), (north, east), (north, west))
