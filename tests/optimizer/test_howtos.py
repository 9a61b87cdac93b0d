"""The how-to pages about the engine: what they print is what the code says, and what they show runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.wire import problem_to_json, write
from tests.optimizer.world import a_day, a_visit

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
PYTHON = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def test_the_lines_shown_of_a_constraint_are_those_of_the_code() -> None:
    blocks = PYTHON.findall((HOW_TO / "add-a-constraint.md").read_text(encoding="utf-8"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "optimizer").rglob("*.py")))
    assert len(blocks) == 6
    assert [block for block in blocks if block not in code] == []


def installed_engine(folder: Path) -> Path:
    """The engine of the page as a distribution in a folder."""
    [module] = PYTHON.findall((HOW_TO / "add-an-engine.md").read_text(encoding="utf-8"))
    assert len(module.splitlines()) <= 50
    (folder / "nearest_first.py").write_text(module, encoding="utf-8")
    about = folder / "nearest_first-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: nearest-first\nVersion: 1\n", encoding="utf-8"
    )
    (about / "entry_points.txt").write_text(
        "[truckroll.engines]\nnearest = nearest_first:NearestFirst\n", encoding="utf-8"
    )
    return folder


def run(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run one command where the engine is installed."""
    place = Path(sys.executable).parent
    around = {
        **os.environ,
        "PATH": f"{place}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
    }
    words = ["sh", "-eu", "-c", command]
    return subprocess.run(
        words, cwd=folder, env=around, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_engine_of_the_page_plans_a_day_and_is_refused_where_it_lacks_a_rule(tmp_path: Path) -> None:
    folder = installed_engine(tmp_path)
    day = a_day(*a_day().visits, a_visit(4, id="far", skills={"lift": 1}))
    write(tmp_path / "day.json", problem_to_json(day))
    [commands] = SHELL.findall((HOW_TO / "add-an-engine.md").read_text(encoding="utf-8"))
    done = run(folder, commands)
    assert done.returncode == 0, done.stderr
    assert "4 of 5 visits" in done.stdout
    assert "0 violations" in done.stdout
    write(tmp_path / "day.json", problem_to_json(a_day(a_visit(1, parts={"pump": 1}))))
    done = run(folder, commands)
    assert done.returncode == 2
    assert "ENGINE_LACKS · engine 'nearest' does not know PARTS" in done.stderr
