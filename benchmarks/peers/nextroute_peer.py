"""
nextroute as a peer: its program is run as another process, one thread, our prices as its objective.

Its licence (BUSL-1.1) allows the comparison, not the use in a product. It has no seed, wants coordinates for
its removals besides the matrices, and gets them from the matrix by scaling to two dimensions.
"""

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.seam import Able, Sequences, able, amounts, parts_of, require_told, roads
from optimizer import Problem, Technician, Visit
from optimizer.objectives.unserved import visit_cents

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
TO_THE_SECOND = 60
"""It wants windows at full minutes: one of our seconds is told as one minute."""
LANDMARKS = 150
METRES_TO_A_DEGREE = 111_195.0
Places = NDArray[np.float64]


class Nextroute:
    """nextroute with its default settings on one thread."""

    uses_seed = False  # plan() takes one all the same, as every solver does
    limits_cpu = False

    def __init__(self) -> None:
        found = find_spec("nextroute")
        if found is None or found.origin is None:
            raise ImportError("no package nextroute")
        self.program = Path(found.origin).parent / "bin" / "nextroute.exe"
        if not self.program.is_file():
            raise ImportError("the package nextroute carries no program for this platform")
        try:
            self.version = version("nextroute")
        except PackageNotFoundError:
            self.version = "unknown"

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> Sequences:
        """Write the problem, run the program, read its routes."""
        began = time.perf_counter()
        require_told(problem, also=frozenset(("windows",)))
        if not problem.technicians or not problem.visits:
            return {}
        told = json.dumps(_told(problem))
        left = max(0.05, seconds - (time.perf_counter() - began))
        policy = problem.policy
        settings = {
            "solve.duration": f"{int(1000 * left)}ms",
            "solve.parallelruns": "1",
            "model.objectives.distance": f"{policy.travel_cents_per_km / 1000:.9f}",
            "model.objectives.travelduration": f"{policy.travel_cents_per_hour / 3600 / TO_THE_SECOND:.9f}",
            "model.objectives.vehiclesduration": "0",
        }
        words = [word for name, value in settings.items() for word in (f"-{name}", value)]
        ran = subprocess.run(
            [str(self.program), *words, "-format.disable.progression"],
            input=told,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, "GOMAXPROCS": "1"},
        )
        if ran.returncode:
            raise RuntimeError(ran.stderr.strip()[-200:])
        return _sequences(problem, json.loads(ran.stdout))


def _told(problem: Problem) -> dict[str, Any]:
    """Stops first, then the start and the end of every vehicle, in the matrices as in the lists."""
    needs, parts = able(problem), parts_of(problem)
    rows = [visit.location for visit in problem.visits]
    rows += [place for who in problem.technicians for place in (who.start, who.end)]
    seconds = roads(problem)[0]
    metres = np.array(problem.matrix.metres, dtype=np.int64)
    spread = _coordinates(metres)
    points = [{"lon": float(x), "lat": float(y)} for x, y in spread]
    own = np.ix_(rows, rows)
    return {
        "stops": [
            _stop(problem, at, needs, parts, points[v.location]) for at, v in enumerate(problem.visits)
        ],
        "vehicles": [_vehicle(at, who, needs, parts, points) for at, who in enumerate(problem.technicians)],
        "duration_matrix": (TO_THE_SECOND * seconds[own]).tolist(),
        "distance_matrix": metres[own].tolist(),
    }


def _stop(
    problem: Problem, at: int, needs: Able, parts: tuple[str, ...], point: dict[str, float]
) -> dict[str, Any]:
    """One visit, named by its number."""
    visit: Visit = problem.visits[at]
    told: dict[str, Any] = {
        "id": str(at),
        "location": point,
        "duration": TO_THE_SECOND * visit.duration,
        "compatibility_attributes": [str(needs.need[at])],
        "unplanned_penalty": visit_cents(problem, visit),
    }
    if visit.windows:
        told["start_time_window"] = [[_moment(w.start), _moment(w.end)] for w in visit.windows]
    if parts:
        told["quantity"] = {p: -n for p, n in zip(parts, amounts(visit.parts, parts), strict=True)}
    return told


def _vehicle(
    at: int, who: Technician, needs: Able, parts: tuple[str, ...], points: list[dict[str, float]]
) -> dict[str, Any]:
    """One technician, named by the number in the crew."""
    told: dict[str, Any] = {
        "id": str(at),
        "start_location": points[who.start],
        "end_location": points[who.end],
        "start_time": _moment(who.shift.start),
        "end_time": _moment(who.shift.end),
        "compatibility_attributes": [str(n) for n, holders in enumerate(needs.holders) if at in holders],
    }
    if parts:
        told["capacity"] = dict(zip(parts, amounts(who.stock, parts), strict=True))
        told["start_level"] = dict.fromkeys(parts, 0)
    return told


def _moment(seconds: int) -> str:
    return (MIDNIGHT + timedelta(seconds=TO_THE_SECOND * seconds)).isoformat()


def _coordinates(metres: NDArray[np.int64]) -> Places:
    """Places in degrees whose straight distances are near those of the matrix: scaling with landmarks."""
    both = (metres + metres.T) / 2.0
    marks = np.unique(np.linspace(0, len(both) - 1, min(LANDMARKS, len(both))).astype(int))
    squares = both[np.ix_(marks, marks)] ** 2
    means = squares.mean(axis=0)
    centred = -0.5 * (squares - means[None, :] - means[:, None] + means.mean())
    values, vectors = np.linalg.eigh(centred)
    axes = vectors[:, -2:] / np.sqrt(np.maximum(values[-2:], 1e-9))
    places = -0.5 * (both[:, marks] ** 2 - means[None, :]) @ axes
    if places.shape[1] < 2:
        places = np.zeros((len(both), 2))
    spread: Places = 10.0 + places / METRES_TO_A_DEGREE
    return spread


def _sequences(problem: Problem, output: dict[str, Any]) -> Sequences:
    """Routes of the last solution, without the ways from and to the ends."""
    orders: Sequences = {}
    solutions = output.get("solutions") or []
    for vehicle in solutions[-1]["vehicles"] if solutions else ():
        names = [step["stop"]["id"] for step in vehicle.get("route") or ()]
        visits = tuple(problem.visits[int(name)] for name in names if name.isdecimal())
        if visits:
            orders[problem.technicians[int(vehicle["id"])].id] = visits
    return orders
