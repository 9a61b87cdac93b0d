"""
The phone's protocol under thousands of generated stories, judged by P1 to P18:
``python -m benchmarks.phone_stories [--stories 5000] [--steps 100] [--minutes M] [--first 0]``.

Stories come in portions of fifty, each with a seed and a database of its own; several calls with portions of
their own (``--first``) use several processors. What has been judged is kept
in a state file, so an interrupted campaign goes on where it stopped, unless the sources have changed since.
A portion that fails leaves its report, with the shortest story that shows the fault.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.runs import tail, tested
from benchmarks.sources import Sources

ROOT = Path(__file__).parents[1]
STORY = ROOT / "tests" / "phone" / "test_properties.py"
RESULTS = Path(__file__).parent / "results" / "phone-stories.jsonl"
FOLDER = Path("build/campaign-sync")
MEASURE = "phone stories"
PORTION = 50
SLOWEST = 60.0
"""Seconds that one story may take before its portion counts as stuck."""


def version() -> str:
    """Name the state of everything that a story runs through."""
    return Sources(folders=("dispatch", "tests")).digest_for(STORY)


def state_at(path: Path, *, of: str, steps: int, first: int = 0) -> dict[str, Any]:
    """Return how far a campaign has come; a new one where there is none of this version and length."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if (kept.get("version"), kept.get("steps")) == (of, steps):
        return kept
    return {"version": of, "steps": steps, "portions": first, "failed": [], "seconds": 0.0}


def is_sound(portion: int, steps: int, report: Path) -> bool:
    """Let one portion of stories happen; a fault leaves its report."""
    room = {
        "TRUCKROLL_SYNC_EXAMPLES": str(PORTION),
        "TRUCKROLL_SYNC_STEPS": str(steps),
        "TRUCKROLL_SYNC_SEED": str(portion + 1),
        "TRUCKROLL_SYNC_PARTS": "1",
        "TRUCKROLL_SYNC_SHRINK": "1",
    }
    done = tested(ROOT, [str(STORY)], room, seconds=SLOWEST * PORTION)
    if done is None:
        report.write_text(f"no answer in {SLOWEST * PORTION:.0f} s", encoding="utf-8")
        return False
    if done.returncode != 0:
        report.write_text(done.stdout + done.stderr, encoding="utf-8")
    return done.returncode == 0


def run(state: dict[str, Any], path: Path, *, last: int, until: float) -> None:
    """Judge portions from where the state stands until the last, or until time is up."""
    while state["portions"] < last and time.monotonic() < until:
        began, number = time.monotonic(), int(state["portions"])
        report = path.parent / f"portion-{number:04d}.txt"
        if not is_sound(number, int(state["steps"]), report):
            state["failed"].append(number)
            print(f"portion {number}: {report}", flush=True)
        state["portions"] = number + 1
        state["seconds"] += time.monotonic() - began
        path.write_text(json.dumps(state), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign, print one line and write one row; 1 when any story failed."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--stories", type=int, default=5_000)
    reader.add_argument("--steps", type=int, default=100)
    reader.add_argument("--minutes", type=float, default=1e6, help="stop after so long; run again to go on")
    reader.add_argument("--first", type=int, default=0, help="portion to begin with, of 50 stories each")
    reader.add_argument("--folder", type=Path, default=FOLDER, help="state, and reports of faults")
    reader.add_argument("--out", type=Path, default=RESULTS, help="file of rows, one for each call")
    told = reader.parse_args(argv)
    told.folder.mkdir(parents=True, exist_ok=True)
    path = told.folder / f"state-{told.first}.json"
    state = state_at(path, of=version(), steps=told.steps, first=told.first)
    until = time.monotonic() + 60 * told.minutes
    run(state, path, last=told.first - (-told.stories // PORTION), until=until)
    row = {
        "measure": MEASURE,
        "version": state["version"],
        "first": told.first,
        "stories": (state["portions"] - told.first) * PORTION,
        "steps": state["steps"],
        "seconds": round(state["seconds"], 1),
        "failed_portions": state["failed"],
    }
    told.out.parent.mkdir(parents=True, exist_ok=True)
    with told.out.open("a", encoding="utf-8") as rows:
        rows.write(json.dumps({**row, **tail()}) + "\n")
    print(f"{row['stories']} stories, {len(state['failed'])} portions failed · {json.dumps(row)}")
    return 1 if state["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
