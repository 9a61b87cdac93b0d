"""Stability: what it costs to send another technician than the published plan named."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "stability"
TITLE = "Changes to the published plan"


def pair_cents(problem: Problem, technician: Technician, visit: Visit) -> Cents:
    """Price of giving a visit to this technician, 0 for the one already announced."""
    if visit.previous_technician in (None, technician.id) or problem.is_begun(visit.id):
        return 0
    return problem.policy.changed_technician_cents


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all changes of technician; leaving a visit out is priced elsewhere."""
    return sum(pair_cents(problem, technician, visit) for technician, visit, _ in plan.assignments(problem))


def add(model: "DayModel", problem: Problem) -> None:
    """Price each change of technician."""
    if any(visit.previous_technician for visit in model.visits):
        model.price_pairs(lambda technician, visit: pair_cents(problem, technician, visit))
