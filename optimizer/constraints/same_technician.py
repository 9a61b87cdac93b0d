"""Same technician: visits that belong to one hand all go to one technician, whichever shift it is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "SAME_TECHNICIAN"
TITLE = "Same technician"
ACTION = "let another technician take over, or plan the visits for a day on which one has room"


def used_by(problem: Problem) -> bool:
    """Whether any visits belong to one hand."""
    return any(visit.same_technician is not None for visit in problem.visits)


def groups(problem: Problem) -> dict[str, tuple[Visit, ...]]:
    """Visits of each group, in the order of the problem."""
    found: dict[str, tuple[Visit, ...]] = {}
    for visit in problem.visits:
        if visit.same_technician is not None:
            found[visit.same_technician] = (*found.get(visit.same_technician, ()), visit)
    return found


def add(model: "DayModel", problem: Problem) -> None:
    """Give each group to one person."""
    for visits in groups(problem).values():
        model.keep_together(visits)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield groups that several people serve."""
    people: dict[str, dict[str, str]] = {}
    decided: set[str] = set()
    for technician, visit, _ in plan.assignments(problem):
        if visit.same_technician is not None:
            people.setdefault(visit.same_technician, {}).setdefault(technician.who, visit.id)
            if not problem.is_begun(visit.id):
                decided.add(visit.same_technician)
    for group, found in people.items():
        if len(found) > 1 and group in decided:
            message = f"visits of {group} go to {', '.join(sorted(found))} instead of one technician"
            yield Violation(CODE, next(iter(found.values())), message)
