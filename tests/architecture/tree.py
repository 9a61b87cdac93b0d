"""The checkout as the architecture tests read it: its root, its tracked files, its Python trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = ("api", "dispatch", "optimizer", "migrations", "tests", "benchmarks", "docs")
TEXT_SUFFIXES = frozenset(
    (
        ".py",
        ".md",
        ".toml",
        ".yaml",
        ".yml",
        ".sh",
        ".txt",
        ".json",
        ".typ",
        ".sql",
        ".ini",
        ".lock",
        ".csv",
        "",
    )
)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, so that a new file is judged before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return tuple(sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()))


def name_of(path: Path) -> str:
    """The file's path from the root of the checkout, with forward slashes."""
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> Iterator[Path]:
    """The tracked Python files of these folders (all of ours when none is named) and of the root itself."""
    wanted = folders or PYTHON_FOLDERS
    for path in tracked_files():
        parts = path.relative_to(ROOT).parts
        at_root = not folders and len(parts) == 1
        if path.suffix == ".py" and (at_root or parts[0] in wanted):
            yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def text_files() -> Iterator[tuple[Path, str]]:
    """Every tracked text file of at most one megabyte with its text."""
    for path in tracked_files():
        if path.suffix in TEXT_SUFFIXES and path.stat().st_size <= 1_000_000:
            yield path, path.read_text(encoding="utf-8", errors="replace")
