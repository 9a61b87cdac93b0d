"""The JSON Schema says what the reader accepts: generated days pass, and what the reader refuses fails."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.__main__ import main
from optimizer import Problem, check
from optimizer.insertion import fill
from optimizer.schema import DIALECT, UnknownSchema, schema
from optimizer.wire import MalformedInput, plan_from_json, plan_to_json, problem_from_json, problem_to_json
from tests.optimizer.random_days import random_day
from tests.optimizer.rich_days import rich_days

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PROBLEM = jsonschema_rs.Draft202012Validator(schema("problem"))
PLAN = jsonschema_rs.Draft202012Validator(schema("plan"))
ODD = (None, -1, 1.5, True, "text", "", [], [1], {}, {"a": 1}, {"a": "b"}, "2026-02-30")


@pytest.mark.parametrize("name", ["problem", "plan"])
def test_the_schemas_are_of_the_draft_they_name_and_lie_in_the_reference(name: str) -> None:
    found = schema(name)
    assert found["$schema"] == DIALECT
    assert jsonschema_rs.meta.is_valid(found)
    assert json.loads((REFERENCE / f"{name}.schema.json").read_text(encoding="utf-8")) == found


@pytest.mark.parametrize("name", ["problem", "plan"])
def test_the_command_line_prints_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == schema(name)


def test_there_is_no_other_schema() -> None:
    with pytest.raises(UnknownSchema, match="use one of: problem, plan"):
        schema("route")


@given(rich_days())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_generated_days_are_as_the_schema_says_and_come_back_the_same(problem: Problem) -> None:
    found = json.loads(json.dumps(problem_to_json(problem)))
    assert PROBLEM.is_valid(found)
    assert problem_from_json(found) == problem


@pytest.mark.parametrize("seed", range(5))
def test_plans_are_as_the_schema_says(seed: int) -> None:
    problem = random_day(seed)
    plan = fill(problem, {})
    assert check(problem, plan) == []
    found = json.loads(json.dumps(plan_to_json(plan)))
    assert PLAN.is_valid(found)
    assert plan_from_json(found) == plan


@given(rich_days(most_visits=6), st.integers(0, 10**9))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_the_schema_accepts_the_reader_reads(problem: Problem, seed: int) -> None:
    """One value anywhere is replaced, added or taken away; a file the schema lets pass is never refused."""
    rng = random.Random(seed)
    found = json.loads(json.dumps(problem_to_json(problem)))
    for _ in range(40):
        wrong = copy.deepcopy(found)
        holder, key = rng.choice(list(_places(wrong)))
        change = rng.choice(["replace", "remove", "add"])
        if change == "replace":
            holder[key] = rng.choice(ODD)
        elif change == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder["unheard_of"] = 1
        refused = _refusal(wrong) if PROBLEM.is_valid(wrong) else None
        # Only a day that no calendar holds may be refused, which no schema can say.
        assert refused is None or "2026-02-30" in refused


def _refusal(found: dict[str, Any]) -> str | None:
    """What the reader says against a document, or None when it reads it."""
    try:
        problem_from_json(found)
    except MalformedInput as refusal:
        return str(refusal)
    return None


def _places(found: Any) -> Iterator[tuple[Any, Any]]:
    """Every field and every item of a document, outside the tables of travel."""
    items = found.items() if isinstance(found, dict) else enumerate(found)
    for key, value in list(items):
        if key != "matrix":
            yield found, key
            if isinstance(value, dict | list):
                yield from _places(value)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"day": "tomorrow"},
        {"unheard_of": 1},
        {"visits": [{"id": "v"}]},
        {"visits": [{"id": "v", "location": 0, "duration": "long"}]},
        {"visits": [{"id": "v", "location": 0, "duration": -1}]},
        {"visits": [{"id": "v", "location": 0, "duration": 1, "window_end": "later"}]},
        {"visits": [{"id": "v", "location": 0, "duration": 1, "skills": {"gas": "much"}}]},
        {"locks": [{"visit_id": 7}]},
        {"zone": 1},
        {"traffic": {"zones": [0], "factors": []}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_wrong_files_are_refused_by_the_schema(change: dict[str, Any]) -> None:
    assert not PROBLEM.is_valid({**problem_to_json(random_day(1)), **change})
