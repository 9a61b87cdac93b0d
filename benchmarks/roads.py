"""
Days on asymmetric road times: the demo's district, a network of streets made by seed, or any file.

A file of roads is a numpy archive (``.npz``) with ``seconds`` and ``metres``, two square tables with one row
for each place, row = from, column = to, and ``lonlat``, one row of degrees for each place. Entries that are
negative or no number mean that there is no way; places are left out until every place reaches every other.
"""

import argparse
import csv
import gzip
import heapq
import io
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.days import VISITS_EACH, day_of_service
from optimizer import Problem, matrix_of

DISTRICT = Path(__file__).parents[1] / "dispatch" / "simulation" / "district"
GRID = 26
"""Crossings on a side of a made network."""
BLOCK_METRES = 220
METRES_TO_A_DEGREE = 111_195
Table = NDArray[np.int64]


class NotRoads(ValueError):
    """A file that does not hold roads as described above."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Ways between places: whole seconds, whole metres, and degrees east and north."""

    seconds: Table
    metres: Table
    lonlat: NDArray[np.float64]


def load(path: Path) -> Roads:
    """Read a file of roads."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            seconds, metres = (np.asarray(stored[name], dtype=np.float64) for name in ("seconds", "metres"))
            known = "lonlat" in stored
            lonlat = np.asarray(stored["lonlat"] if known else np.zeros((len(seconds), 2)), dtype=np.float64)
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise NotRoads(f"{path.name} holds no arrays seconds and metres: {error}") from error
    return _connected(path.name, seconds, metres, lonlat)


def district() -> Roads:
    """The road times of the demo's district."""
    with np.load(DISTRICT / "matrix.npz", allow_pickle=False) as stored:
        seconds, metres = (stored[name].astype(np.float64) for name in ("seconds", "metres"))
    text = gzip.decompress((DISTRICT / "addresses.csv.gz").read_bytes()).decode()
    places = [(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(io.StringIO(text))]
    return _connected("district", seconds, metres, np.array(places))


def _connected(
    name: str, seconds: NDArray[np.float64], metres: NDArray[np.float64], lonlat: NDArray[np.float64]
) -> Roads:
    """Whole numbers, and only places that reach each other."""
    count = len(seconds)
    if seconds.shape != (count, count) or metres.shape != seconds.shape or lonlat.shape != (count, 2):
        shapes = f"{seconds.shape}, {metres.shape}, {lonlat.shape}"
        raise NotRoads(
            f"{name}: seconds, metres and lonlat are of shapes {shapes}, not (n, n), (n, n), (n, 2)"
        )
    with np.errstate(invalid="ignore"):
        missing = ~(np.isfinite(seconds) & np.isfinite(metres) & (seconds >= 0) & (metres >= 0))
        missing |= (seconds > 1e6) | (metres > 1e8)
    np.fill_diagonal(missing, val=False)
    kept = np.arange(count)
    while missing.any():
        bad = int((missing.sum(axis=0) + missing.sum(axis=1)).argmax())
        missing = np.delete(np.delete(missing, bad, axis=0), bad, axis=1)
        kept = np.delete(kept, bad)
    if len(kept) < 2:
        raise NotRoads(f"{name}: no two places reach each other")
    own = np.ix_(kept, kept)
    whole = [np.rint(table[own]).astype(np.int64) for table in (seconds, metres)]
    for table in whole:
        np.fill_diagonal(table, 0)
    return Roads(whole[0], whole[1], lonlat[kept])


def road_day(roads: Roads, seed: int, visits: int, *, lunch: bool = False) -> Problem:
    """
    A day of service work with sites and homes drawn from the places of the roads.

    A place is used once as long as there are enough of them, then again: two visits to one house.
    """
    rng = random.Random(f"roads {seed} {visits}")
    technicians = max(1, visits // VISITS_EACH)
    known, wanted = range(len(roads.seconds)), visits + technicians
    drawn = rng.sample(known, wanted) if wanted <= len(known) else rng.choices(known, k=wanted)
    own = np.ix_(drawn, drawn)
    matrix = matrix_of(roads.seconds[own], roads.metres[own])
    return day_of_service(rng, matrix, visits, technicians, lunch=lunch)


def made_streets(seed: int, side: int = GRID) -> Roads:
    """
    A town made by seed: a grid of streets, every sixth one a main road of 50 km/h, the others 20 to 35 km/h.

    Half of the small streets are one-way; waiting at a crossing is a delay of its own. Its places are the
    crossings.
    """
    rng = random.Random(f"streets {seed} {side}")
    ways = _ways(rng, side)
    count = side * side
    seconds, metres = np.full((count, count), -1.0), np.full((count, count), -1.0)
    for origin in range(count):
        _drive(ways, origin, seconds[origin], metres[origin])
    columns, rows = np.arange(count) % side, np.arange(count) // side
    lonlat = np.stack([columns, rows], axis=1) * BLOCK_METRES / METRES_TO_A_DEGREE
    return _connected("streets", seconds, metres, lonlat)


def _ways(rng: random.Random, side: int) -> list[list[tuple[int, float, float]]]:
    """From each crossing: the next crossings, and the seconds and metres to them."""
    ways: list[list[tuple[int, float, float]]] = [[] for _ in range(side * side)]
    wait = [rng.uniform(2, 20) for _ in ways]
    for line in range(2 * side):
        number, is_row = line % side, line < side
        is_main = number % 6 == 0 or number == side - 1
        speed = (50 if is_main else rng.uniform(20, 35)) / 3.6
        direction = 0 if is_main or rng.random() < 0.5 else rng.choice((1, -1))
        for at in range(side - 1):
            here, there = (
                (number * side + at, number * side + at + 1)
                if is_row
                else (at * side + number, (at + 1) * side + number)
            )
            length = BLOCK_METRES * rng.uniform(0.9, 1.3)
            if direction >= 0:
                ways[here].append((there, length / speed + wait[there], length))
            if direction <= 0:
                ways[there].append((here, length / speed + wait[here], length))
    return ways


def _drive(
    ways: list[list[tuple[int, float, float]]],
    origin: int,
    seconds: NDArray[np.float64],
    metres: NDArray[np.float64],
) -> None:
    """Fastest ways from one crossing to all others, written into two rows."""
    waiting = [(0.0, 0.0, origin)]
    while waiting:
        spent, driven, here = heapq.heappop(waiting)
        if seconds[here] >= 0:
            continue
        seconds[here], metres[here] = spent, driven
        for there, takes, length in ways[here]:
            if seconds[there] < 0:
                heapq.heappush(waiting, (spent + takes, driven + length, there))


def main() -> None:
    """Write a made network to a file: ``python -m benchmarks.roads FILE.npz --seed 1``."""
    parser = argparse.ArgumentParser(description="make a network of streets")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side", type=int, default=GRID)
    args = parser.parse_args()
    made = made_streets(args.seed, args.side)
    np.savez_compressed(args.file, seconds=made.seconds, metres=made.metres, lonlat=made.lonlat)
    print(f"{len(made.seconds)} places, longest way {made.seconds.max()} s")


if __name__ == "__main__":
    main()
