"""Locks to the first places of a route ahead: visits right behind what has begun, in their order."""

from dataclasses import replace

from optimizer.drives import opening
from optimizer.errors import InfeasibleRoute
from optimizer.fetching import lacking, on_van
from optimizer.plan import Route
from optimizer.problem import Lock, Problem, Technician, Visit
from optimizer.timing import timetable


def leading(problem: Problem, technician: Technician) -> tuple[Visit, ...]:
    """Visits locked to a technician and to the places right behind the stops already begun."""
    placed: dict[int, Visit] = {}
    for lock in problem.locks:
        visit = problem.visit(lock.visit_id)
        if lock.sequence is None or lock.is_begun or visit is None:
            continue
        called = [other.id for other in problem.technicians if other.is_called(lock.technician_id)]
        if called == [technician.id]:
            placed.setdefault(lock.sequence, visit)
    found: list[Visit] = []
    place = len(problem.begun_by(technician.id))
    while place in placed:
        found.append(placed[place])
        place += 1
    return tuple(found)


def led(problem: Problem) -> Problem | None:
    """
    The day as if its leading visits had begun when they can at the earliest; None where that is not the same.

    Nothing may come before or between them, so what follows sees an opening, as behind begun stops. It is not
    the same for places further back, for members of teams, for visits that wait for others, for those with
    parts where parts can be fetched, and where they cannot be served in time.
    """
    ahead = {lock.visit_id for lock in problem.locks if lock.sequence is not None and not lock.is_begun}
    if not ahead:
        return problem
    locks = {lock.visit_id: lock for lock in problem.locks}
    crew = []
    for technician in problem.technicians:
        visits = leading(problem, technician)
        ahead -= {visit.id for visit in visits}
        route = _driven(problem, technician, visits) if visits else None
        if visits and route is None:
            return None
        crew.append(technician if route is None else _rested(problem, technician, route))
        for place, stop in enumerate(route.stops if route is not None else ()):
            locks[stop.visit_id] = Lock(stop.visit_id, technician.id, stop.start, sequence=place)
    found = replace(problem, technicians=tuple(crew), locks=tuple(locks.values()))
    return None if ahead else found.taken_as_planned()


def _driven(problem: Problem, technician: Technician, visits: tuple[Visit, ...]) -> Route | None:
    """The route up to the last leading visit and home; None where it cannot be, or depends on others."""
    is_tied = any(visit.team is not None or visit.after for visit in visits)
    fetches = bool(problem.depots) and any(visit.parts for visit in visits)
    if is_tied or fetches or lacking(on_van(problem, technician), visits)[0]:
        return None
    try:
        return timetable(problem, technician, (*problem.begun_by(technician.id), *visits))
    except InfeasibleRoute:
        return None


def _rested(problem: Problem, technician: Technician, route: Route) -> Technician:
    """The technician with the breaks alone that come after the leading visits."""
    ahead = opening(problem, technician).breaks
    over = sum(rest.start < route.stops[-1].end for rest in route.breaks)
    return replace(technician, breaks=ahead[over:])
