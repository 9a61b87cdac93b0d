"""What every measured solver looks like, and what the translations to other solvers share."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer import Break, Matrix, Plan, Problem, Technician, Visit, Window
from optimizer.constraints import certificates, excluded_technicians, required_technician, skills, territory
from optimizer.wire import default_of, public_fields

Sequences = dict[str, tuple[Visit, ...]]
"""Visits of each technician in order; our clock times them, whatever the solver thought of the times."""
Table = NDArray[np.int64]

TOLD: dict[type, frozenset[str]] = {
    Problem: frozenset(("day", "technicians", "visits", "matrix", "policy")),
    Matrix: frozenset(("seconds", "metres", "straight")),
    Visit: frozenset(
        ("id", "location", "duration", "windows", "skills", "certificates", "parts", "territory", "priority")
    )
    | {"optional", "excluded_technicians", "required_technician"},
    Technician: frozenset(
        ("id", "name", "start", "end", "shift", "skills", "certificates", "stock", "territories")
    ),
}
"""Fields that every translation tells; another one away from its default cannot be told."""


class CannotTell(Exception):
    """The solver's model has no words for something in the problem; it is not measured on it."""


class NotInstalled(Exception):
    """The solver's package is not there."""


class Solver(Protocol):
    """
    A solver under measurement.

    uses_seed
        Whether another seed may give another plan.
    limits_cpu
        Whether it counts its time on the processor, so that other work on the machine does not matter.
    """

    version: str
    uses_seed: bool
    limits_cpu: bool

    def warm_up(self) -> None:
        """Compile and load what a running service would have loaded."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Plan | Sequences:
        """Build the model and search, all within the given seconds on one thread."""


SOLVERS = {
    "truckroll": "benchmarks.peers.own:Truckroll",
    "routing": "benchmarks.peers.own:Routing",
    "ortools": "benchmarks.peers.ortools_peer:OrTools",
    "ortools-tuned": "benchmarks.peers.ortools_peer:OrToolsTuned",
    "pyvrp": "benchmarks.peers.pyvrp_peer:PyVrp",
    "vroom": "benchmarks.peers.vroom_peer:Vroom",
    "nextroute": "benchmarks.peers.nextroute_peer:Nextroute",
}


def solver(name: str) -> Solver:
    """Load a solver by its name, or by ``module:Class``, which may be anybody's."""
    module, attribute = SOLVERS.get(name, name).split(":")
    try:
        made: Solver = getattr(import_module(module), attribute)()
    except ImportError as error:
        raise NotInstalled(f"{name}: {error}") from error
    return made


class Able(NamedTuple):
    """
    Who may serve what, the clock aside.

    need
        Number of the kind of need of each visit.
    holders
        By kind of need, positions of the technicians who meet it.
    """

    need: tuple[int, ...]
    holders: tuple[frozenset[int], ...]


def able(problem: Problem) -> Able:
    """Group visits by their needs, and ask our rules once for each group."""
    kinds: dict[Any, int] = {}
    holders: list[frozenset[int]] = []
    need = []
    for visit in problem.visits:
        key = (
            frozenset(visit.skills.items()), visit.certificates, visit.excluded_technicians,
            visit.required_technician, visit.territory,
        )  # fmt: skip
        if key not in kinds:
            kinds[key] = len(kinds)
            crew = enumerate(problem.technicians)
            holders.append(frozenset(at for at, who in crew if _may_go(problem, who, visit)))
        need.append(kinds[key])
    return Able(tuple(need), tuple(holders))


def _may_go(problem: Problem, technician: Technician, visit: Visit) -> bool:
    rules = (skills, certificates, required_technician, excluded_technicians, territory)
    return not any(rule.forbids(problem, technician, visit) for rule in rules)


def require_told(problem: Problem, *, also: frozenset[str] = frozenset()) -> None:
    """
    Refuse what a translation does not tell; ``also`` names what it tells beyond the fields all of them tell.

    It asks the data types for their fields, so that a rule added to the engine later is refused by name until
    somebody has translated it.
    """
    for thing in (problem, problem.matrix, *problem.visits, *problem.technicians):
        told = TOLD[type(thing)] | also
        for spec in public_fields(type(thing)):
            if spec.name not in told and getattr(thing, spec.name) != default_of(spec):
                raise CannotTell(f"{spec.name} of a {type(thing).__name__.lower()}")
    for visit in problem.visits:
        if "windows" not in also and len(visit.windows) > 1:
            raise CannotTell("several windows of a visit")
        for window in visit.windows:
            _require_simple(window, {"start", "end"})
    for technician in problem.technicians:
        for pause in technician.breaks:
            _require_simple(pause, {"earliest", "latest", "duration"})


def _require_simple(thing: Window | Break, told: set[str]) -> None:
    for spec in public_fields(type(thing)):
        if spec.name not in told and getattr(thing, spec.name) != default_of(spec):
            raise CannotTell(f"{spec.name} of a {type(thing).__name__.lower()}")


def roads(problem: Problem) -> tuple[Table, Table]:
    """Seconds and cents of every way, priced as the checker prices it."""
    seconds = np.array(problem.matrix.seconds, dtype=np.int64)
    metres = np.array(problem.matrix.metres, dtype=np.int64)
    policy = problem.policy
    scaled = 36 * metres * policy.travel_cents_per_km + 10 * seconds * policy.travel_cents_per_hour
    return seconds, (scaled + 18_000) // 36_000


def parts_of(problem: Problem) -> tuple[str, ...]:
    """Parts that any visit uses up."""
    return tuple(sorted({part for visit in problem.visits for part, count in visit.parts.items() if count}))


def amounts(quantity: Mapping[str, int], parts: tuple[str, ...]) -> list[int]:
    """Quantities in the order of the parts."""
    return [quantity.get(part, 0) for part in parts]
