"""A named place in the code can be made deadly, once or always."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

PASS_TWO_PLACES = (
    "from dispatch.crashpoints import crashpoint; crashpoint('first'); crashpoint('second'); print('alive')"
)


def lives(**variables: str) -> int:
    """Exit code of a process that passes two places."""
    command = [sys.executable, "-c", PASS_TWO_PLACES]
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, check=False).returncode


def test_without_the_variable_nothing_happens() -> None:
    assert lives() == 0
    assert lives(TRUCKROLL_CRASH_AT="third") == 0


def test_the_named_place_kills_the_process_without_a_last_word() -> None:
    assert lives(TRUCKROLL_CRASH_AT="second") == -9


def test_with_a_once_file_only_the_first_process_dies(tmp_path: Path) -> None:
    once = str(tmp_path / "crashed")
    exits = [lives(TRUCKROLL_CRASH_AT="first", TRUCKROLL_CRASH_ONCE=once) for _ in range(3)]
    assert exits == [-9, 0, 0]
