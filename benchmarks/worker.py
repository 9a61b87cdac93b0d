"""
One run of one solver, in a process of its own: a job as JSON on standard input, the outcome as JSON out.

``python -m benchmarks.worker``; ``runs`` starts it, so that a solver that crashes or hangs takes nothing
along. Whatever a solver prints goes to standard error.
"""

import json
import os
import resource
import sys
import time
from typing import Any

from benchmarks.cases import made
from benchmarks.peers.seam import CannotTell, NotInstalled, Solver, solver
from optimizer import Plan
from optimizer.wire import plan_to_json

Outcome = dict[str, Any]


def about(name: str) -> Outcome:
    """What is installed under a solver's name; compiles it, so that no run has to wait for that."""
    try:
        found = solver(name)
    except NotInstalled as error:
        return {"missing": str(error)}
    found.warm_up()
    return {"version": found.version, "uses_seed": found.uses_seed, "limits_cpu": found.limits_cpu}


def planned(job: dict[str, Any]) -> Outcome:
    """Let a solver plan a problem; building its model counts, making the problem and compiling do not."""
    chosen = solver(job["solver"])
    problem = made(json.dumps(job["recipe"], sort_keys=True))
    chosen.warm_up()
    before = resident_kilobytes()
    wall, cpu = time.perf_counter(), cpu_seconds()
    try:
        found = _found(chosen, job, problem)
    except CannotTell as refusal:
        return {"refused": str(refusal)}
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    outcome: Outcome = {
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "rss_mb": round(resident_kilobytes() / 1024),
        "rss_before_mb": round(before / 1024),
    }
    if isinstance(found, Plan):
        return {**outcome, "plan": plan_to_json(found)}
    return {**outcome, "orders": {name: [visit.id for visit in visits] for name, visits in found.items()}}


def _found(chosen: Solver, job: dict[str, Any], problem: Any) -> Any:
    """The plan, or with ``first`` the plan before any improvement."""
    if job.get("first"):
        first = getattr(chosen, "first_plan", None)
        if first is None:
            raise CannotTell("a first plan apart from the search")
        return first(problem, seed=job["seed"])
    return chosen.plan(problem, seconds=job["seconds"], seed=job["seed"])


def cpu_seconds() -> float:
    """Processor time of this process and of those it has started and waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def resident_kilobytes() -> int:
    """Most memory held so far, by this process or one that it has started."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main() -> None:
    """Carry out one job."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    if job["task"] == "about":
        outcome = {name: about(name) for name in job["solvers"]}
    elif job["task"] == "plan":
        outcome = planned(job)
    else:
        from benchmarks import measures

        outcome = measures.MEASURES[job["task"]](job)
        outcome["rss_mb"] = round(resident_kilobytes() / 1024)
    json.dump(outcome, answer)
    answer.close()


if __name__ == "__main__":
    main()
