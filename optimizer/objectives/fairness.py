"""Fairness: hours of work cost by their square, those already worked in the period included."""

from typing import TYPE_CHECKING

from optimizer.plan import Plan, Route
from optimizer.problem import Policy, Problem
from optimizer.units import Cents, Seconds

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "fairness"
TITLE = "Even shares of work"
SQUARE_HOUR = 3_600 * 3_600


def person_cents(policy: Policy, before: Seconds, planned: Seconds) -> Cents:
    """Price of one person's planned work after that of the period so far, rounded once."""
    square = (before + planned) ** 2 - before**2
    return (policy.fairness_cents * square + SQUARE_HOUR // 2) // SQUARE_HOUR


def work_of(route: Route) -> Seconds:
    """Time of driving and service on a route."""
    driven = sum(call.travel for call in route.calls()) + route.return_travel
    return driven + sum(call.end - call.start for call in route.calls())


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all people's work."""
    if not problem.policy.fairness_cents:
        return 0
    before: dict[str, Seconds] = {}
    planned: dict[str, Seconds] = {}
    routes = {route.technician_id: route for route in plan.routes}
    for technician in problem.technicians:
        before[technician.who] = max(technician.worked, before.get(technician.who, 0))
        route = routes.get(technician.id)
        if route is not None and route.stops:
            planned[technician.who] = planned.get(technician.who, 0) + work_of(route)
    return sum(person_cents(problem.policy, before[who], work) for who, work in planned.items())


def add(model: "DayModel", problem: Problem) -> None:
    """Price the work of each person by straight pieces of the square."""
    if problem.policy.fairness_cents:
        model.share_out(problem.policy.fairness_cents)
