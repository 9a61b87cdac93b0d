"""The tutorial runs as it is printed, from an empty folder, and prints what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorials" / "plan-your-own-day.md"
BLOCK = re.compile(r"^```(sh|text|python)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def said_by(kind: str, block: str, folder: Path) -> str:
    """What one block prints; it must not fail."""
    place = Path(sys.executable).parent
    words = ["sh", "-eu", "-c", block] if kind == "sh" else [sys.executable, "-c", block]
    around = {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, cwd=folder, env=around, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_tutorial_runs_block_by_block_and_prints_what_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks].count("sh") == 6
    told = ""
    for kind, block in blocks:
        if kind == "text":
            for line in block.splitlines():
                assert line in told
        else:
            told = said_by(kind, block, tmp_path)
    assert "'bo'" in told
    assert "'travel'" in told
