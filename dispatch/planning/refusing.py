"""
Why nobody can take a visit in windows that the oracle has found closed, without opening any route again.

On a day without any lock, whoever is not kept away by a rule has no room there: the quote has shown it. Days
that have begun, and days whose visits depend on one another, are asked in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optimizer.candidates import blocked_at_any_time
from optimizer.constraints import blocked
from optimizer.features import features, is_plain
from optimizer.oracle import Refusal
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.units import clock


def is_simple(problem: Problem, visit: Visit) -> bool:
    """Tell whether rules and room are all that can stand in the way."""
    return not problem.locks and not visit.parts and not features(problem) and is_plain(problem, visit)


def closed_because(problem: Problem, visit: Visit, windows: Sequence[Window]) -> list[Refusal]:
    """Return for each technician why not, in windows for which no route has an offer."""
    return [_refusal(problem, technician, visit, windows) for technician in problem.technicians]


def _refusal(problem: Problem, technician: Technician, visit: Visit, windows: Sequence[Window]) -> Refusal:
    asked = replace(visit, windows=tuple(windows))
    rule = blocked_at_any_time(problem, technician, visit) or blocked(problem, technician, asked)
    if rule is not None:
        return Refusal(technician.id, *rule)
    times = ", ".join(f"{clock(window.start)}-{clock(window.end)}" for window in windows)
    return Refusal(technician.id, "CAPACITY", f"{technician.name} has no room left in {times}")
