"""Our own engines as the benchmark calls them: without the checking and explaining that ``solve`` adds."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import optimizer
from optimizer import Budget, Plan, Problem
from optimizer.engines.base import available, engine, warm_up
from optimizer.in_parts import WHOLE_VISITS, Workshop, solve_in_parts


def digest_of_sources() -> str:
    """Names the state of the engine's code, so that figures of an older one are measured again."""
    folder = Path(optimizer.__file__).parent
    content = sha256()
    for path in sorted(folder.rglob("*.py")):
        content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:8]


class Truckroll:
    """The engine that plans unless another is asked for."""

    name = "ruin"
    uses_seed = True
    limits_cpu = False

    def __init__(self) -> None:
        self.version = f"{version('truckroll')} ({available(self.name)}, sources {digest_of_sources()})"

    def warm_up(self) -> None:
        """Compile, or load what was compiled."""
        warm_up(self.name)

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Plan:
        """Plan a day, in parts where the product would."""
        chosen, budget = engine(available(self.name)), Budget(seconds=seconds)
        if len(problem.visits) > WHOLE_VISITS:
            return solve_in_parts(Workshop(chosen, seed), problem, budget).plan
        return chosen.solve(problem, budget=budget, seed=seed).plan

    def first_plan(self, problem: Problem, *, seed: int) -> Plan:
        """The plan before any improvement."""
        return engine(available(self.name)).solve(problem, budget=Budget(solutions=1), seed=seed).plan


class Routing(Truckroll):
    """The reference engine: OR-Tools routing."""

    name = "routing"
    uses_seed = False  # it does, but hardly differs

    def __init__(self) -> None:
        self.version = f"{version('ortools')} (our reference engine, sources {digest_of_sources()})"
