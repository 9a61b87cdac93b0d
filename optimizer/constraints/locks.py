"""Locks: what a person decided or what has already begun keeps its technician, start and position."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.constraints.pairs import forbid_pairs
from optimizer.plan import Plan, Violation
from optimizer.problem import Lock, Problem, Technician, Visit
from optimizer.units import clock

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "LOCK"
TITLE = "Locks"
ACTION = "loosen the lock"


def used_by(problem: Problem) -> bool:
    """Whether anything is locked."""
    return bool(problem.locks)


def forbids(problem: Problem, technician: Technician, visit: Visit) -> str | None:
    """Say that a lock gives the visit to somebody else, or None."""
    lock = problem.lock(visit.id)
    if lock is None or lock.technician_id is None or technician.is_called(lock.technician_id):
        return None
    return f"visit {visit.id} is locked to {lock.technician_id}, not {technician.name}"


def add(model: "DayModel", problem: Problem) -> None:
    """Bind technicians and positions; locked times come in as windows."""
    forbid_pairs(model, problem, forbids)
    places = {}
    for visit in model.visits:
        lock = problem.lock(visit.id)
        if lock is not None and lock.sequence is not None:
            places[visit.id] = lock.sequence
    if places:
        model.place(places, {t.id: len(problem.begun_by(t.id)) for t in problem.technicians})


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield every lock that the plan breaks."""
    served = {
        stop.visit_id: (route.technician_id, position, stop.start)
        for route in plan.routes
        for position, stop in enumerate(route.stops)
    }
    for lock in problem.locks:
        place = served.get(lock.visit_id)
        if place is None:
            if lock.is_begun:
                yield Violation(
                    CODE, lock.visit_id, f"visit {lock.visit_id} has begun and is not in the plan"
                )
            continue
        for message in _broken(problem, lock, *place):
            yield Violation(CODE, lock.visit_id, f"visit {lock.visit_id} {message}")


def _broken(problem: Problem, lock: Lock, technician_id: str, position: int, start: int) -> Iterator[str]:
    """Yield what a served visit does against its lock."""
    technician = problem.technician(technician_id)
    if lock.technician_id and (technician is None or not technician.is_called(lock.technician_id)):
        yield f"is locked to {lock.technician_id}, not {technician_id}"
    if lock.start is not None and start != lock.start:
        yield f"is locked to begin at {clock(lock.start)}, not {clock(start)}"
    elif lock.start is None and lock.range and not lock.range.start <= start <= lock.range.end:
        allowed = f"{clock(lock.range.start)}-{clock(lock.range.end)}"
        yield f"is locked to begin in {allowed}, not at {clock(start)}"
    if lock.sequence is not None and position != lock.sequence:
        yield f"is locked to position {lock.sequence}, not {position}"
