"""
The second tier of booking: some milliseconds of search on a few routes, to open a full or dear window.

The visit is fixed in the window; whatever these routes serve stays served, inside its own windows and under
every lock. What comes out is timed and judged like any plan.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from optimizer.check import check, cost
from optimizer.engines.ruin import arrays, memory, search, states
from optimizer.engines.ruin.inserting import construct
from optimizer.engines.ruin.layout import DRIVER, FOLLOWING, LEAVE_OUT, PRICE, STOPS
from optimizer.engines.ruin.pool import new_pool
from optimizer.engines.ruin.uncovered import Uncovered
from optimizer.errors import InfeasibleRoute
from optimizer.offers import Effort, Moved, Rearranged
from optimizer.plan import Plan, Route
from optimizer.problem import Matrix, Problem, Technician, Visit
from optimizer.timing import slacks, timetable
from optimizer.units import Cents

SLICE = 40
"""Iterations between two looks at the clock."""
HOT, COLD = 0.3, 0.02
"""First and last temperature as shares of the price of serving one visit."""
EASED = 6.0
"""At first a visit left out counts as much as serving so many."""

Orders = dict[str, tuple[Visit, ...]]


def rearranged(
    problem: Problem, plan: Plan, visit: Visit, technicians: Sequence[str], effort: Effort, seed: int
) -> Rearranged | None:
    """
    The cheapest way found to serve a visit of the problem, in its only window, by changing some routes.

    ``plan`` does not serve it yet. None when the visit cannot be served without leaving out another.
    """
    began = time.perf_counter()
    part, before = _part(problem, plan, visit, technicians)
    try:
        orders = _search(part, before, effort, seed, began)
    except Uncovered:
        return None
    return _offer(problem, plan, visit, before, orders) if orders is not None else None


def _part(problem: Problem, plan: Plan, visit: Visit, technicians: Sequence[str]) -> tuple[Problem, Orders]:
    """These routes and the visit as a problem of their own, and the order in which they are served now."""
    crew = [t for t in problem.technicians if t.id in technicians]
    before: Orders = {}
    for technician in crew:
        route = plan.route_of(technician.id)
        found = [problem.visit(stop.visit_id) for stop in route.stops] if route else []
        before[technician.id] = tuple(v for v in found if v is not None) or problem.begun_by(technician.id)
    visits = [*(v for route in before.values() for v in route), visit]
    places = sorted({v.location for v in visits} | {p for t in crew for p in (t.start, t.end)})
    number = {place: at for at, place in enumerate(places)}
    named = {v.id for v in visits}
    traffic = problem.traffic
    part = Problem(
        problem.day,
        tuple(replace(t, start=number[t.start], end=number[t.end]) for t in crew),
        tuple(replace(v, location=number[v.location]) for v in visits),
        _matrix(problem.matrix, places),
        tuple(lock for lock in problem.locks if lock.visit_id in named),
        problem.policy,
        traffic=replace(traffic, zones=tuple(traffic.zones[p] for p in places)) if traffic else None,
        zone=problem.zone,
    )
    return part, before


def _matrix(matrix: Matrix, places: Sequence[int]) -> Matrix:
    """Travel between some places; a block of a small table would cost a copy of it."""
    if isinstance(matrix.seconds, tuple) and type(matrix.seconds) is tuple:
        return Matrix(
            tuple(tuple(matrix.seconds[a][b] for b in places) for a in places),
            tuple(tuple(matrix.metres[a][b] for b in places) for a in places),
        )
    seconds, metres = matrix.block(places, places)
    return Matrix(seconds.tolist(), metres.tolist())


def _search(part: Problem, before: Orders, effort: Effort, seed: int, began: float) -> Orders | None:
    """Orders of visits that serve everything, or None when none were found."""
    day, visits = arrays.day_of(part), arrays.open_visits(part)
    day.nodes[: day.visits, LEAVE_OUT] = part.policy.mandatory_unserved_cents
    if day.rich.used or day.rich.tied:
        empty = arrays.empty_routes(day)
        states.connect(day, empty, memory.new_search(day, empty, seed))
    node_of = {visit.id: node for node, visit in enumerate(visits)}
    orders = [
        (who, [node_of[visit.id] for visit in before[technician.id] if visit.id in node_of])
        for who, technician in enumerate(part.technicians)
    ]
    routes = states.laid(day, orders)
    state, pool = memory.new_search(day, routes, seed), new_pool(day)
    construct(day, routes, state, 0, day.visits)
    served = max(1, int(routes.tours[:, STOPS].sum()))
    unit = max(1.0, float(routes.tours[:, PRICE].sum()) / served)
    eased = min(1.0, EASED * unit / max(1, part.policy.mandatory_unserved_cents))
    while (done := _done(effort, began, int(state.numbers[memory.ROUND]))) < 1:
        heat, ease = unit * HOT * (COLD / HOT) ** done, eased ** (1 - done)
        left = (
            SLICE if effort.rounds is None else min(SLICE, effort.rounds - int(state.numbers[memory.ROUND]))
        )
        search.anneal(day, routes, state, pool, heat, ease, 0.0, left)
    if (state.best[: day.visits, DRIVER] < 0).any():
        return None
    originals = {visit.id: visit for route in before.values() for visit in route}
    found: Orders = {}
    for who, technician in enumerate(part.technicians):
        order = [originals[each.id] for each in part.begun_by(technician.id)]
        node = int(state.best[day.visits + who, FOLLOWING])
        while node < day.visits:
            order.append(originals.get(visits[node].id, visits[node]))
            node = int(state.best[node, FOLLOWING])
        found[technician.id] = tuple(order)
    return found


def _done(effort: Effort, began: float, rounds: int) -> float:
    """Share of the effort that is spent."""
    if effort.rounds is not None:
        return rounds / effort.rounds
    return 1000 * (time.perf_counter() - began) / effort.milliseconds


def _offer(problem: Problem, plan: Plan, visit: Visit, before: Orders, after: Orders) -> Rearranged | None:
    """State times, price and changes; None for what the checker would not let pass."""
    old = {name: route for name in before if (route := plan.route_of(name)) is not None}
    try:
        routes = _timed(problem, visit, after, old)
    except InfeasibleRoute:
        return None
    crew = [t for t in problem.technicians if t.id in before]
    then, now = Plan(tuple(old.values())), Plan(tuple(routes.values()))
    with_it = _judged(problem, crew, [visit, *(v for order in before.values() for v in order)])
    without_it = _judged(problem, crew, [v for order in before.values() for v in order])
    faults = {(fault.code, fault.subject) for fault in check(without_it, then)}
    if any((fault.code, fault.subject) not in faults for fault in check(with_it, now)):
        return None
    extra: Cents = sum(cost(with_it, now).values()) - sum(cost(without_it, then).values())
    mine = next(route for route in routes.values() if any(s.visit_id == visit.id for s in route.stops))
    at = next(position for position, stop in enumerate(mine.stops) if stop.visit_id == visit.id)
    stop = mine.stops[at]
    return Rearranged(
        window=visit.windows[0],
        extra_cost=extra,
        technician_id=mine.technician_id,
        position=at,
        arrival=stop.arrival,
        start=stop.start,
        slack=slacks(problem, mine)[at],
        visit=visit,
        routes=tuple(route for name, route in routes.items() if route != old.get(name)),
        emptied=frozenset(old.keys() - routes.keys()),
        moved=tuple(_moved(old.values(), routes.values())),
        base=plan,
    )


def _timed(problem: Problem, visit: Visit, orders: Orders, old: dict[str, Route]) -> dict[str, Route]:
    """Routes in these orders, those that stay as they are not timed again."""
    routes: dict[str, Route] = {}
    for technician in problem.technicians:
        order = orders.get(technician.id, ())
        kept = old.get(technician.id)
        if kept is not None and [v.id for v in order] == [stop.visit_id for stop in kept.stops]:
            routes[technician.id] = kept
        elif order:
            own = [visit if each.id == visit.id else each for each in order]
            routes[technician.id] = timetable(problem, technician, own)
    return routes


def _judged(problem: Problem, crew: Sequence[Technician], visits: Iterable[Visit]) -> Problem:
    """The part of a problem that some routes are about, places numbered as before."""
    chosen = tuple(visits)
    named = {visit.id for visit in chosen}
    locks = tuple(lock for lock in problem.locks if lock.visit_id in named)
    return problem.changed(technicians=tuple(crew), visits=chosen, locks=locks)


def _moved(before: Iterable[Route], after: Iterable[Route]) -> Iterable[Moved]:
    """Visits that another technician serves, or at another time."""
    was = {stop.visit_id: (route.technician_id, stop.start) for route in before for stop in route.stops}
    for route in after:
        for stop in route.stops:
            who, start = was.get(stop.visit_id, (route.technician_id, stop.start))
            if (who, start) != (route.technician_id, stop.start):
                yield Moved(stop.visit_id, who, route.technician_id, stop.start - start)
