"""All loops, those of quotes included, compiled ahead by two processes."""

import subprocess
import sys
from dataclasses import replace

from optimizer.engines.ruin import arrays
from optimizer.engines.ruin.booking import CompiledOracle
from optimizer.engines.ruin.engine import RuinEngine
from optimizer.engines.ruin.rich_booking import RichOracle
from optimizer.engines.ruin.run import Run
from optimizer.engines.ruin.tiny import FEW, PLAIN, SHIFT, TIED
from optimizer.every_plan import cheaper_plan
from optimizer.insertion import never_cancelled
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.units import NEVER

BESIDE = "beside"
"""Argument of the process that compiles what only rich days need."""


def compile_ahead() -> None:
    """Go through all loops in two processes: little more than half the time where nothing is stored."""
    with subprocess.Popen([sys.executable, "-m", __package__, BESIDE]) as other:
        RuinEngine().solve(PLAIN, budget=FEW)
        _quote(PLAIN, CompiledOracle)
    if other.returncode:  # it may have been stopped for want of memory: one after the other takes less
        compile_beside()
    RuinEngine().compile()  # what each of the two had no use for


def compile_beside() -> None:
    """Go through the loops that plain days do not use."""
    Run(arrays.day_of(TIED), FEW, 0, lambda *_: None, never_cancelled)  # connects them, searches nothing
    _quote(replace(PLAIN, visits=tuple(replace(visit, announced=0) for visit in PLAIN.visits)), RichOracle)
    cheaper_plan(TIED, NEVER)


def _quote(day: Problem, oracle: type[CompiledOracle]) -> None:
    """Ask where the last visit could go, on a day of which nobody else is served."""
    last = day.visits[-1]
    desk = oracle(replace(day, visits=day.visits[:-1]), Plan(()))
    for found in desk.quote(last, [SHIFT]):
        desk.commit(found)
