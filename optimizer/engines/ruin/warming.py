"""Tiny days that use every loop: whoever plans and quotes them compiles the engine, or loads it compiled."""

import subprocess
import sys
from dataclasses import replace
from datetime import date

from optimizer.engines.base import Budget, engine
from optimizer.engines.ruin import arrays
from optimizer.engines.ruin.booking import CompiledOracle
from optimizer.engines.ruin.rich_booking import RichOracle
from optimizer.engines.ruin.run import Run
from optimizer.every_plan import cheaper_plan
from optimizer.insertion import never_cancelled
from optimizer.plan import Plan
from optimizer.problem import After, Break, Problem, Technician, Visit, Window, matrix_of
from optimizer.units import NEVER

BESIDE = "beside"
"""Argument of the process that compiles what only rich days need."""
FEW = Budget(solutions=20)
SHIFT = Window(0, 9 * 3600)
CREW = tuple(Technician(str(n), str(n), 0, 0, SHIFT, breaks=(Break(0, 3600, 60),)) for n in range(2))
VISITS = tuple(Visit(str(n), n, 600, (SHIFT,)) for n in range(4))
PLAIN = Problem(date(2026, 1, 1), CREW, VISITS, matrix_of([[60] * 4] * 4))
TOLD = replace(PLAIN, visits=tuple(replace(visit, announced=0) for visit in VISITS))
TIED = replace(
    PLAIN,
    visits=(
        *(replace(visit, team="both", announced=0) for visit in VISITS[:2]),
        VISITS[2],
        replace(VISITS[3], after=(After("2"),)),
    ),
)


def warm() -> None:
    """Go through all loops."""
    for day in (PLAIN, TIED):
        engine("ruin").solve(day, budget=FEW)
    _quote(PLAIN, CompiledOracle)
    _quote(TOLD, RichOracle)


def warm_beside() -> None:
    """Go through the loops that plain days do not use."""
    Run(arrays.day_of(TIED), FEW, 0, lambda *_: None, never_cancelled)  # connects them, searches nothing
    _quote(TOLD, RichOracle)
    cheaper_plan(TIED, NEVER)


def compile_ahead() -> None:
    """Go through all loops in two processes: little more than half the time where nothing is stored."""
    with subprocess.Popen([sys.executable, "-m", __package__, BESIDE]):
        engine("ruin").solve(PLAIN, budget=FEW)
        _quote(PLAIN, CompiledOracle)
    warm()


def _quote(day: Problem, oracle: type[CompiledOracle]) -> None:
    """Ask where one more visit could go, on a day of which the others have their places."""
    last = day.visits[-1]
    before = replace(day, visits=day.visits[:-1])
    desk = oracle(before, Plan(()))
    for found in desk.quote(last, [SHIFT]):
        desk.commit(found)
