"""Addresses to positions: the port, and an address list searched in memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dispatch.errors import DispatchError, Invalid
from dispatch.travel import address_text
from dispatch.travel.provider import Point, PositionInvalid

LONGEST_ADDRESS = 300
SUGGESTIONS = 5


class AddressUnknown(DispatchError):
    """The address was not found; the nearest known addresses are suggested."""

    code = "ADDRESS_UNKNOWN"
    remedy = "Choose a suggested address, correct street and house number, or enter it as `approximate`."


class AddressInvalid(Invalid):
    """The address is empty or longer than any address."""

    code = "ADDRESS_INVALID"
    remedy = f"Send street and house number in at most {LONGEST_ADDRESS} characters."


class GeocoderUnavailable(DispatchError):
    """The address service did not answer."""

    code = "GEOCODER_UNAVAILABLE"
    kind = "unavailable"
    remedy = "See that the address service runs, or set TRUCKROLL_GEOCODER=gazetteer."


class AddressListUnreadable(Invalid):
    """The address list of the gazetteer is missing or lacks columns."""

    code = "ADDRESS_LIST_UNREADABLE"
    remedy = "Give a .csv, .csv.gz or .json list with street, house_number, city, lat and lon."


@dataclass(frozen=True, slots=True)
class Address:
    """A known address; ``id`` is the source's own number or name for it."""

    id: str
    street: str
    house_number: str
    postcode: str
    city: str
    point: Point

    @property
    def line(self) -> str:
        """The address on one line, number and city after the street."""
        town = " ".join(part for part in (self.postcode, self.city) if part)
        place = f"{self.street} {self.house_number}".strip()
        return f"{place}, {town}" if town else place


@dataclass(frozen=True, slots=True)
class Area:
    """Where about an address lies: the middle of its ``street``, or of its ``town``."""

    point: Point
    level: str


class Geocoder(Protocol):
    """Finds the position of an address as people write it."""

    def locate(self, text: str) -> Address:
        """The one address meant; raises ``AddressUnknown`` with suggestions."""
        ...  # pragma: no cover

    def search(self, text: str, limit: int = SUGGESTIONS) -> list[Address]:
        """Addresses like the text, best first; empty if nothing is like it."""
        ...  # pragma: no cover

    def area(self, text: str) -> Area | None:
        """Where about an address lies whose house is not known; None if not even its town is."""
        ...  # pragma: no cover


def checked(text: str) -> str:
    """The text itself, if it can be an address at all."""
    if not text.strip() or len(text) > LONGEST_ADDRESS:
        raise AddressInvalid("an address needs a street and a house number", length=len(text))
    return text


def unknown(text: str, suggestions: list[Address]) -> AddressUnknown:
    """The refusal of a text, with what was perhaps meant."""
    return AddressUnknown(
        "the address is not known", address=text, suggestions=[address.line for address in suggestions]
    )


class Gazetteer:
    """
    An address list in memory, searched by street and house number in any order.

    Upper and lower case, accents, full-width digits, spaces and punctuation do not matter; text without
    spaces (Chinese) is matched by characters. A staircase or flat after the number is ignored.
    """

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._streets: dict[str, dict[str, list[Address]]] = {}
        self._towns: set[str] = set()
        for address in addresses:
            street = address_text.squeezed(address.street)
            numbers = self._streets.setdefault(street, {})
            for number in address_text.house_numbers(address.house_number):
                numbers.setdefault(number, []).append(address)
            self._towns.update(address_text.squeezed(word) for word in (address.city, address.postcode))
        self._towns.discard("")

    def locate(self, text: str) -> Address:
        """The one address meant; raises ``AddressUnknown`` with suggestions."""
        found = self._exact(checked(text))
        if found is None:
            raise unknown(text, self.search(text))
        return found

    def search(self, text: str, limit: int = SUGGESTIONS) -> list[Address]:
        """Addresses of the streets most alike, nearest house number first."""
        wanted = address_text.squeezed(checked(text))
        street_part = address_text.without_numbers(self._without_towns(wanted))
        number = address_text.first_number(self._without_towns(wanted))
        alike = sorted(
            ((address_text.likeness(street_part, street), street) for street in self._streets),
            key=lambda scored: (-scored[0], scored[1]),
        )
        found: list[Address] = []
        for score, street in alike[:limit]:
            if score < address_text.LEAST_LIKENESS or len(found) >= limit:
                break
            distinct = {a.id: a for same in self._streets[street].values() for a in same}
            found += sorted(
                distinct.values(), key=lambda a: (address_text.number_gap(a.house_number, number), a.line)
            )[: limit - len(found)]
        exact = self._exact(text)
        if exact is not None:
            found = [exact, *(address for address in found if address.id != exact.id)]
        return found[:limit]

    def area(self, text: str) -> Area | None:
        """The middle of the street in the text, in the town named where several have it; else of the town."""
        wanted = address_text.squeezed(checked(text))
        for street in sorted((s for s in self._streets if s and s in wanted), key=len, reverse=True):
            houses = [house for same in self._streets[street].values() for house in same]
            named = [house for house in houses if _is_named(house, wanted)]
            if named or len({house.city for house in houses}) == 1:
                return Area(_middle(named or houses), "street")
        town = [
            house
            for numbers in self._streets.values()
            for same in numbers.values()
            for house in same
            if _is_named(house, wanted)
        ]
        return Area(_middle(town), "town") if town else None

    def _exact(self, text: str) -> Address | None:
        """The address whose street stands in the text, with the number that is left over."""
        wanted = address_text.squeezed(text)
        for street in sorted((s for s in self._streets if s in wanted), key=len, reverse=True):
            before, _, after = wanted.partition(street)
            for rest in (self._without_towns(after), self._without_towns(before)):
                for number in address_text.written_numbers(rest):
                    same = self._streets[street].get(number)
                    if same:
                        return max(same, key=lambda address: _closeness(address, wanted, number))
        return None

    def _without_towns(self, wanted: str) -> str:
        """The text without names and postcodes of known towns."""
        for town in sorted(self._towns, key=len, reverse=True):
            wanted = wanted.replace(town, " ")
        return wanted.strip()


def _is_named(address: Address, wanted: str) -> bool:
    """Whether a squeezed text names the town or postcode of an address."""
    return any(word and address_text.squeezed(word) in wanted for word in (address.city, address.postcode))


def _middle(houses: list[Address]) -> Point:
    """The house that lies nearest to the mean of all, so that the middle of a bend is not in a lake."""
    latitude = sum(house.point.lat for house in houses) / len(houses)
    longitude = sum(house.point.lon for house in houses) / len(houses)
    squeeze = math.cos(math.radians(latitude))

    def away(point: Point) -> float:
        return math.hypot(point.lat - latitude, squeeze * (point.lon - longitude))

    return min((house.point for house in houses), key=lambda point: (away(point), point.lat, point.lon))


def _closeness(address: Address, wanted: str, number: str) -> tuple[bool, bool, bool]:
    """Which of several houses is meant: the city named, the number exact and not of a range, the postcode."""
    return (
        bool(address.city) and address_text.squeezed(address.city) in wanted,
        address_text.house_numbers(address.house_number)[0] == number,
        bool(address.postcode) and address_text.squeezed(address.postcode) in wanted,
    )


def read_address_list(path: Path) -> list[dict[str, Any]]:
    """Rows of an address list: ``.csv``, ``.csv.gz`` or ``.json`` (objects with the same columns)."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    if ".json" in path.suffixes:
        rows: list[dict[str, Any]] = json.loads(text)
        return rows
    return list(csv.DictReader(io.StringIO(text)))


def address_of(row: dict[str, Any], number: int) -> Address:
    """One row of an address list; an id is given where the list has none."""
    return Address(
        id=str(row.get("id") or number),
        street=str(row["street"]),
        house_number=str(row.get("house_number") or ""),
        postcode=str(row.get("postcode") or ""),
        city=str(row.get("city") or ""),
        point=Point(float(row["lat"]), float(row["lon"])),
    )


def load_gazetteer(path: Path) -> Gazetteer:
    """The gazetteer over an address list; anything wrong with the list is one named error."""
    try:
        return Gazetteer(address_of(row, number) for number, row in enumerate(read_address_list(path), 1))
    except (OSError, EOFError, AttributeError, KeyError, TypeError, ValueError, PositionInvalid) as cause:
        raise AddressListUnreadable("the address list cannot be read", path=str(path)) from cause
