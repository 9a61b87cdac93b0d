"""What a rich day remembers beside its routes: opened for a search, set anew, and read at its end."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from optimizer.engines.ruin import richly, ties
from optimizer.engines.ruin.arrays import Day, Routes, empty_routes
from optimizer.engines.ruin.layout import DRIVER, IDLE, Index, Whole
from optimizer.engines.ruin.linking import link
from optimizer.engines.ruin.memory import Search
from optimizer.engines.ruin.rich import (
    BEHIND,
    BEST_LOW,
    FETCHED,
    HIGH,
    IDLE_WORK,
    LEAST,
    LOW,
    MOST,
    OWN,
    SHELF,
    TIED,
    TRIED,
    WORK,
)
from optimizer.engines.ruin.routes import retimed
from optimizer.problem import Problem, Visit, Window
from optimizer.schedule import scheduled

Orders: TypeAlias = Sequence[tuple[int, Sequence[int]]]
"""Technicians and the nodes of their open stops, in order."""


def connect(day: Day, routes: Routes, search: Search) -> None:
    """Load the loops that a rich day needs."""
    if day.rich.used:
        richly.connect(day, routes, search)
    if day.rich.tied:
        ties.connect(day, routes, search)


def set_anew(day: Day, bounds: Whole | None = None) -> None:
    """Forget all routes: idle days, full shelves, and the bounds given, or none but those of begun stops."""
    rich, parts = day.rich, day.use.shape[1]
    if not rich.used:
        return
    rich.crew[:, WORK], rich.crew[:, OWN] = rich.crew[:, IDLE_WORK], day.crew[:, IDLE]
    rich.crew[:, BEHIND], rich.crew[:, FETCHED:] = -1, 0
    rich.depots[:, SHELF + parts :] = rich.depots[:, SHELF : SHELF + parts]
    rich.visit[:, LOW], rich.visit[:, HIGH] = rich.visit[:, LEAST], rich.visit[:, MOST]
    rich.visit[:, TRIED] = -1
    if bounds is not None:
        rich.visit[:, LOW : HIGH + 1] = bounds


def laid(day: Day, orders: Orders, bounds: Whole | None = None) -> Routes:
    """Routes of which each technician named has these nodes, one behind the other; no others are in force."""
    routes = empty_routes(day)
    set_anew(day, bounds)
    for who in range(day.people if day.rich.used else 0):
        retimed(day, routes, who)
    for who, nodes in orders:
        before = day.visits + who
        for node in nodes:
            link(routes.links, routes.tours, who, node, before)
            before = node
        retimed(day, routes, who)
    return routes


def bounds_now(day: Day) -> Whole | None:
    """Bounds of the plan under change."""
    return day.rich.visit[:, LOW : HIGH + 1].copy() if day.rich.tied else None


def best_bounds(day: Day) -> Whole | None:
    """Bounds of the best plan."""
    return day.rich.visit[:, BEST_LOW : BEST_LOW + 2].copy() if day.rich.tied else None


def keep_bounds(day: Day) -> None:
    """Remember the bounds as those of the best plan."""
    day.rich.visit[:, BEST_LOW : BEST_LOW + 2] = day.rich.visit[:, LOW : HIGH + 1]


def moments_of(problem: Problem, day: Day, kept: Mapping[str, Sequence[Visit]]) -> Whole | None:
    """Bounds under which visits of a start that depend on one another keep their moments."""
    if not day.rich.tied:
        return None
    bounds = day.rich.visit[:, (LEAST, MOST)].copy()
    moments = {stop.visit_id: stop.start for route in scheduled(problem, kept) for stop in route.stops}
    for node, visit in enumerate(v for v in problem.visits if not problem.is_begun(v.id)):
        if visit.id in moments and day.rich.visit[node, TIED]:
            bounds[node] = moments[visit.id]
    return bounds


def bounded(problem: Problem, day: Day, links: Index) -> Problem:
    """The problem while visits that depend on one another keep to the bounds of the best plan."""
    if not day.rich.tied:
        return problem
    open_visits = (v for v in problem.visits if not problem.is_begun(v.id))
    return problem.bounded(
        {
            visit.id: Window(*day.rich.visit[node, BEST_LOW : BEST_LOW + 2].tolist())
            for node, visit in enumerate(open_visits)
            if day.rich.visit[node, TIED] and links[node, DRIVER] >= 0
        }
    )
