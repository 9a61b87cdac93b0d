"""Addresses from a Nominatim server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from geopy.exc import GeopyError
from geopy.geocoders import Nominatim

from dispatch.travel.geocode import SUGGESTIONS, Address, Area, GeocoderUnavailable, checked, unknown
from dispatch.travel.provider import Point


class NominatimGeocoder:
    """Asks a Nominatim server (one's own, by its address); never the public one by default."""

    def __init__(self, url: str, *, timeout_seconds: float = 10.0) -> None:
        server = urlsplit(url)
        self._server = Nominatim(
            user_agent="truckroll",
            scheme=server.scheme,
            domain=(server.netloc + server.path).rstrip("/"),
            timeout=timeout_seconds,
        )

    def locate(self, text: str) -> Address:
        """The best match that has a house number; raises ``AddressUnknown`` with suggestions."""
        found = self.search(text)
        numbered = [address for address in found if address.house_number]
        if not numbered:
            raise unknown(text, found)
        return numbered[0]

    def search(self, text: str, limit: int = SUGGESTIONS) -> list[Address]:
        """The server's matches, best first."""
        return [address for address, _ in self._matches(text, limit)]

    def area(self, text: str) -> Area | None:
        """
        The server's best match of the text, or of what follows its first comma, its second and so on.

        What is no street and in no town, such as a country, says too little.
        """
        parts = [part.strip() for part in checked(text).split(",") if part.strip()]
        for first in range(len(parts)):
            for address, is_street in self._matches(", ".join(parts[first:]), 1):
                return Area(address.point, "street" if is_street else "town") if address.city else None
        return None

    def _matches(self, text: str, limit: int) -> list[tuple[Address, bool]]:
        """The server's matches, best first, and whether each names a street."""
        try:
            matches = self._server.geocode(checked(text), exactly_one=False, limit=limit, addressdetails=True)
            return [
                (_nominatim_address(match.raw), "road" in match.raw.get("address", {}))
                for match in matches or []
            ]
        except (GeopyError, KeyError, ValueError) as cause:
            raise GeocoderUnavailable("the address service gives no usable answer") from cause


def _nominatim_address(raw: dict[str, Any]) -> Address:
    """Nominatim's answer in our words."""
    parts = raw.get("address", {})
    town = next((parts[k] for k in ("city", "town", "village", "municipality") if k in parts), "")
    return Address(
        id=f"{raw.get('osm_type', 'place')}/{raw.get('osm_id', raw.get('place_id'))}",
        street=parts.get("road", raw.get("name", "")),
        house_number=parts.get("house_number", ""),
        postcode=parts.get("postcode", ""),
        city=town,
        point=Point(float(raw["lat"]), float(raw["lon"])),
    )
