"""Overtime: what work after the end of a shift costs."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Policy, Problem, Technician
from optimizer.units import Cents, Seconds

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "overtime"
TITLE = "Overtime"


def route_cents(policy: Policy, technician: Technician, return_time: Seconds) -> Cents:
    """Price of one technician's overtime, by the second, rounded once."""
    over = max(0, return_time - technician.shift.end)
    return (over * policy.overtime_cents_per_minute + 30) // 60


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all overtime."""
    total = 0
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        if technician is not None and route.stops:
            total += route_cents(problem.policy, technician, route.return_time)
    return total


def add(model: "DayModel", problem: Problem) -> None:
    """Price each return after the end of the shift."""
    for technician in problem.technicians:
        model.price_return(technician, technician.shift.end, problem.policy.overtime_cents_per_minute)
