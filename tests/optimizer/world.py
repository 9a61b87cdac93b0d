"""The tiny world of the planning tests: Ada and Ben, four visits on a line, ten minutes apart."""

from dataclasses import replace
from datetime import date
from typing import Any

from optimizer import (
    Budget,
    Matrix,
    Plan,
    Problem,
    Route,
    Technician,
    Unserved,
    Visit,
    Window,
    check,
    solve,
)
from optimizer.timing import timetable

MINUTE = 60
HOUR = 3600
DAY = date(2026, 3, 2)
DEPOT = 0
PLACES = 5
"""Place 0 is the depot; places 1 to 4 lie on a line, each ten minutes and five kilometres from the next."""


def at(clock: str) -> int:
    """Seconds since midnight of a clock time such as 8:30."""
    hours, minutes = clock.split(":")
    return int(hours) * HOUR + int(minutes) * MINUTE


def window(start: str, end: str) -> Window:
    """An interval between two clock times."""
    return Window(at(start), at(end))


def line_matrix(places: int = PLACES) -> Matrix:
    """Ten minutes and 5 km between neighbours on a line."""
    seconds = [[600 * abs(a - b) for b in range(places)] for a in range(places)]
    return Matrix(seconds, [[5_000 * abs(a - b) for b in range(places)] for a in range(places)])


def a_technician(name: str = "ada", **changes: Any) -> Technician:
    """A technician who works from 8 to 16 from the depot."""
    plain = Technician(name, name.capitalize(), DEPOT, DEPOT, window("8:00", "16:00"))
    return replace(plain, **changes)


def a_visit(place: int = 1, **changes: Any) -> Visit:
    """Half an hour at a place of the line, at any time; named after the place."""
    return replace(Visit(f"v{place}", place, 30 * MINUTE), **changes)


def a_day(*visits: Visit, technicians: tuple[Technician, ...] | None = None, **changes: Any) -> Problem:
    """A problem with Ada and Ben and, unless told otherwise, one visit at each of the four places."""
    crew = technicians if technicians is not None else (a_technician("ada"), a_technician("ben"))
    return replace(Problem(DAY, crew, visits or tuple(map(a_visit, (1, 2, 3, 4))), line_matrix()), **changes)


def a_plan(problem: Problem, **routes: str) -> Plan:
    """A plan from sequences such as ``ada="v1 v2"``, timed; all other visits are unserved."""
    timed: list[Route] = []
    for name, sequence in routes.items():
        technician = problem.technician(name)
        visits = [problem.visit(visit_id) for visit_id in sequence.split()]
        assert technician is not None
        assert None not in visits
        timed.append(timetable(problem, technician, [v for v in visits if v is not None]))
    served = {stop.visit_id for route in timed for stop in route.stops}
    return Plan(tuple(timed), tuple(Unserved(v.id, "CAPACITY") for v in problem.visits if v.id not in served))


def solved(problem: Problem, *, solutions: int = 40) -> Plan:
    """The engine's plan, within a budget that makes it repeatable."""
    return solve(problem, Budget(solutions=solutions)).plan


def codes(problem: Problem, plan: Plan) -> set[str]:
    """Codes of the rules that the checker finds broken."""
    return {violation.code for violation in check(problem, plan)}


def served_by(plan: Plan) -> dict[str, str]:
    """Technician of each visit that is on a route."""
    return {stop.visit_id: route.technician_id for route in plan.routes for stop in route.stops}


def reasons(plan: Plan) -> dict[str, str]:
    """Reason of each visit left out."""
    return {left.visit_id: left.reason for left in plan.unserved}
