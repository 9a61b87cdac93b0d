"""The cheapest plan of a tiny day, found by trying every order on every van and asking the checker."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import permutations, product
from math import comb, perm

from optimizer import Plan, Problem, Route, Technician, Unserved, Visit, check, cost
from optimizer.errors import InfeasibleRoute
from optimizer.schedule import Sequences, retimed
from optimizer.timing import timetable

Order = tuple[Visit, ...]
NEVER_MENDED = {
    "SKILL",
    "CERTIFICATE",
    "EXCLUDED_TECHNICIAN",
    "REQUIRED_TECHNICIAN",
    "TERRITORY",
    "LONGEST_WAY",
}
"""Rules that no further stop on the same route can mend."""


def cheapest_of_all(problem: Problem, *, serving: Collection[str] = ()) -> int | None:
    """
    Price of the cheapest plan that breaks no rule and serves these visits, whatever ties its routes; or None.

    Every plan is timed and judged. Every visit is as early as it can be; where letting tied ones wait is
    cheaper still, that is not seen.
    """
    best = None
    for sequences in all_plans(problem):
        served = {visit.id for route in sequences.values() for visit in route}
        if not served.issuperset(serving):
            continue
        try:
            plan = retimed(problem, sequences)
        except InfeasibleRoute:
            continue
        price = cents(problem, plan)
        if (best is None or price < best) and not check(problem, plan):
            best = price
    return best


def places_kept(problem: Problem, plan: Plan) -> set[str]:
    """Visits that a plan serves and somebody has locked to a place in a route: rivals serve them as well."""
    served = {stop.visit_id for route in plan.routes for stop in route.stops}
    return served & {lock.visit_id for lock in problem.locks if lock.sequence is not None}


def all_plans(problem: Problem) -> Iterator[Sequences]:
    """
    Every way to share out the open visits, some left out, in every order behind what has begun.

    Without routes that cannot be driven even if they had to wait for nobody.
    """
    begun, free = _begun(problem), _free(problem)
    people = {technician.id: technician for technician in problem.technicians}
    known: dict[tuple[str, tuple[int, ...]], list[Order]] = {}

    def drivable(who: str, at: tuple[int, ...]) -> list[Order]:
        if (who, at) not in known:
            routes = ((*begun.get(who, ()), *order) for order in permutations([free[n] for n in at]))
            known[who, at] = [route for route in routes if _is_drivable(problem, people[who], route)]
        return known[who, at]

    for chosen in product([None, *people], repeat=len(free)):
        busy = {
            who: tuple(n for n, other in enumerate(chosen) if other == who) for who in people if who in chosen
        }
        for routes in product(*(drivable(who, at) for who, at in busy.items())):
            yield begun | dict(zip(busy, routes, strict=True))


def _is_drivable(problem: Problem, technician: Technician, route: Order) -> bool:
    """Whether a route holds by itself."""
    try:
        timetable(problem, technician, route)
    except InfeasibleRoute:
        return False
    return True


def plans_of(problem: Problem) -> int:
    """How many plans ``all_plans`` has."""
    visits, shifts = len(_free(problem)), len(problem.technicians)
    if not shifts:
        return 1
    return sum(
        comb(visits, served) * perm(served) * comb(served + shifts - 1, served)
        for served in range(visits + 1)
    )


def _free(problem: Problem) -> list[Visit]:
    """Visits that nobody has begun."""
    return [visit for visit in problem.visits if not problem.is_begun(visit.id)]


def _begun(problem: Problem) -> dict[str, Order]:
    """What each technician has begun."""
    return {t.id: begun for t in problem.technicians if (begun := problem.begun_by(t.id))}


def cheapest_plan(problem: Problem) -> Plan:
    """A plan than which no other costs less; for rules and prices that look at one route at a time."""
    free = _free(problem)
    bit = {visit.id: 1 << at for at, visit in enumerate(free)}
    best: dict[int, tuple[int, dict[str, Order]]] = {0: (0, {})}
    for technician in problem.technicians:
        days = _days(problem, technician, free, bit)
        grown: dict[int, tuple[int, dict[str, Order]]] = {}
        for mask, (price, orders) in best.items():
            for more, (extra, order) in days.items():
                whole = mask | more
                if not mask & more and (whole not in grown or price + extra < grown[whole][0]):
                    grown[whole] = price + extra, {**orders, technician.id: order}
        best = grown
    plans = (retimed(problem, orders) for _, orders in _promising(problem, best, bit))
    return next(plan for plan in plans if not check(problem, plan))


def cents(problem: Problem, plan: Plan) -> int:
    """What a plan costs."""
    return sum(cost(problem, plan).values())


def _promising(
    problem: Problem, best: dict[int, tuple[int, dict[str, Order]]], bit: dict[str, int]
) -> list[tuple[int, dict[str, Order]]]:
    """Choices of routes with the price of the visits they leave out, cheapest first."""
    alone = {name: _missed(problem, name) for name in bit}
    whole = [
        (price + sum(alone[name] for name in bit if not bit[name] & mask), orders)
        for mask, (price, orders) in best.items()
    ]
    return sorted(whole, key=lambda each: each[0])


def _missed(problem: Problem, name: str) -> int:
    """Price of leaving one visit out: an empty plan's less that of a plan of a day without it."""
    others = tuple(visit for visit in problem.visits if visit.id != name)
    locks = tuple(lock for lock in problem.locks if lock.visit_id != name)
    less = replace(problem, visits=others, locks=locks)
    return cost(problem, Plan())["unserved"] - cost(less, Plan())["unserved"]


def _days(
    problem: Problem, technician: Technician, free: list[Visit], bit: dict[str, int]
) -> dict[int, tuple[int, Order]]:
    """For each set of visits the price of the technician's cheapest day with exactly these, and its order."""
    begun = _begun(problem)
    here = begun.get(technician.id, ())
    idle = _price(problem, timetable(problem, technician, here), here) if here else 0
    days: dict[int, tuple[int, Order]] = {0: (idle, here)}
    able = [visit for visit in free if _may_go(problem, begun, technician, visit)]
    for order, route in _orders(problem, technician, here, able):
        mask = sum(bit[visit.id] for visit in order if visit.id in bit)
        price = _price(problem, route, order)
        is_cheaper = mask not in days or price < days[mask][0]
        if is_cheaper and not check(problem, retimed(problem, {**begun, technician.id: order})):
            days[mask] = price, order
    return days


def _orders(
    problem: Problem, technician: Technician, order: Order, able: list[Visit]
) -> Iterator[tuple[Order, Route]]:
    """Every order that can be driven, timed; a window missed is missed with further stops as well."""
    for visit in able:
        if visit in order:
            continue
        longer = (*order, visit)
        try:
            route = timetable(problem, technician, longer)
        except InfeasibleRoute as missed:
            if missed.rule == "ARRIVAL_WINDOW":
                continue
        else:
            yield longer, route
        yield from _orders(problem, technician, longer, able)


def _may_go(problem: Problem, begun: dict[str, Order], technician: Technician, visit: Visit) -> bool:
    """Whether no rule keeps the technician from the visit for good."""
    order = (*begun.get(technician.id, ()), visit)
    try:
        plan = retimed(problem, {**begun, technician.id: order})
    except InfeasibleRoute:
        return True
    return not any(violation.code in NEVER_MENDED for violation in check(problem, plan))


def _price(problem: Problem, route: Route, order: Order) -> int:
    """What one technician's day costs, whatever the others do."""
    left = tuple(Unserved(visit.id, "") for visit in problem.visits if visit not in order)
    prices = cost(problem, Plan((route,), left))
    return sum(cents for name, cents in prices.items() if name != "unserved")
