"""
Days as large as a region: ``python -m benchmarks.scale one|split [--visits N] [--seconds S] [--out FILE]``.

``one`` plans one day in one process: processor time until the first plan, wall clock, peak memory. ``split``
writes a company of four towns into a real PostgreSQL, asks for its day, and lets real planning workers plan
the parts and join them; what they propose is judged by the checker, and promises that it breaks are counted
as late. Each writes one row.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from benchmarks.company import fill
from benchmarks.days import field_day
from benchmarks.runs import Row, tail, write
from dispatch import bootstrap, db, migrating, travel
from dispatch.embedded import services
from dispatch.outbox import JobRun
from dispatch.planning import plan_rows, problem
from dispatch.planning.commands import request_optimise
from dispatch.planning.days import day_of
from dispatch.planning.model import DayPlan, PlanSplit
from dispatch.settings import Settings
from dispatch.work_orders.model import Visit
from optimizer import Budget, Progress, check, solve
from optimizer.engines.base import warm_up
from optimizer.plan import Plan, Unserved

ROOT = Path(__file__).parents[1]
MEGABYTE = 1024
"""Kilobytes, in which the kernel counts."""
PATIENCE = 600.0
LOOK_SECONDS = 0.2


def one(visits: int, technicians: int, *, seconds: float, seed: int) -> Row:
    """Plan a generated day in this process."""
    day = field_day(seed, visits, technicians)
    warm_up("ruin")
    firsts: list[tuple[float, float]] = []
    began, spent = time.perf_counter(), time.process_time()

    def note(_: Progress) -> None:
        firsts.append((time.perf_counter() - began, time.process_time() - spent))

    result = solve(day, Budget(seconds=seconds), seed=seed, on_progress=note)
    return {
        "wall_seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - spent, 2),
        "first_plan_seconds": round(firsts[0][0], 2),
        "first_plan_cpu_seconds": round(firsts[0][1], 2),
        "served": visits - len(result.plan.unserved),
        "violations": len(check(day, result.plan)),
        "travel": result.cost_by_term["travel"],
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MEGABYTE,
    }


def split(visits: int, technicians: int, *, seconds: float, seed: int, workers: int) -> Row:
    """Plan a company's day on workers of its own."""
    with empty_company() as environment:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        with db.transaction() as session:
            region = fill(session, midnight, visits=visits, technicians=technicians, seed=seed)
        with working(workers, environment) as children:
            began = time.perf_counter()
            with db.transaction() as session:
                request_optimise(
                    session, by=None, territory_id=region, day=midnight.date(), seed=seed, seconds=seconds
                )
            memory = _until_joined(children)
            wall = round(time.perf_counter() - began, 1)
        return {"workers": workers, "wall_seconds": wall, "rss_mb": memory, **_judged(region)}


@contextmanager
def empty_company() -> Iterator[dict[str, str]]:
    """An empty database and queue in a folder of their own, and this process wired to them."""
    with tempfile.TemporaryDirectory(prefix="scale-") as home:
        Path(home).chmod(0o711)
        settings = Settings.from_environment(
            {"TRUCKROLL_HOME": home, "TRUCKROLL_ENV": "test", "TRUCKROLL_FSYNC": "off"}
        )
        with services.start(settings) as running:
            migrating.upgrade(running.database_url)
            own = {**running.environment(), "TRUCKROLL_ENV": "test"}
            bootstrap.start(Settings.from_environment(own))
            try:
                yield own
            finally:
                bootstrap.stop()


@contextmanager
def working(count: int, environment: dict[str, str]) -> Iterator[list[int]]:
    """Planning workers as the command line starts them; their process ids."""
    kept = {"PATH", "HOME", "LANG", "PYTHONPATH"}
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("TRUCKROLL_OPTIMISER_")
    }
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "dispatch", "worker", "planning"],
            cwd=ROOT,
            env=inherited | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    try:
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=60)


def _until_joined(workers: list[int]) -> int:
    """Wait for the proposal; return the megabytes of the largest process seen meanwhile."""
    largest, end = 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        largest = max([largest, *map(_peak, _family(workers))])
        with db.transaction() as session:
            if session.scalar(select(DayPlan.id).where(DayPlan.state == "proposed")) is not None:
                return largest // MEGABYTE
            parked = session.scalar(select(JobRun.error).where(JobRun.state == "parked"))
        if parked is not None:
            raise SystemExit(f"a run was parked: {parked}")
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"no proposal within {PATIENCE:.0f} s")


def _family(pids: list[int]) -> list[int]:
    """Processes and their children."""
    found = list(pids)
    for pid in pids:
        for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(word) for word in tasks.read_text().split()]
    return found


def _peak(pid: int) -> int:
    """Most kilobytes that a process has held; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _judged(region: uuid.UUID) -> Row:
    """What the proposal holds, judged on the day as it stands in the database."""
    with db.transaction() as session:
        plan = session.scalars(select(DayPlan).where(DayPlan.state == "proposed")).one()
        parts = session.scalars(select(PlanSplit)).one_or_none()
        day = day_of(session, region, plan.day)
        promised = {row.id: row.window_end for row in session.execute(select(Visit.id, Visit.window_end))}
        late = frozenset(
            str(stop.visit_id)
            for stop in plan.stops
            if (end := promised[stop.visit_id]) is not None and stop.start > end
        )
        left_out = {str(row.visit_id) for row in plan.unserved}
        built = problem.build(session, day, travel.times(), relaxed=late | left_out)
        timed = plan_rows.to_plan(built, plan)
        left = tuple(Unserved(str(row.visit_id), row.reason) for row in plan.unserved)
        violations = check(built.problem, Plan(timed.routes, left))
        runs = session.execute(select(JobRun.kind, JobRun.finished_at - JobRun.created_at))
        return {
            "parts": plan.stats.get("parts", 1) if parts else 1,
            "served": len(plan.stops),
            "late": len(late),
            "unserved": len(plan.unserved),
            "violations": len(violations),
            "travel": plan.cost_by_term["travel"],
            "join": {name: spent for name, spent in plan.stats.items() if name.endswith("seconds")},
            "runs": sorted([kind, round(age.total_seconds(), 1)] for kind, age in runs if age is not None),
        }


def main(arguments: list[str] | None = None) -> None:
    """Measure one of the two."""
    parser = argparse.ArgumentParser(description="days as large as a region")
    parser.add_argument("what", choices=("one", "split"))
    parser.add_argument("--visits", type=int, help="5000 in one process, 20000 in parts")
    parser.add_argument(
        "--seconds", type=float, help="of the search (10), or of each part and of the join (20)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows as JSON lines")
    args = parser.parse_args(arguments)
    visits = args.visits or (5_000 if args.what == "one" else 20_000)
    seconds = args.seconds or (10.0 if args.what == "one" else 20.0)
    technicians = visits * 3 // 25
    head = {"measure": "scale", "kind": args.what, "size": visits, "technicians": technicians}
    head |= {"seconds": seconds, "seed": args.seed, "load_before": round(os.getloadavg()[0], 1)}
    if args.what == "one":
        found = one(visits, technicians, seconds=seconds, seed=args.seed)
    else:
        found = split(visits, technicians, seconds=seconds, seed=args.seed, workers=args.workers)
    row = {**head, **found, "load_after": round(os.getloadavg()[0], 1), **tail()}
    write(args.out, row)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
