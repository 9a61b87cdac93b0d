"""Breaks: every break of a technician on the road begins in its interval, whole, and outside services."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from optimizer.drives import opening
from optimizer.plan import Plan, Route, Violation
from optimizer.problem import Break, Problem
from optimizer.units import clock, span

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "BREAK"
TITLE = "Breaks"
ACTION = "move the break, or take a visit off the technician's day"


def used_by(problem: Problem) -> bool:
    """Whether anybody has a break."""
    return any(technician.breaks for technician in problem.technicians)


def add(model: "DayModel", problem: Problem) -> None:
    """Reserve each break that still lies ahead."""
    for technician in problem.technicians:
        begin = opening(problem, technician)
        model.rest(
            technician, [Break(max(p.earliest, begin.ready), p.latest, p.duration) for p in begin.breaks]
        )


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield missing, misplaced, shortened, doubled and interrupted breaks of routes that serve visits."""
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        if technician is None or not route.stops:
            continue
        begin = opening(problem, technician)
        for message in (*_misplaced(begin.breaks, route), *_overlaps(problem, route)):
            yield Violation(CODE, technician.id, f"{technician.name} {message}")


def _misplaced(due: tuple[Break, ...], route: Route) -> Iterator[str]:
    """Yield what differs between breaks due and breaks taken, both in order of time."""
    if len(route.breaks) != len(due):
        yield f"takes {len(route.breaks)} breaks where {len(due)} are due"
        return
    for pause, taken in zip(due, sorted(route.breaks, key=lambda b: b.start), strict=True):
        if not pause.earliest <= taken.start <= pause.latest:
            allowed = f"{clock(pause.earliest)}-{clock(pause.latest)}"
            yield f"begins a break at {clock(taken.start)}, outside {allowed}"
        if taken.end - taken.start != pause.duration:
            yield f"rests {span(taken.end - taken.start)} instead of {span(pause.duration)}"


def _overlaps(problem: Problem, route: Route) -> Iterator[str]:
    """Yield breaks that run into each other or into a service."""
    taken = sorted(route.breaks, key=lambda b: b.start)
    if any(second.start < first.end for first, second in pairwise(taken)):
        yield "takes two breaks at once"
    for stop in route.stops:
        if problem.is_begun(stop.visit_id):
            continue
        if any(rest.start < stop.end and stop.start < rest.end for rest in taken):
            yield f"rests during the service of visit {stop.visit_id}"
