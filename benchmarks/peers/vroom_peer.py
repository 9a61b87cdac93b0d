"""VROOM as a peer, through pyvroom: one skill for each kind of need, our prices as its matrix of costs."""

import time
from datetime import timedelta
from importlib.metadata import version

import numpy as np
import vroom
from vroom.solution.solution import Solution

from benchmarks.peers.seam import Able, Sequences, able, amounts, parts_of, require_told, roads
from optimizer import Problem, Technician, Visit, Window
from optimizer.objectives.unserved import visit_cents

MOST_EXPLORATION = 5
HIGHEST_PRIORITY = 100
TELLS = frozenset(("breaks", "windows"))


class Vroom:
    """VROOM on its most thorough level; it has no seed and may end before its time, or after it."""

    uses_seed = False  # plan() takes one all the same, as every solver does
    limits_cpu = False

    def __init__(self) -> None:
        self.version = f"{version('pyvroom')} (pyvroom, level {MOST_EXPLORATION})"

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Sequences:
        """Translate and search."""
        began = time.perf_counter()
        require_told(problem, also=TELLS)
        told = _told(problem)
        left = max(0.01, seconds - (time.perf_counter() - began))
        solution = told.solve(
            exploration_level=MOST_EXPLORATION, nb_threads=1, timeout=timedelta(seconds=left)
        )
        return _sequences(problem, solution)

    def first_plan(self, problem: Problem, *, seed: int) -> Sequences:
        """The plan of its least thorough level."""
        require_told(problem, also=TELLS)
        solution = _told(problem).solve(exploration_level=0, nb_threads=1, timeout=timedelta(milliseconds=1))
        return _sequences(problem, solution)


def _told(problem: Problem) -> vroom.Input:
    """The problem as VROOM's input."""
    seconds, cents = roads(problem)
    needs, parts = able(problem), parts_of(problem)
    dearest = max((visit_cents(problem, visit) for visit in problem.visits), default=1)
    told = vroom.Input()
    told.set_durations_matrix("car", seconds.astype(np.uint32))
    told.set_costs_matrix("car", cents.astype(np.uint32))
    told.add_vehicle([_vehicle(at, who, needs, parts) for at, who in enumerate(problem.technicians)])
    told.add_job(
        [
            _job(at, visit, needs, parts, priority=HIGHEST_PRIORITY * visit_cents(problem, visit) // dearest)
            for at, visit in enumerate(problem.visits)
        ]
    )
    return told


def _vehicle(at: int, technician: Technician, needs: Able, parts: tuple[str, ...]) -> vroom.Vehicle:
    """One technician; vehicles are numbered from 1."""
    breaks = [
        vroom.Break(number, [vroom.TimeWindow(pause.earliest, pause.latest)], pause.duration)
        for number, pause in enumerate(technician.breaks, 1)
    ]
    return vroom.Vehicle(
        at + 1,
        start=technician.start,
        end=technician.end,
        capacity=amounts(technician.stock, parts),
        skills={kind for kind, holders in enumerate(needs.holders) if at in holders},
        time_window=_window(technician.shift),
        breaks=breaks,
    )


def _job(at: int, visit: Visit, needs: Able, parts: tuple[str, ...], *, priority: int) -> vroom.Job:
    """One visit; jobs are numbered from 1."""
    return vroom.Job(
        at + 1,
        visit.location,
        default_service=visit.duration,
        delivery=vroom.Amount(amounts(visit.parts, parts)),
        skills={needs.need[at]},
        priority=priority,
        time_windows=[_window(window) for window in visit.windows],
    )


def _window(window: Window) -> vroom.TimeWindow:
    return vroom.TimeWindow(window.start, window.end)


def _sequences(problem: Problem, solution: Solution) -> Sequences:
    """The jobs of each vehicle in order."""
    orders: dict[str, list[Visit]] = {}
    steps = solution.routes
    for vehicle, kind, job in zip(steps["vehicle_id"], steps["type"], steps["id"], strict=True):
        if kind == "job":
            orders.setdefault(problem.technicians[vehicle - 1].id, []).append(problem.visits[job - 1])
    return {name: tuple(visits) for name, visits in orders.items()}
