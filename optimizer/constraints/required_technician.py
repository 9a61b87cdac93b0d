"""Required technician: a visit that names its technician goes to nobody else (R-306)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "REQUIRED_TECHNICIAN"
TITLE = "Required technician"
ACTION = "free the named technician, or agree on another with the customer"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day brings the rule into play."""
    return any(visit.required_technician is not None for visit in problem.visits)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say why the rule keeps a technician from a visit, or None."""
    if visit.required_technician is None or technician.is_called(visit.required_technician):
        return None
    return f"visit {visit.id} asks for {visit.required_technician}, not {technician.name}"


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
