"""Longest way: a technician is sent no further from where the shift begins than was agreed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import span

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "LONGEST_WAY"
TITLE = "Longest way"
ACTION = "send somebody who starts nearer, or agree on a longer way"


def used_by(problem: Problem) -> bool:
    """Whether anybody's ways are limited."""
    return any(technician.longest_way is not None for technician in problem.technicians)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say that the site is too far from where the technician starts, or None."""
    if technician.longest_way is None:
        return None
    way, _ = problem.matrix.leg(technician.start, visit.location)
    if way <= technician.longest_way:
        return None
    return f"it is {span(way)} from the start of {technician.name}, who goes {span(technician.longest_way)}"


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
