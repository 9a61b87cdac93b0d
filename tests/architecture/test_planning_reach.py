"""The page of what a dispatcher reaches names every rule, price and field of the engine, truly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from optimizer.constraints import CONSTRAINTS
from optimizer.objectives import OBJECTIVES
from optimizer.problem import Lock, Problem, Technician, Visit
from optimizer.wire import public_fields
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "reference" / "planning-reach.md").read_text(encoding="utf-8")
KINDS: dict[str, type] = {"problem": Problem, "technician": Technician, "visit": Visit, "lock": Lock}
CALLED = {"problem": {"Problem"}, "technician": {"Technician"}, "visit": {"Job", "replace"}, "lock": {"Lock"}}
"""What the product calls to make or change one; visits are changed by ``replace`` once they are made."""
FROZEN = {"range"}
"""Fields of locks that freezing fills: it holds published stops for the product."""


def rows(heading: str) -> dict[str, list[str]]:
    """The first column of the table under a heading, and the other columns."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {cells[0].strip("`"): cells[1:] for cells in lines[1:]}


def given(kind: str) -> Iterator[str]:
    """Names of fields that modules of planning give to a kind of thing."""
    names = [field.name for field in public_fields(KINDS[kind])]
    for path in sorted((ROOT / "dispatch" / "planning").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in CALLED[kind]:
                yield from names[: len(call.args)] if call.func.id != "replace" else ()
                yield from (word.arg for word in call.keywords if word.arg in names)


def test_every_rule_and_no_other_is_on_the_page() -> None:
    assert list(rows("Rules")) == [rule.CODE for rule in CONSTRAINTS]


def test_every_price_and_no_other_is_on_the_page() -> None:
    assert set(rows("Prices")) == {term.NAME for term in OBJECTIVES}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_fields_that_nothing_fills_are_those_that_the_page_names(kind: str) -> None:
    [told] = rows("Fields that no day of the product fills")[kind]
    filled = set(given(kind)) | (FROZEN if kind == "lock" else set())
    assert set(re.findall(r"`(\w+)`", told)) == {f.name for f in public_fields(KINDS[kind])} - filled


def test_freezing_fills_what_it_is_said_to() -> None:
    code = ast.parse((ROOT / "optimizer" / "freezing.py").read_text(encoding="utf-8"))
    words = {word.arg for call in ast.walk(code) if isinstance(call, ast.Call) for word in call.keywords}
    assert words >= FROZEN


@pytest.mark.parametrize("heading", ["Rules", "Prices"])
def test_a_rule_that_is_reached_names_fields_of_the_api_or_settings(heading: str) -> None:
    known = "".join(
        (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        for name in ("openapi.json", "settings.md")
    )
    for reached, _ in rows(heading).values():
        for name in re.findall(r"`(\w+)`", reached):
            assert re.search(rf'["`]{name}["`]', known), name
