"""
Driving network of an OpenStreetMap extract: ways, one-ways, signals, turn restrictions, address points.

Needed only to build the shipped table (see ``build_district.py``); needs the package ``osmium``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium

DRIVING_KMH = {
    "motorway": 90,
    "motorway_link": 45,
    "trunk": 85,
    "trunk_link": 40,
    "primary": 65,
    "primary_link": 30,
    "secondary": 55,
    "secondary_link": 25,
    "tertiary": 40,
    "tertiary_link": 20,
    "unclassified": 25,
    "residential": 25,
    "living_street": 10,
    "service": 15,
}
"""Free-flow speed by road class, km/h."""

SHARE_OF_MAXSPEED = 0.8
"""What a car reaches on average where ``maxspeed`` is signposted."""

CLOSED = ("no", "private", "agricultural", "forestry")


@dataclass(frozen=True, slots=True)
class Way:
    """One drivable way: its node ids in drawing order, speed, and the directions a car may take."""

    id: int
    nodes: tuple[int, ...]
    kmh: float
    forward: bool
    backward: bool


@dataclass(frozen=True, slots=True)
class TurnRestriction:
    """A signposted turn rule at one node: ``only`` this turn, or not this turn."""

    from_way: int
    via_node: int
    to_way: int
    only: bool


@dataclass(frozen=True, slots=True)
class MappedAddress:
    """An address point as mapped; ``osm`` names the object it was read from."""

    osm: str
    street: str
    house_number: str
    postcode: str
    city: str
    lat: float
    lon: float


@dataclass(slots=True)
class RoadNetwork:
    """All that is read from the extract."""

    position: dict[int, tuple[float, float]] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    signals: set[int] = field(default_factory=set)
    restrictions: list[TurnRestriction] = field(default_factory=list)
    addresses: list[MappedAddress] = field(default_factory=list)
    newest_edit: str = ""


def _is_drivable(tags: Any) -> bool:
    """Whether a car may use the way at all."""
    if tags.get("highway") not in DRIVING_KMH or tags.get("area") == "yes":
        return False
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if key in tags:
            return tags[key] not in CLOSED
    return True


def _speed(tags: Any) -> float:
    """Speed in km/h from road class, capped by the signposted limit."""
    by_class = float(DRIVING_KMH[tags["highway"]])
    signposted = str(tags.get("maxspeed", ""))
    if signposted.isdigit() and int(signposted) > 0:
        return min(by_class, int(signposted) * SHARE_OF_MAXSPEED)
    return by_class


def _directions(tags: Any) -> tuple[bool, bool]:
    """Whether the way may be driven along and against its drawing order."""
    oneway = tags.get("oneway", "")
    if oneway == "-1":
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or tags["highway"] == "motorway"
    if oneway in ("yes", "1", "true") or (implied and oneway != "no"):
        return True, False
    return True, True


def _restriction(relation: Any) -> TurnRestriction | None:
    """The turn rule of a relation whose via member is one node; others are rare and skipped."""
    rule = relation.tags.get("restriction", "")
    if "motorcar" in relation.tags.get("except", "") or not rule.startswith(("no_", "only_")):
        return None
    members = {(member.role, member.type): member.ref for member in relation.members}
    try:
        return TurnRestriction(
            from_way=members["from", "w"],
            via_node=members["via", "n"],
            to_way=members["to", "w"],
            only=rule.startswith("only_"),
        )
    except KeyError:
        return None


def _address(thing: Any, kind: str, lat: float, lon: float) -> MappedAddress | None:
    """The address of an object that carries street and house number."""
    tags = thing.tags
    if "addr:housenumber" not in tags or "addr:street" not in tags:
        return None
    return MappedAddress(
        osm=f"{kind}/{thing.id}",
        street=tags["addr:street"].strip(),
        house_number=tags["addr:housenumber"].strip(),
        postcode=tags.get("addr:postcode", "").strip(),
        city=tags.get("addr:city", "").strip(),
        lat=lat,
        lon=lon,
    )


def _add_way(network: RoadNetwork, way: Any) -> None:
    """Keep a drivable way, and a way that is a building with an address (at the middle of its corners)."""
    known = tuple(node.ref for node in way.nodes if node.ref in network.position)
    if len(known) < 2:
        return
    if _is_drivable(way.tags):
        forward, backward = _directions(way.tags)
        network.ways.append(Way(way.id, known, _speed(way.tags), forward, backward))
    corners = [network.position[ref] for ref in known]
    lat = sum(corner[0] for corner in corners) / len(corners)
    lon = sum(corner[1] for corner in corners) / len(corners)
    address = _address(way, "way", lat, lon)
    if address:
        network.addresses.append(address)


def read_extract(path: Path) -> RoadNetwork:
    """Read one ``.osm.pbf`` file (nodes come before ways, ways before relations)."""
    network = RoadNetwork()
    newest = None
    for thing in osmium.FileProcessor(str(path)):
        newest = thing.timestamp if newest is None else max(newest, thing.timestamp)
        if thing.is_node():
            network.position[thing.id] = (thing.location.lat, thing.location.lon)
            if thing.tags.get("highway") == "traffic_signals":
                network.signals.add(thing.id)
            address = _address(thing, "node", thing.location.lat, thing.location.lon)
            if address:
                network.addresses.append(address)
        elif thing.is_way():
            _add_way(network, thing)
        elif thing.is_relation() and thing.tags.get("type") == "restriction":
            restriction = _restriction(thing)
            if restriction:
                network.restrictions.append(restriction)
    network.newest_edit = newest.isoformat() if newest else ""
    return network
