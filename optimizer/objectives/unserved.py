"""Unserved: what a visit left out costs, by its priority."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Problem, Visit
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "unserved"
TITLE = "Visits left out"


def visit_cents(problem: Problem, visit: Visit) -> Cents:
    """Price of leaving out one visit; mandatory and locked ones cost the most, they too by priority."""
    policy = problem.policy
    of_priority = policy.unserved_cents_by_priority[visit.priority - 1]
    if not visit.optional or problem.lock(visit.id) is not None:
        return policy.mandatory_unserved_cents + of_priority
    return policy.courtesy_cents if visit.courtesy else of_priority


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all visits that are on no route, whether the plan admits it or not."""
    served = {stop.visit_id for route in plan.routes for stop in route.stops}
    return sum(visit_cents(problem, visit) for visit in problem.visits if visit.id not in served)


def add(model: "DayModel", problem: Problem) -> None:
    """Let every visit be left out at its price."""
    for visit in model.visits:
        model.may_leave_out(visit, visit_cents(problem, visit))
