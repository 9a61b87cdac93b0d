"""Parts: what the visits of a route use up never exceeds what the van carried when the route began."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.plan import Plan, Violation
from optimizer.problem import Problem, Technician, Visit

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "PARTS"
TITLE = "Parts on the van"
ACTION = "load the part on a van, or plan the visit after the part has come"


def used_by(problem: Problem) -> bool:
    """Whether any visit of the day uses parts."""
    return any(visit.parts for visit in problem.visits)


def on_van(problem: Problem, technician: Technician) -> Mapping[str, int]:
    """Stock left for planning after the stops already begun."""
    begun = problem.begun_by(technician.id)
    if not begun:
        return technician.stock
    left = dict(technician.stock)
    for visit in begun:
        for part, quantity in visit.parts.items():
            left[part] = max(0, left.get(part, 0) - quantity)
    return left


def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say which part the van does not carry in sufficient quantity for this visit alone, or None."""
    if not visit.parts:
        return None
    stock = on_van(problem, technician)
    lacking = [part for part, quantity in sorted(visit.parts.items()) if stock.get(part, 0) < quantity]
    return f"the van of {technician.name} lacks {', '.join(lacking)}" if lacking else None


def add(model: "DayModel", problem: Problem) -> None:
    """Forbid vans without the part; count along the route only parts that several visits compete for."""
    forbid_pairs(model, problem, forbids)
    wanted = Counter(part for visit in model.visits for part, need in visit.parts.items() if need)
    stock = {t.id: on_van(problem, t) for t in problem.technicians}
    for part in sorted(part for part, visits in wanted.items() if visits > 1):
        demand = {visit.id: visit.parts.get(part, 0) for visit in model.visits}
        model.count(f"part {part}", demand, {t: van.get(part, 0) for t, van in stock.items()})


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield the first stop of each route at which a part has run out, once per part."""
    left: dict[str, dict[str, int]] = {}
    reported: set[tuple[str, str]] = set()
    for technician, visit, _ in plan.choices(problem):
        van = left.setdefault(technician.id, dict(on_van(problem, technician)))
        for part, quantity in sorted(visit.parts.items()):
            van[part] = van.get(part, 0) - quantity
            if van[part] < 0 and (technician.id, part) not in reported:
                reported.add((technician.id, part))
                message = f"the van of {technician.name} is {-van[part]} short of {part} at visit {visit.id}"
                yield Violation(CODE, visit.id, message)
