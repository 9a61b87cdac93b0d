"""The page of faults names tests that exist, and each of them says which row it shows."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "faults.md"
ROW = re.compile(r"^\| (\d+) \|.*\| (.+) \|$", re.MULTILINE)
OF_THE_DAY = {*range(1, 18), 26, 30, 31}
SHOWN = {
    int(row): re.findall(r"`([^`]+\.py::\w+)`", cell)
    for row, cell in ROW.findall(PAGE.read_text(encoding="utf-8"))
}


def docstring_of(place: str) -> str:
    """What a test says about itself."""
    path, _, name = place.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    [found] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return ast.get_docstring(found) or ""


def test_every_row_of_the_technicians_day_is_shown() -> None:
    assert set(SHOWN) == OF_THE_DAY
    assert all(SHOWN.values())


@pytest.mark.parametrize("row", sorted(SHOWN))
def test_each_test_of_a_row_exists_and_cites_it(row: int) -> None:
    silent = [place for place in SHOWN[row] if not re.search(rf"\b[Rr]ow {row}\b", docstring_of(place))]
    assert silent == []
