"""
Problems under measurement, each with a recipe from which another process makes the same problem again.

A recipe is an object of plain values: ``make`` names the maker, the rest are its arguments. A row holds it
with paths cut to file names and digests, so that anybody can make the problem again.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks import days, instances, rich, roads
from benchmarks.best_known import BestKnown
from optimizer import Problem
from optimizer.readers.solomon import DAY as VRPTW_DAY

Recipe = Mapping[str, Any]
SMALL = 100
"""Customers of the files on whose geometry technicians are put."""
FAMILY = re.compile(r"(rc|c|r)-?([12])(?=[_0-9])", flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """
    One problem to be measured.

    kind
        ``vrptw``, ``technicians``, ``day``, ``roads`` or ``own`` (a problem of ours or of VROOM).
    best
        Best-known cost, where there is one.
    """

    name: str
    kind: str
    recipe: Recipe
    best: int | None = None

    @property
    def problem(self) -> Problem:
        """The problem, made when it is first asked for."""
        return made(json.dumps(dict(self.recipe), sort_keys=True))

    @property
    def family(self) -> str:
        """C1 to RC2 of a classic instance, else nothing; 2 means long routes."""
        found = FAMILY.match(self.name)
        return f"{found[1]}{found[2]}".upper() if found and self.kind == "vrptw" else ""

    @property
    def published(self) -> Recipe:
        """The recipe without anything that is of this machine alone."""
        told = dict(self.recipe)
        if path := told.pop("path", None):
            content = Path(path).read_bytes()
            told |= {"file": Path(path).name, "sha256": hashlib.sha256(content).hexdigest()[:16]}
        return told


@lru_cache(maxsize=2)
def made(recipe: str) -> Problem:
    """Make a problem from its recipe as JSON text."""
    told = json.loads(recipe)
    return _MAKERS[told.pop("make")](**told)


def _file(path: str) -> Problem:
    return instances.problem_in(Path(path))


def _vrptw(kind: str, customers: int, seed: int) -> Problem:
    return days.vrptw(kind, seed, customers)


def _technicians(seed: int, path: str | None = None, kind: str = "R", customers: int = SMALL) -> Problem:
    if path is not None:
        return instances.technician_problem_in(Path(path), seed)
    return days.technician_day(days.vrptw_instance(kind, seed, customers), seed)


def _day(
    visits: int, seed: int, *, technicians: int = 0, lunch: bool = False, rules: Iterable[str] = ()
) -> Problem:
    crew = technicians or max(1, visits // days.VISITS_EACH)
    problem = days.field_day(seed, visits, crew, lunch=lunch)
    return rich.enriched(problem, seed, tuple(rules))


def _roads(visits: int, seed: int, *, path: str | None = None, streets: int | None = None) -> Problem:
    return roads.road_day(_known_roads(path, streets), seed, visits)


@lru_cache(maxsize=2)
def _known_roads(path: str | None, streets: int | None) -> roads.Roads:
    if path is not None:
        return roads.load(Path(path))
    return roads.district() if streets is None else roads.made_streets(streets)


_MAKERS = {"file": _file, "vrptw": _vrptw, "technicians": _technicians, "day": _day, "roads": _roads}


def in_folder(
    folder: Path, known: BestKnown, *, best: Path | None = None, names: Iterable[str] = ()
) -> Iterator[Case]:
    """Instances of a folder; what is none is named with the reason."""
    wanted = {name.lower() for name in names}
    paths = list(instances.files_in(folder, best=best))
    for path, name in instances.names_of(folder, paths).items():
        if wanted and name.lower() not in wanted:
            continue
        case = Case(name, "own", {"make": "file", "path": str(path.resolve())}, known.cost(name))
        try:
            is_classic = case.problem.day == VRPTW_DAY
        except (instances.NoInstance, OSError) as reason:
            print(f"skipped {name}: {reason}", file=sys.stderr)
            continue
        yield replace(case, kind="vrptw") if is_classic else case


def vrptw_made(names: Iterable[str] = (), sizes: Iterable[int] = (100, 200)) -> Iterator[Case]:
    """VRPTW instances of our own for everybody who has no files."""
    wanted = {name.lower() for name in names}
    for kind in days.KINDS:
        for customers in sizes:
            name = f"{kind}-{customers}-s1"
            if not wanted or name.lower() in wanted:
                recipe = {"make": "vrptw", "kind": kind, "customers": customers, "seed": 1}
                yield Case(name, "vrptw", recipe)


def technicians(folder: Path | None, most: int, seed: int = 1) -> Iterator[Case]:
    """Days of technicians on the geometry of files of 100 customers, spread over the folder, or of made."""
    if folder is None:
        for number in range(most):
            kind = days.KINDS[number % len(days.KINDS)]
            recipe = {"make": "technicians", "kind": kind, "customers": SMALL, "seed": seed + number}
            yield Case(f"technicians-{kind}-s{seed + number}", "technicians", recipe)
        return
    fitting = []
    for path, name in instances.names_of(folder, list(instances.files_in(folder))).items():
        recipe = {"make": "technicians", "path": str(path.resolve()), "seed": seed}
        case = Case(f"technicians-{name}", "technicians", recipe)
        try:
            is_small = instances.customers_in(path) == SMALL
        except (instances.NoInstance, OSError):
            continue
        if is_small:
            fitting.append(case)
    step = max(1.0, len(fitting) / max(1, most))
    yield from (fitting[int(step * at)] for at in range(min(most, len(fitting))))


def generated_days(sizes: Iterable[int], seed: int = 1, *, lunch: bool = False) -> Iterator[Case]:
    """Generated days of service work."""
    for visits in filter(None, sizes):
        recipe = {"make": "day", "visits": visits, "seed": seed} | ({"lunch": True} if lunch else {})
        yield Case(f"day-{visits}-s{seed}{'-lunch' if lunch else ''}", "day", recipe)


def road_days(files: Iterable[Path], sizes: Iterable[int], seed: int = 1) -> Iterator[Case]:
    """Days on the district's roads, on those of a made town, and on those of each file."""
    sizes = list(filter(None, sizes))
    places: list[tuple[str, dict[str, Any]]] = [("district", {}), ("streets", {"streets": seed})]
    places += [(path.stem, {"path": str(path.resolve())}) for path in files]
    for name, where in places:
        for visits in sizes:
            recipe = {"make": "roads", "visits": visits, "seed": seed, **where}
            yield Case(f"{name}-{visits}-s{seed}", "roads", recipe)
