"""Territory: a technician bound to territories serves only visits inside them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "TERRITORY"
TITLE = "Territory"
ACTION = "lend a technician to the territory for the day"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day brings the rule into play."""
    return any(visit.territory is not None for visit in problem.visits)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say why the rule keeps a technician from a visit, or None."""
    if visit.territory is None or not technician.territories or visit.territory in technician.territories:
        return None
    return f"{technician.name} does not work in {visit.territory}"


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
