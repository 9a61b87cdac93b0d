"""Served once: every visit is either on exactly one route, once, or among the unserved."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.plan import Plan, Violation
from optimizer.problem import Problem

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "SERVED_ONCE"
TITLE = "Served once"
ACTION = "report this plan as a fault of the program that made it"


def used_by(problem: Problem) -> bool:
    """Whether there is anything to serve."""
    return bool(problem.visits)


def add(model: "DayModel", problem: Problem) -> None:
    """Nothing to add: a route model visits every node at most once by its nature."""


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield visits that are missing, doubled or unknown, and technicians with two routes or unknown."""
    mentions = Counter(stop.visit_id for route in plan.routes for stop in route.stops)
    mentions.update(unserved.visit_id for unserved in plan.unserved)
    for visit in problem.visits:
        if mentions[visit.id] == 0:
            yield Violation(CODE, visit.id, f"visit {visit.id} is neither on a route nor among the unserved")
    for visit_id, count in sorted(mentions.items()):
        if problem.visit(visit_id) is None:
            yield Violation(CODE, visit_id, f"visit {visit_id} is not in the problem")
        elif count > 1:
            yield Violation(CODE, visit_id, f"visit {visit_id} appears {count} times")
    for technician_id, count in sorted(Counter(route.technician_id for route in plan.routes).items()):
        if problem.technician(technician_id) is None:
            yield Violation(CODE, technician_id, f"technician {technician_id} is not in the problem")
        elif count > 1:
            yield Violation(CODE, technician_id, f"technician {technician_id} has {count} routes")
