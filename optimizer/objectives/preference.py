"""Preference: what it costs to send another than a preferred technician, or one too highly qualified."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "preference"
TITLE = "Preferred and fitting technicians"


def pair_cents(problem: Problem, technician: Technician, visit: Visit) -> Cents:
    """Price of sending this technician to this visit."""
    policy, total = problem.policy, 0
    if problem.is_begun(visit.id):
        return 0
    if visit.preferred_technicians and not {technician.id, technician.who} & visit.preferred_technicians:
        total += policy.not_preferred_cents
    for skill, level in visit.skills.items():
        total += policy.overqualified_cents * max(0, technician.skills.get(skill, 0) - level)
    return total


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all assignments that planning decided."""
    return sum(pair_cents(problem, technician, visit) for technician, visit, _ in plan.choices(problem))


def add(model: "DayModel", problem: Problem) -> None:
    """Price each pair."""
    if any(visit.preferred_technicians or visit.skills for visit in model.visits):
        model.price_pairs(lambda technician, visit: pair_cents(problem, technician, visit))
