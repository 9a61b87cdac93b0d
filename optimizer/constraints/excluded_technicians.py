"""Excluded technicians: a visit never goes to someone it excludes, such as the former repairer (R-508)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "EXCLUDED_TECHNICIAN"
TITLE = "Excluded technicians"
ACTION = "have a supervisor lift the exclusion, or send a colleague with the same skills"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day brings the rule into play."""
    return any(visit.excluded_technicians for visit in problem.visits)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say why the rule keeps a technician from a visit, or None."""
    if {technician.id, technician.who} & visit.excluded_technicians:
        return f"{technician.name} is excluded from visit {visit.id}"
    return None


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
