"""
What the OR-Tools model itself says that a plan costs, term by term, to be held against the checker.

Prices are added up from what the objectives have stated to the model: its table of drives, its penalties, its
bounds and shares. A solution of OR-Tools is read in the model's own times, a plan in those it states.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from optimizer.engines.model import DayModel
from optimizer.engines.nodes import SCALE, Whole
from optimizer.engines.prices import PER_SECOND, Late, Outside, Return, Share
from optimizer.objectives import OBJECTIVES, fairness, travel, unserved
from optimizer.objectives.fairness import SQUARE_HOUR
from optimizer.objectives.travel import leg_cents
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.units import Cents, Seconds


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    A plan in the nodes of the model.

    orders
        The open visits of each vehicle, one behind the other.
    arrivals, starts, ends
        Times of each visit served.
    returns
        When each vehicle that is used is home.
    """

    orders: Sequence[Sequence[int]]
    arrivals: Mapping[int, Seconds]
    starts: Mapping[int, Seconds]
    ends: Mapping[int, Seconds]
    returns: Mapping[int, Seconds]


@dataclass(frozen=True, slots=True)
class Item:
    """
    One price of a plan.

    term
        Name of the objective that stated it.
    scaled
        The price as the search counts it, in sixtieths of a cent.
    cents
        The same, rounded once.
    """

    term: str
    scaled: int
    cents: Cents


def plan_drawn(model: DayModel, plan: Plan) -> Drawn:
    """A plan in its own times."""
    known = {visit.id: node for node, visit in enumerate(model.visits)}
    stops = {
        known[stop.visit_id]: stop for route in plan.routes for stop in route.stops if stop.visit_id in known
    }
    orders: list[list[int]] = [[] for _ in model.technicians]
    returns = {}
    for vehicle, technician in enumerate(model.technicians):
        route = plan.route_of(technician.id)
        if route is not None and route.stops:
            orders[vehicle] = [known[stop.visit_id] for stop in route.stops if stop.visit_id in known]
            returns[vehicle] = route.return_time
    return Drawn(
        orders,
        {node: stop.arrival for node, stop in stops.items()},
        {node: stop.start for node, stop in stops.items()},
        {node: stop.end for node, stop in stops.items()},
        returns,
    )


def solution_drawn(model: DayModel, value: Callable[[Any], int]) -> Drawn:
    """A solution of OR-Tools, by the values of its variables: arrival is the start, service the longest."""
    routing, manager = model.routing, model.manager
    orders, returns, starts = [], {}, {}
    for vehicle in range(len(model.technicians)):
        index, order = value(routing.NextVar(routing.Start(vehicle))), []
        while not routing.IsEnd(index):
            order.append(manager.IndexToNode(index))
            starts[order[-1]] = value(model.moment(model.visits[order[-1]]))
            index = value(routing.NextVar(index))
        orders.append(order)
        if order or vehicle in model.counted:
            returns[vehicle] = value(model.back(vehicle))
    return Drawn(orders, starts, starts, {}, returns)


def items_of(model: DayModel, drawn: Drawn) -> Iterator[Item]:
    """Every price of a plan."""
    served = {node: vehicle for vehicle, order in enumerate(drawn.orders) for node in order}
    for node, cents in enumerate(model.left_out.tolist()):
        if node not in served:
            yield _whole(unserved.NAME, cents)
    for vehicle, order in enumerate(drawn.orders):
        drives = _along(model, vehicle, order, model.drives)
        yield Item(travel.NAME, drives, drives // SCALE)
    for term, table in model.pairs.items():
        for node, vehicle in served.items():
            yield _whole(term, int(table[vehicle, node]))
    for term, price in model.stated:
        if isinstance(price, Return):
            yield from _of_return(term, price, drawn)
        elif isinstance(price, Share):
            yield from _of_share(model, term, price, drawn)
        elif price.node in served:
            yield _of_limit(term, price, drawn) if isinstance(price, Late) else _of_told(term, price, drawn)


def terms_of(model: DayModel, drawn: Drawn) -> dict[str, Cents]:
    """Price of a plan by term, in cents, what has begun included."""
    found: dict[str, Cents] = dict.fromkeys((term.NAME for term in OBJECTIVES), 0)
    for item in items_of(model, drawn):
        found[item.term] = found.get(item.term, 0) + item.cents
    found[travel.NAME] = found.get(travel.NAME, 0) + begun_cents(model.problem)
    return found


def begun_cents(problem: Problem) -> Cents:
    """Travel to the stops already begun, which the model does not see."""
    total = 0
    for technician in problem.technicians:
        place = technician.start
        for visit in problem.begun_by(technician.id):
            total += leg_cents(problem.policy, *problem.matrix.leg(place, visit.location))
            place = visit.location
    return total


def beyond(problem: Problem, plan: Plan) -> frozenset[str]:
    """Terms of which the model knows no exact price for a plan: drives that depend on hour or depot."""
    fetches = any(route.fetches for route in plan.routes)
    is_exact = problem.traffic is None and not fetches
    return frozenset() if is_exact else frozenset({travel.NAME, fairness.NAME})


def _whole(term: str, cents: Cents) -> Item:
    return Item(term, SCALE * cents, cents)


def _along(model: DayModel, vehicle: int, order: Sequence[int], table: Whole) -> int:
    """Sum of a table along a route."""
    start = len(model.visits) + vehicle
    nodes = [start, *order, start + len(model.technicians)]
    return sum(int(table[origin, target]) for origin, target in pairwise(nodes))


def _of_return(term: str, price: Return, drawn: Drawn) -> Iterator[Item]:
    """Overtime of one vehicle."""
    over = max(0, drawn.returns.get(price.vehicle, price.moment) - price.moment)
    rate = price.cents_per_minute * SCALE // 60
    yield Item(term, over * rate if price.is_counted else 0, (over * price.cents_per_minute + 30) // 60)


def _of_limit(term: str, price: Late, drawn: Drawn) -> Item:
    """Lateness of one visit under one limit."""
    moment = drawn.arrivals[price.node]
    if price.is_end:
        moment = drawn.ends.get(price.node, drawn.starts[price.node] + price.back)
    late = [(max(0, moment - price.limit - step.after), step.cents_per_hour) for step in price.steps]
    scaled = sum((seconds * cents + PER_SECOND // 2) // PER_SECOND for seconds, cents in late)
    return Item(term, scaled, (sum(seconds * cents for seconds, cents in late) + 1_800) // 3_600)


def _of_told(term: str, price: Outside, drawn: Drawn) -> Item:
    """Another time than announced."""
    return _whole(term, 0 if price.first <= drawn.starts[price.node] <= price.last else price.cents)


def _of_share(model: DayModel, term: str, price: Share, drawn: Drawn) -> Iterator[Item]:
    """Work of one person."""
    work = price.begun if any(vehicle in drawn.returns for vehicle in price.vehicles) else 0
    for vehicle in price.vehicles:
        order = drawn.orders[vehicle]
        if vehicle in drawn.returns:
            lengths = (model.technicians[vehicle].time_for(model.visits[node]) for node in order)
            work += _along(model, vehicle, order, model.ways) + sum(lengths)
    square = work * (work + price.twice)
    half = SQUARE_HOUR // 2
    scaled = (square * SCALE * price.cents + half) // SQUARE_HOUR
    yield Item(term, scaled, (square * price.cents + half) // SQUARE_HOUR)
