"""The seam between the product and any planning engine: protocol, budget, result and registry."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from optimizer.constraints import CONSTRAINTS
from optimizer.errors import EngineLacks, UnknownEngine
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.units import Cents

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP = "truckroll.engines"
"""Entry point group under which other distributions offer engines."""

BUILT_IN = {
    "ruin": "optimizer.engines.ruin.engine:RuinEngine",
    "routing": "optimizer.engines.routing:RoutingEngine",
}

DEFAULT = "ruin"
NEEDS = {"ruin": ("numba", "routing")}
"""What an engine cannot work without, and which one answers in its place."""


@dataclass(frozen=True, slots=True)
class Budget:
    """
    When an engine stops: whichever limit is reached first.

    seconds
        Wall clock for the whole call.
    solutions
        Number of plans looked at by each process; with it alone the same seed gives the same plan.
    processes
        So many processes may search at once; an engine may use fewer.
    target
        A plan of this cost or less, in cents as the engine's model counts it, is good enough.
    """

    seconds: float | None = None
    solutions: int | None = None
    processes: int = 1
    target: Cents | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.solutions is None:
            raise ValueError("a budget needs seconds or solutions, since a target may never be reached")
        timeless = self.seconds is not None and not 0 < self.seconds < 1_000_000
        if timeless or self.processes < 1 or (self.solutions is not None and self.solutions < 1):
            raise ValueError("a budget is a positive number")

    def is_reached(self, price: Cents) -> bool:
        """Whether a plan of this cost is good enough."""
        return self.target is not None and price <= self.target


@dataclass(frozen=True, slots=True)
class Progress:
    """
    What an engine tells while it works.

    seconds
        Wall clock since the call.
    cost
        Cost of the best plan so far, in cents, as the engine's model counts it.
    solutions
        Plans looked at.
    unserved
        Visits that this plan leaves out; None where the engine does not count them.
    """

    seconds: float
    cost: Cents
    solutions: int
    unserved: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """
    What an engine returns.

    plan
        The best plan found.
    cost_by_term
        Its price by term, in cents; equal to the checker's.
    bound
        No plan can cost less than this; None when the engine does not know.
    stats
        Figures about the run.
    """

    plan: Plan
    cost_by_term: Mapping[str, Cents]
    bound: Cents | None = None
    stats: Mapping[str, int | float | str] = field(default_factory=dict)

    @property
    def cost(self) -> Cents:
        """The whole price in cents."""
        return sum(self.cost_by_term.values())


OnProgress: TypeAlias = Callable[[Progress], None]
Cancel: TypeAlias = Callable[[], bool]


@runtime_checkable
class Compiled(Protocol):
    """An engine that is compiled before its first use."""

    def compile(self) -> None:
        """Compile, or load what was compiled before."""


class Engine(Protocol):
    """Makes a plan for a problem."""

    def capabilities(self) -> frozenset[str]:
        """Codes of the constraints the engine keeps."""

    def solve(
        self,
        problem: Problem,
        *,
        budget: Budget,
        seed: int = 0,
        start: Plan | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Result:
        """Return the best plan found; never one that costs more than a valid ``start``."""


def _offered() -> "EntryPoints":
    """Engines of other distributions."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def engine_names() -> list[str]:
    """Names of all installed engines."""
    return sorted({*BUILT_IN, *(point.name for point in _offered())})


def engine(name: str) -> Engine:
    """Load an engine by its name, own ones first."""
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name].split(":")
        loaded: type[Engine] = getattr(import_module(module), attribute)
        return loaded()
    for point in _offered():
        if point.name == name:
            third_party: type[Engine] = point.load()
            return third_party()
    raise UnknownEngine(f"no engine is called {name!r}", f"use one of: {', '.join(engine_names())}")


def available(name: str) -> str:
    """Return the engine's name, or that of the one that stands in for it where a library is missing."""
    library, substitute = NEEDS.get(name, ("", ""))
    return substitute if library and find_spec(library) is None else name


def warm_up(name: str) -> float:
    """Load an engine and compile what it compiles; return the seconds that took."""
    began = time.monotonic()
    loaded = engine(available(name))
    if isinstance(loaded, Compiled):
        loaded.compile()
    return time.monotonic() - began


def require(chosen: Engine, problem: Problem, *, name: str) -> None:
    """Refuse a problem that uses a constraint the engine does not keep."""
    able = chosen.capabilities()
    lacking = [rule.CODE for rule in CONSTRAINTS if rule.CODE not in able and rule.used_by(problem)]
    if lacking:
        raise EngineLacks(
            f"engine {name!r} does not know {', '.join(lacking)}", "choose another engine, such as 'routing'"
        )
