"""The installer says in one line what a machine lacks, and touches nothing then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

TOOLS = ("sh", "dirname", "cat", "cksum", "head", "tail", "awk", "df", "grep", "sleep", "kill")
LOCK = f"no-such-library==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
Run = Callable[..., subprocess.CompletedProcess[str]]


def program(folder: Path, name: str, script: str) -> None:
    """Put a small shell program on the path of the test."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with the installer, a lock and a path that holds the base system alone."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "deploy" / "install.sh", tmp_path / "deploy")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "requirements.lock").write_text(LOCK, encoding="utf-8")
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is not None:
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


@pytest.fixture
def install(bare: Path) -> Run:
    """Run the installer there."""

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        clean = {"PATH": str(bare / "bin"), "HOME": str(bare), "LANG": "C.UTF-8", **environment}
        command = ["/bin/sh", str(bare / "deploy" / "install.sh")]
        return subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=120)

    return run


def test_a_machine_without_python_is_told_which_one_to_install(bare: Path, install: Run) -> None:
    answer = install()
    assert answer.returncode == 1
    assert "Python is missing. Version 3.11 or newer is needed." in answer.stderr
    assert "apt-get install python3 python3-venv" in answer.stderr
    assert not (bare / ".venv").exists()


def test_an_old_python_is_named_with_its_version(bare: Path, install: Run) -> None:
    program(bare / "bin", "python3", '[ "$1" = --version ] && echo "Python 3.9.2" && exit 0; exit 1')
    answer = install()
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed; python3 here is Python 3.9.2" in answer.stderr
    assert not (bare / ".venv").exists()


def test_a_chosen_interpreter_that_does_not_run_is_refused(install: Run) -> None:
    answer = install(PYTHON="/nowhere/python3")
    assert answer.returncode == 1
    assert "PYTHON=/nowhere/python3 is not a Python 3.11 or newer that runs" in answer.stderr


def test_a_python_without_venv_names_the_package_that_brings_it(bare: Path, install: Run) -> None:
    script = f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    program(bare / "bin", "python3", script)
    answer = install()
    assert answer.returncode == 1
    assert "has no venv or pip module" in answer.stderr
    assert "apt-get install python3-venv" in answer.stderr
    assert not (bare / ".venv").exists()


def test_a_full_disk_is_seen_before_anything_is_written(bare: Path, install: Run) -> None:
    program(bare / "bin", "python3", f'exec "{sys.executable}" "$@"')
    program(bare / "bin", "df", 'echo Filesystem; echo "disk 1000 1000 102400 99% /"')
    answer = install()
    assert answer.returncode == 1
    assert "too little disk space" in answer.stderr
    assert "100 MB are free" in answer.stderr
    assert not (bare / ".venv").exists()


@pytest.mark.slow
def test_an_index_that_cannot_be_reached_is_said_and_not_taken_for_installed(
    bare: Path, install: Run
) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "1",
        "PYTHON": sys.executable,
    }
    answer = install(**nowhere)
    assert answer.returncode == 1
    assert "the package index cannot be reached" in answer.stderr
    assert not (bare / ".venv" / "installed-from").exists()
