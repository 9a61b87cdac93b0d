"""Our own engines as the benchmark calls them: without the checking and explaining that ``solve`` adds."""

from importlib.metadata import version

from optimizer import Budget, Plan, Problem
from optimizer.engines.base import available, engine, warm_up


class Truckroll:
    """The engine that plans unless another is asked for."""

    name = "ruin"
    uses_seed = True

    def __init__(self) -> None:
        self.version = f"{version('truckroll')} ({available(self.name)})"

    def warm_up(self) -> None:
        """Compile, or load what was compiled."""
        warm_up(self.name)

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Plan:
        """Plan a day."""
        return engine(available(self.name)).solve(problem, budget=Budget(seconds=seconds), seed=seed).plan


class Routing(Truckroll):
    """The reference engine: OR-Tools routing."""

    name = "routing"

    def __init__(self) -> None:
        self.version = f"{version('ortools')} (OR-Tools routing, guided local search)"
