"""Runs in processes of their own, judged by our checker: one row for each, also for those that fail."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from optimizer import Plan, Problem, Visit, check, cost
from optimizer.insertion import mended
from optimizer.schedule import retimed
from optimizer.wire import plan_from_json

ROOT = Path(__file__).parents[1]
CALM = 0.93
"""Share of the clock that the processor must have worked for a run to count as undisturbed."""
SETTING_UP = 180.0
"""Seconds that a process may take to start, make its problem and compile."""
COMPILING = 900.0
"""Seconds for compiling a solver that was never compiled before."""
PATIENCE = 6.0
"""Times the limit after which a solver that does not end is stopped."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Runner:
    """A solver that is installed."""

    name: str
    version: str
    uses_seed: bool
    limits_cpu: bool


def in_worker(job: Row, *, limit: float) -> Row:
    """Let a process carry out a job; a crash or a time-out is an outcome, not an error."""
    paths = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    paths = [str(ROOT), *(str(Path(entry).resolve()) for entry in paths)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    ) as worker:
        try:
            told, complaint = worker.communicate(json.dumps(job), timeout=limit)
        except subprocess.TimeoutExpired:
            return {"failed": f"stopped after {limit:.0f} s"}
        finally:
            with suppress(ProcessLookupError):  # what it has started belongs to the same session
                os.killpg(worker.pid, signal.SIGKILL)
    if worker.returncode:
        return {"failed": _reason(worker.returncode, complaint)}
    outcome: Row = json.loads(told)
    return outcome


def _reason(code: int, complaint: str) -> str:
    """Why a process ended, in one line without paths."""
    if code < 0:
        return f"crashed by {signal.Signals(-code).name}"
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return f"ended with {lines[-1][:160]}" if lines else f"ended with code {code}"


def runners(names: Iterable[str]) -> dict[str, Runner]:
    """Solvers that are installed; the others are named."""
    found = {}
    for name in names:
        told = in_worker({"task": "about", "solvers": [name]}, limit=COMPILING)
        if "failed" in told or "missing" in told[name]:
            print(f"not measured: {told.get('failed') or told[name]['missing']}", file=sys.stderr)
            continue
        found[name] = Runner(name, **told[name])
    return found


def judged(problem: Problem, outcome: Row) -> Row:
    """Figures of a plan by our clock, checker and prices; a visit placed against the rules is dropped."""
    dropped = 0
    if "plan" in outcome:
        found: Plan = plan_from_json(outcome["plan"])
    else:
        orders = {who: tuple(map(_known(problem), names)) for who, names in outcome["orders"].items()}
        sound = mended(problem, orders)
        dropped = sum(map(len, orders.values())) - sum(map(len, sound.values()))
        found = retimed(problem, sound)
    prices = cost(problem, found)
    served = sum(len(route.stops) for route in found.routes)
    return {
        **{key: value for key, value in outcome.items() if key not in {"plan", "orders"}},
        "unserved": len(problem.visits) - served,
        "dropped": dropped,
        "cost": sum(prices.values()),
        "travel": prices["travel"],
        "terms": {term: cents for term, cents in prices.items() if cents},
        "valid": not check(problem, found) and not dropped,
    }


def _known(problem: Problem) -> Any:
    """From a name to the visit."""
    visits = {visit.id: visit for visit in problem.visits}

    def named(name: str) -> Visit:
        return visits[name]

    return named


def measured(case: Case, runner: Runner, *, seconds: float, seed: int, repeats: int) -> Row:
    """Measure, again while other work disturbs a run that is limited by the clock; keep the calmest."""
    best: Row = {}
    for attempt in range(1, repeats + 2):
        job = {"task": "plan", "recipe": dict(case.recipe), "solver": runner.name}
        job |= {"seconds": seconds, "seed": seed}
        outcome = in_worker(job, limit=SETTING_UP + PATIENCE * seconds)
        if "refused" in outcome or "failed" in outcome:
            return outcome
        row = judged(case.problem, outcome)
        row["share"] = round(row["cpu_seconds"] / max(row["wall_seconds"], 1e-3), 3)
        if not best or row["share"] > best["share"]:
            best = row
        best["attempts"] = attempt
        if best["share"] >= CALM or runner.limits_cpu:
            break
    is_comparable = case.best is not None and best["unserved"] == 0
    best["gap"] = round(best["travel"] / case.best - 1, 6) if is_comparable and case.best else None
    return best


def head_of(case: Case, runner: Runner, *, seconds: float, seed: int) -> Row:
    """What was asked; ``key_of`` takes it apart."""
    problem = case.problem
    return {
        "measure": "quality",
        "kind": case.kind,
        "instance": case.name,
        "family": case.family,
        "recipe": case.published,
        "visits": len(problem.visits),
        "technicians": len(problem.technicians),
        "best": case.best,
        "solver": runner.name,
        "version": runner.version,
        "seed": seed,
        "seconds": seconds,
    }


def key_of(row: Row) -> str:
    """What makes a run the same run: a later row of the same key takes the place of an earlier one."""
    names = ("measure", "kind", "instance", "recipe", "solver", "version", "seed", "seconds", "size", "rules")
    names += ("row", "first")  # of faults, and of campaigns in parts
    names += ("side", "phones", "minutes")  # of phones under load, ours and the baseline
    return json.dumps([row.get(name) for name in names], sort_keys=True)


def tested(
    folder: Path, words: Sequence[str], room: Mapping[str, str], *, seconds: float
) -> subprocess.CompletedProcess[str] | None:
    """Run tests of a checkout, slow ones as well; None where they gave no answer in time."""
    command = [sys.executable, "-m", "pytest", "-m", "", "-q", "-p", "no:cacheprovider", *words]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=os.environ | room,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


def tail() -> Row:
    """Where and when a row was measured."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": moment, "load": [round(load, 2) for load in os.getloadavg()], "machine": machine()}


def machine() -> Row:
    """The machine, as far as it may matter."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def rows_in(*paths: Path) -> Iterator[Row]:
    """Rows of files, the last one of each key, in the order of their keys' first rows."""
    found: dict[str, Row] = {}
    for path in paths:
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    row = json.loads(line)
                    found[key_of(row)] = row
    yield from found.values()


def write(path: Path | None, row: Row) -> None:
    """Append one row at once, so that an interrupted measurement goes on where it stopped."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
