"""Lateness: what it costs to arrive or finish beyond a visit's limits of service (R-401, R-402)."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Policy, Problem, Visit
from optimizer.units import Cents, Seconds

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "lateness"
TITLE = "Service limits"


def late_cents(policy: Policy, late: Seconds) -> Cents:
    """Price of one lateness, by the second, rounded once."""
    hours = sum(max(0, late - step.after) * step.cents_per_hour for step in policy.lateness)
    return (hours + 1_800) // 3_600


def visit_cents(policy: Policy, visit: Visit, arrival: Seconds, end: Seconds) -> Cents:
    """Price of one visit's lateness."""
    total = 0
    if visit.respond_by is not None:
        total += late_cents(policy, arrival - visit.respond_by)
    if visit.resolve_by is not None:
        total += late_cents(policy, end - visit.resolve_by)
    return total


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all lateness; what has begun late is over and costs nothing any more."""
    return sum(visit_cents(problem.policy, v, stop.arrival, stop.end) for _, v, stop in plan.choices(problem))


def add(model: "DayModel", problem: Problem) -> None:
    """Price late starts; the model counts arrival as the start, and the longest service."""
    for visit in model.visits:
        longest = max((t.time_for(visit) for t in problem.technicians), default=visit.duration)
        if visit.respond_by is not None:
            model.price_late(visit, visit.respond_by, problem.policy.lateness)
        if visit.resolve_by is not None:
            model.price_late(visit, visit.resolve_by, problem.policy.lateness, longest=longest)
