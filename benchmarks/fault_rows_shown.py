"""
Rows of reliability.md §7 without a number of times: their tests show them at full size.

Which tests these are is read from ``docs/reference/faults.md``; they run as they do for anybody, each in one
process of its own row.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.fault_rows import FaultRow, Found

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "faults.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \|.*\| (.+) \|$", re.MULTILINE)
COUNT = re.compile(r"(\d+) passed")
SHOWN = (7, 9, 11, 17, 30, 31)


def named(page: str) -> dict[int, tuple[str, list[str]]]:
    """What happens in each row of the page, and the tests that show it."""
    return {
        int(row): (what, re.findall(r"`([^`]+\.py::\w+)`", cell)) for row, what, cell in ROW.findall(page)
    }


def run_tests(places: Sequence[str]) -> Found:
    """Run tests by name; whatever does not pass is wrong."""
    command = [sys.executable, "-m", "pytest", "-m", "", "-q", "-p", "no:cacheprovider", *places]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    passed = COUNT.search(told.stdout)
    return {"passed": int(passed[1]) if passed else 0, "wrong": int(told.returncode != 0)}


def _run(places: Sequence[str], cases: int, chance: random.Random) -> Found:
    return run_tests(places)


ROWS = tuple(
    FaultRow(number, f"{what}: as its tests do", 1, partial(_run, places))
    for number, (what, places) in sorted(named(PAGE.read_text(encoding="utf-8")).items())
    if number in SHOWN
)
