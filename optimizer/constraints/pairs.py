"""What all rules about one technician and one visit share."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, TypeAlias

from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

Forbids: TypeAlias = Callable[[Problem, Technician, Visit], str | None]
"""Why a technician may not serve a visit, in words, or None."""


def unless_locked(forbids: Forbids) -> Forbids:
    """Let a lock to the very technician stand above the rule: what a person decided is kept, and reported."""

    @wraps(forbids)
    def judged(problem: Problem, technician: Technician, visit: Visit) -> str | None:
        return None if problem.is_locked_to(technician, visit) else forbids(problem, technician, visit)

    return judged


def forbid_pairs(model: "DayModel", problem: Problem, forbids: Forbids) -> None:
    """Keep every visit off the routes of the technicians the rule refuses."""
    for visit in model.visits:
        for technician in problem.technicians:
            if forbids(problem, technician, visit):
                model.forbid(technician, visit)


def pair_violations(code: str, problem: Problem, plan: Plan, *, forbids: Forbids) -> Iterator[Violation]:
    """Yield one violation per planned stop whose technician the rule refuses."""
    for technician, visit, _ in plan.choices(problem):
        if cause := forbids(problem, technician, visit):
            yield Violation(code, visit.id, cause)
