"""A plan with one visit taken off its route, on which the visit is then asked about anew."""

from dataclasses import replace

from optimizer.errors import InfeasibleRoute, OfferGone
from optimizer.features import features
from optimizer.plan import Plan, Route
from optimizer.problem import Problem, Technician, Visit
from optimizer.timing import timetable
from optimizer.trials import Trials


def without(problem: Problem, plan: Plan, visit: Visit) -> Plan:
    """
    The plan with a visit taken off its route and that route timed again, for quoting the visit anew.

    A route that could not be driven with the visit either stays as it is stated, and is closed.

    Raises
    ------
    InfeasibleRoute
        When it is the visit that makes the route possible: the next stop spares a set-up after it, or the
        way by it is shorter than the way past it.
    """
    routes = []
    fixed = Trials(problem, plan.routes).fixed() if features(problem) else {}
    beside = problem.bounded({name: window for name, window in fixed.items() if name != visit.id})
    for route in plan.routes:
        left = tuple(stop for stop in route.stops if stop.visit_id != visit.id)
        technician = problem.technician(route.technician_id)
        others = tuple(found for stop in left if (found := problem.visit(stop.visit_id)) is not None)
        if len(left) == len(route.stops) or technician is None or len(others) < len(left):
            routes.append(replace(route, stops=left))
        elif left:
            routes.append(_timed(beside, technician, route, others, visit))
    return Plan(tuple(routes), tuple(u for u in plan.unserved if u.visit_id != visit.id))


def left_by(problem: Problem, plan: Plan, visit: Visit) -> Plan:
    """As ``without``; ``OfferGone`` for a visit without which its route cannot be driven."""
    try:
        return without(problem, plan, visit)
    except InfeasibleRoute as missed:
        raise OfferGone(missed.cause, "plan the day anew") from missed


def _timed(
    problem: Problem, technician: Technician, route: Route, others: tuple[Visit, ...], visit: Visit
) -> Route:
    """A route with the others alone."""
    try:
        return timetable(problem, technician, others)
    except InfeasibleRoute:
        known = {each.id: each for each in (*others, problem.visit(visit.id) or visit)}
        try:
            timetable(problem, technician, tuple(known[stop.visit_id] for stop in route.stops))
        except InfeasibleRoute:
            kept = tuple(stop for stop in route.stops if stop.visit_id != visit.id)
            return replace(route, stops=kept)
        raise
