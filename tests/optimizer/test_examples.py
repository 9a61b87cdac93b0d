"""The example problems: read, valid, planned, and one of them really with everything."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from optimizer import Budget, check, solve, validate
from optimizer.schema import schema
from optimizer.wire import read_problem

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TABLES = {("Matrix", "seconds"), ("Matrix", "metres")}


@pytest.mark.parametrize("name", ["plain-day", "everything"])
@pytest.mark.parametrize("engine", ["ruin", "routing"])
def test_an_example_is_sound_and_planned_by_every_engine(name: str, engine: str) -> None:
    path = EXAMPLES / f"{name}.json"
    assert jsonschema_rs.is_valid(schema("problem"), json.loads(path.read_text(encoding="utf-8")))
    problem = read_problem(path)
    found = {finding.code for finding in validate(problem)}
    assert found == ({"NOBODY_CAN_SERVE"} if name == "plain-day" else set())
    plan = solve(problem, Budget(solutions=40), engine=engine).plan
    assert check(problem, plan) == []
    assert len(plan.unserved) <= (1 if name == "plain-day" else 3)


def used_in(found: Any, kind: str, definitions: dict[str, Any]) -> set[tuple[str, str]]:
    """Fields that a document of a data type gives, its own and those of what it holds."""
    used: set[tuple[str, str]] = set()
    for name, value in found.items():
        used.add((kind, name))
        [below] = {
            part
            for part in definitions
            if f'"#/$defs/{part}"' in json.dumps(definitions[kind]["properties"][name])
        } or {""}
        for item in (value if isinstance(value, list) else [value]) if below else []:
            used |= used_in(item, below, definitions)
    return used


def test_the_example_with_everything_uses_every_field() -> None:
    found = schema("problem")
    definitions = {**found["$defs"], "Problem": found}
    day = json.loads((EXAMPLES / "everything.json").read_text(encoding="utf-8"))
    used = used_in(day, "Problem", definitions)
    fields = {(kind, name) for kind, held in definitions.items() for name in held["properties"]}
    assert fields - used == TABLES
