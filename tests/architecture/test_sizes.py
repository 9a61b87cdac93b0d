"""No file and no function grows beyond what one can read at a sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.architecture.tree import name_of, parsed, python_files

MOST_LINES_IN_A_FILE = 400
MOST_LINES_IN_A_FUNCTION = 60
MEDIAN_LINES_IN_A_FILE = 120
JUDGED = ("api", "dispatch", "optimizer", "migrations", "tests", "benchmarks", "docs")


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, nested ones included."""
    return (
        node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def lines_of(path: Path) -> int:
    """Length of a file in lines."""
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("folder", JUDGED)
def test_no_file_is_longer_than_four_hundred_lines(folder: str) -> None:
    long = {
        name_of(path): lines_of(path)
        for path in python_files(folder)
        if lines_of(path) > MOST_LINES_IN_A_FILE
    }
    assert long == {}


@pytest.mark.parametrize("folder", JUDGED)
def test_no_function_is_longer_than_sixty_lines(folder: str) -> None:
    long = {
        f"{name_of(path)}:{function.lineno} {function.name}": function.end_lineno - function.lineno + 1
        for path in python_files(folder)
        for function in functions_of(path)
        if function.end_lineno and function.end_lineno - function.lineno + 1 > MOST_LINES_IN_A_FUNCTION
        if path.parent.name != "versions"  # one step of the schema is one list
    }
    assert long == {}


def test_half_of_the_files_are_short() -> None:
    sizes = [lines_of(path) for path in python_files("api", "dispatch", "optimizer") if lines_of(path)]
    assert median(sizes) <= MEDIAN_LINES_IN_A_FILE


def test_every_function_of_the_product_says_what_it_returns() -> None:
    untyped = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in python_files("api", "dispatch", "optimizer", "migrations")
        for function in functions_of(path)
        if function.returns is None
    ]
    assert untyped == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty_words = {"utils", "util", "helper", "helpers", "manager", "managers", "misc", "common"}
    named = [name_of(path) for path in python_files() if empty_words & set(path.stem.split("_"))]
    assert named == []
