"""Stability: what it costs to send another technician than published, or to tell a customer another time."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Policy, Problem, Technician, Visit
from optimizer.units import Cents, Seconds

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "stability"
TITLE = "Changes to the published plan"


def pair_cents(problem: Problem, technician: Technician, visit: Visit) -> Cents:
    """Price of giving a visit to this technician, 0 for the one already announced."""
    previous = visit.previous_technician
    if previous is None or technician.is_called(previous) or problem.is_begun(visit.id):
        return 0
    return problem.policy.changed_technician_cents


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all changes of technician and of time; leaving a visit out is priced elsewhere."""
    return sum(
        pair_cents(problem, technician, visit) + retold_cents(problem.policy, visit, stop.start)
        for technician, visit, stop in plan.choices(problem)
    )


def retold_cents(policy: Policy, visit: Visit, start: Seconds) -> Cents:
    """Price of telling the customer another time, 0 near enough to the one announced (R-302)."""
    if visit.announced is None or abs(start - visit.announced) <= policy.retold_after:
        return 0
    return policy.retold_cents


def add(model: "DayModel", problem: Problem) -> None:
    """Price each change of technician, and of time."""
    for visit in model.visits:
        if visit.announced is not None:
            bear = problem.policy.retold_after
            model.price_outside(
                visit, visit.announced - bear, visit.announced + bear, problem.policy.retold_cents
            )
    if any(visit.previous_technician for visit in model.visits):
        model.price_pairs(lambda technician, visit: pair_cents(problem, technician, visit))
