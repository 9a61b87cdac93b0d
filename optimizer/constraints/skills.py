"""Skills: a visit goes only to technicians who hold every skill it requires, at its level or above."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs, pair_violations, unless_locked
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "SKILL"
TITLE = "Skills"
ACTION = "train or hire someone for it, or lower what the visit demands"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day brings the rule into play."""
    return any(visit.skills for visit in problem.visits)


@unless_locked
def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say why the rule keeps a technician from a visit, or None."""
    held = technician.skills
    lacking = [f"{name} {level}" for name, level in sorted(visit.skills.items()) if held.get(name, 0) < level]
    return f"{technician.name} lacks {', '.join(lacking)}" if lacking else None


def add(model: "DayModel", problem: Problem) -> None:
    """Keep each visit off the routes of technicians the rule refuses."""
    forbid_pairs(model, problem, forbids)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield one violation per planned visit whose technician the rule refuses."""
    return pair_violations(CODE, problem, plan, forbids=forbids)
