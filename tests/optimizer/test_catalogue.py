"""Every constraint and cost term is listed, tested and documented."""

import pkgutil
from dataclasses import fields
from pathlib import Path

import pytest

import optimizer.constraints
import optimizer.objectives
from optimizer.constraints import CONSTRAINTS, PAIRWISE
from optimizer.objectives import OBJECTIVES
from optimizer.reference import PLAN_TYPES, PROBLEM_TYPES, described_fields, pages
from optimizer.wire import public_fields

ROOT = Path(__file__).parents[2]
SHARED = {"pairs"}


def names_in(package: object) -> set[str]:
    """Module names of a package."""
    return {module.name for module in pkgutil.iter_modules(package.__path__)}  # type: ignore[attr-defined]


def test_every_constraint_module_is_in_the_list() -> None:
    listed = {rule.__name__.rsplit(".", 1)[-1] for rule in CONSTRAINTS}  # type: ignore[attr-defined]
    assert listed == names_in(optimizer.constraints) - SHARED


def test_every_objective_module_is_in_the_list() -> None:
    listed = {term.__name__.rsplit(".", 1)[-1] for term in OBJECTIVES}  # type: ignore[attr-defined]
    assert listed == names_in(optimizer.objectives)


@pytest.mark.parametrize("rule", CONSTRAINTS, ids=lambda rule: rule.CODE)
def test_every_constraint_has_code_title_test_and_row(rule: object) -> None:
    name = rule.__name__.rsplit(".", 1)[-1]  # type: ignore[attr-defined]
    code = rule.CODE  # type: ignore[attr-defined]
    tests = (ROOT / "tests" / "optimizer" / "constraints" / f"test_{name}.py").read_text(encoding="utf-8")
    assert f'"{code}"' in tests
    assert tests.count("\ndef test_") >= 4
    page = (ROOT / "docs" / "reference" / "constraints.md").read_text(encoding="utf-8")
    assert f"| `{code}` | {rule.TITLE} |" in page  # type: ignore[attr-defined]


def test_codes_are_unique_and_pairwise_rules_are_constraints() -> None:
    codes = [rule.CODE for rule in CONSTRAINTS]
    assert len(set(codes)) == len(codes)
    assert {rule.CODE for rule in PAIRWISE} <= set(codes)
    assert {r.CODE for r in CONSTRAINTS if hasattr(r, "forbids")} == {rule.CODE for rule in PAIRWISE}


@pytest.mark.parametrize("name", sorted(pages()))
def test_reference_pages_are_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == pages()[name], "run python -m optimizer.reference"


@pytest.mark.parametrize("kind", [*PROBLEM_TYPES, *PLAN_TYPES], ids=lambda kind: kind.__name__)
def test_every_field_is_described(kind: type) -> None:
    _, described = described_fields(kind)
    assert set(described) == {spec.name for spec in public_fields(kind)}
    assert all(spec.name.startswith("_") for spec in fields(kind) if not spec.init)
