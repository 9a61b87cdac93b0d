"""Travel: what the driving of a plan costs, by distance and by time."""

from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.plan import Plan
from optimizer.problem import Policy, Problem
from optimizer.units import Cents, Metres, Seconds

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

NAME = "travel"
TITLE = "Travel"


def leg_cents(policy: Policy, seconds: Seconds, metres: Metres) -> Cents:
    """Price of one drive, rounded once, so that a route costs exactly the sum of its drives."""
    scaled = 36 * metres * policy.travel_cents_per_km + 10 * seconds * policy.travel_cents_per_hour
    return (scaled + 18_000) // 36_000


def cents(problem: Problem, plan: Plan) -> Cents:
    """Price of all drives, the way to the first visit and the way home included."""
    total = 0
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        visits = [problem.visit(stop.visit_id) for stop in route.stops]
        if technician is None or not visits:
            continue
        places = [technician.start, *(v.location for v in visits if v is not None), technician.end]
        for origin, target in pairwise(places):
            total += leg_cents(problem.policy, *problem.matrix.leg(origin, target))
    return total


def add(model: "DayModel", problem: Problem) -> None:
    """Price every drive of the model."""
    model.price_travel(lambda origin, target: leg_cents(problem.policy, *problem.matrix.leg(origin, target)))
