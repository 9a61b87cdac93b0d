"""Tiny days, a plain and a rich one, that use every loop of the search."""

from dataclasses import replace
from datetime import date

from optimizer.engines.base import Budget
from optimizer.problem import After, Break, Problem, Technician, Visit, Window, matrix_of

FEW = Budget(solutions=20)
SHIFT = Window(0, 9 * 3600)
CREW = tuple(Technician(str(n), str(n), 0, 0, SHIFT, breaks=(Break(0, 3600, 60),)) for n in range(2))
VISITS = tuple(Visit(str(n), n, 600, (SHIFT,)) for n in range(4))
PLAIN = Problem(date(2026, 1, 1), CREW, VISITS, matrix_of([[60] * 4] * 4))
TIED = replace(
    PLAIN,
    visits=(
        *(replace(visit, team="both", announced=0) for visit in VISITS[:2]),
        VISITS[2],
        replace(VISITS[3], after=(After("2"),)),
    ),
)
