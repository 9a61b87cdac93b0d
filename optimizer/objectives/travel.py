"""Travel: what the driving of a plan costs, by distance and by time."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.plan import Fetch, Plan, Route
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
        if technician is None or not route.stops:
            continue
        if problem.traffic is not None:  # its hour decides, as the timetable judges
            ways = [(call.travel, call.metres) for call in route.calls()]
            ways.append((route.return_travel, route.return_metres))
        else:
            places = [technician.start, *_places(problem, route), technician.end]
            ways = [problem.matrix.leg(origin, target) for origin, target in pairwise(places)]
        total += sum(leg_cents(problem.policy, *way) for way in ways)
    return total


def _places(problem: Problem, route: Route) -> Iterator[int]:
    """Where a route goes."""
    depots = {depot.id: depot.location for depot in problem.depots}
    for call in route.calls():
        if isinstance(call, Fetch):
            yield depots.get(call.depot_id, 0)
        elif (visit := problem.visit(call.visit_id)) is not None:
            yield visit.location


def add(model: "DayModel", problem: Problem) -> None:
    """Price every drive of the model."""
    model.price_travel(lambda origin, target: leg_cents(problem.policy, *model.way(origin, target)))
