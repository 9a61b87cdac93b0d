"""Parts: a route never uses up more than the van carried when it began and what was fetched from depots."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.fetching import has, lacking, on_van
from optimizer.plan import Fetch, Plan, Route, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "PARTS"
TITLE = "Parts on the van"
ACTION = "load the part on a van, or plan the visit after the part has come"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day uses parts."""
    return any(visit.parts for visit in problem.visits)


def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say which parts neither the van carries nor a depot has for this visit alone, or None."""
    if not visit.parts:
        return None
    stock = on_van(problem, technician)
    short, _ = lacking(stock, (visit,))
    if not short or any(has(depot, short) for depot in problem.depots):
        return None
    return f"the van of {technician.name} lacks {', '.join(sorted(short))}"


def add(model: "DayModel", problem: Problem) -> None:
    """Forbid vans without the part; count along the route only parts that several visits compete for."""
    forbid_pairs(model, problem, forbids)
    wanted = Counter(part for visit in model.visits for part, need in visit.parts.items() if need)
    vans = {t.id: on_van(problem, t) for t in problem.technicians}
    for part in sorted(part for part, visits in wanted.items() if visits > 1):
        demand = {visit.id: visit.parts.get(part, 0) for visit in model.visits}
        fetched = max((depot.stock.get(part, 0) for depot in problem.depots), default=0)
        stock = {who: van.get(part, 0) + fetched for who, van in vans.items()}
        model.count(f"part {part}", demand, stock)
        model.share_vans(f"part {part}", stock)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield the first stop of each route at which a part has run out, and depots that do not have so much."""
    routes = {route.technician_id: route for route in plan.routes}
    for shifts in shifts_of(problem).values():
        yield from van_violations(problem, shifts, routes)
    yield from depot_violations(problem, plan)


def shifts_of(problem: Problem) -> dict[str, list[Technician]]:
    """Each person's shifts in the order of time: they share a van."""
    shifts: dict[str, list[Technician]] = {}
    for technician in sorted(problem.technicians, key=lambda t: (t.shift.start, t.id)):
        shifts.setdefault(technician.who, []).append(technician)
    return shifts


def van_violations(
    problem: Problem, shifts: Sequence[Technician], routes: Mapping[str, Route]
) -> Iterator[Violation]:
    """Follow one van through the shifts of its keeper; what is used up is not there in later ones."""
    used: Counter[str] = Counter()
    for technician in shifts:
        stock, short = on_van(problem, technician), set()
        route = routes.get(technician.id)
        for call in route.calls() if route is not None else ():
            if isinstance(call, Fetch):
                used.subtract(call.parts)
                continue
            visit = problem.visit(call.visit_id)
            if visit is None or problem.is_begun(visit.id):
                continue
            used.update(visit.parts)
            for part in sorted(visit.parts):
                missing = used[part] - stock.get(part, 0)
                if missing > 0 and visit.parts[part] and part not in short:
                    short.add(part)
                    message = f"the van of {technician.name} is {missing} short of {part} at visit {visit.id}"
                    yield Violation(CODE, visit.id, message)


def depot_violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield fetches from depots that are unknown or do not have so much."""
    fetched: dict[str, Counter[str]] = {}
    for route in plan.routes:
        for fetch in route.fetches:
            fetched.setdefault(fetch.depot_id, Counter()).update(fetch.parts)
    stocks = {depot.id: depot.stock for depot in problem.depots}
    for depot, parts in sorted(fetched.items()):
        if depot not in stocks:
            yield Violation(CODE, depot, f"there is no depot {depot}")
            continue
        for part, quantity in sorted(parts.items()):
            there = stocks[depot].get(part, 0)
            if not 0 <= quantity <= there:
                message = f"{quantity} of {part} are fetched at {depot}, which has {there}"
                yield Violation(CODE, depot, message)
