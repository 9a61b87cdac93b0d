"""The JSON form: exact both ways, and every malformed input has a named error with a path."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import Problem
from optimizer.wire import (
    MalformedInput,
    parse,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    read_plan,
    read_problem,
    write,
)
from tests.optimizer.random_days import random_day
from tests.optimizer.world import a_day, a_plan, solved


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_problems_survive_the_way_there_and_back(seed: int) -> None:
    problem = random_day(seed)
    text = json.dumps(problem_to_json(problem))
    assert problem_from_json(parse(text)) == problem
    assert json.dumps(problem_to_json(problem_from_json(parse(text)))) == text


@pytest.mark.parametrize("seed", range(10))
def test_plans_survive_the_way_there_and_back(seed: int) -> None:
    plan = solved(random_day(seed), solutions=3)
    assert plan_from_json(parse(json.dumps(plan_to_json(plan)))) == plan


def test_files_survive_the_way_there_and_back(tmp_path: Path) -> None:
    day = a_day()
    plan = a_plan(day, ada="v1 v2")
    write(tmp_path / "problem.json", problem_to_json(day))
    write(tmp_path / "plan.json", plan_to_json(plan))
    assert read_problem(tmp_path / "problem.json") == day
    assert read_plan(tmp_path / "plan.json") == plan
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "problem.json"]


VISIT: dict[str, Any] = {"id": "v1", "location": 0, "duration": 60}
GOOD: dict[str, Any] = {
    "format": 1,
    "day": "2026-03-02",
    "technicians": [],
    "visits": [VISIT],
    "matrix": {"seconds": [[0]], "metres": [[0]]},
}


def test_the_shortest_problem_is_read_with_defaults() -> None:
    visit = problem_from_json(GOOD).visits[0]
    assert (visit.priority, visit.optional, visit.windows) == (3, True, ())


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"format": 2}, "WRONG_FORMAT", "format"),
        ({"format": True}, "WRONG_FORMAT", "format"),
        ({"day": "2026-3-2"}, "WRONG_TYPE", "problem.day"),
        ({"day": "2026-02-30"}, "WRONG_TYPE", "problem.day"),
        ({"day": 20260302}, "WRONG_TYPE", "problem.day"),
        ({"visit": []}, "UNKNOWN_FIELD", "problem.visit"),
        ({"visits": None}, "WRONG_TYPE", "problem.visits"),
        ({"visits": [{**VISIT, "duration": 1.5}]}, "WRONG_TYPE", "problem.visits[0].duration"),
        ({"visits": [{**VISIT, "duration": True}]}, "WRONG_TYPE", "problem.visits[0].duration"),
        ({"visits": [{**VISIT, "duration": "60"}]}, "WRONG_TYPE", "problem.visits[0].duration"),
        ({"visits": [{**VISIT, "optional": 1}]}, "WRONG_TYPE", "problem.visits[0].optional"),
        ({"visits": [{**VISIT, "id": None}]}, "WRONG_TYPE", "problem.visits[0].id"),
        ({"visits": [{**VISIT, "id": "\ud800"}]}, "WRONG_TYPE", "problem.visits[0].id"),
        ({"visits": [{**VISIT, "skills": ["gas"]}]}, "WRONG_TYPE", "problem.visits[0].skills"),
        ({"visits": [{**VISIT, "skills": {"gas": "1"}}]}, "WRONG_TYPE", "problem.visits[0].skills.gas"),
        (
            {"visits": [{**VISIT, "windows": [{"start": 1}]}]},
            "MISSING_FIELD",
            "problem.visits[0].windows[0].end",
        ),
        ({"visits": [[]]}, "WRONG_TYPE", "problem.visits[0]"),
        ({"matrix": {"seconds": [[0.0]], "metres": [[0]]}}, "WRONG_TYPE", "problem.matrix.seconds[0][0]"),
        ({"locks": [{"visit_id": "v1", "_begun": {}}]}, "UNKNOWN_FIELD", "problem.locks[0]._begun"),
        ({"_visits": {}}, "UNKNOWN_FIELD", "problem._visits"),
    ],
)
def test_malformed_fields_are_named_with_their_path(changes: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        problem_from_json({**GOOD, **changes})
    assert (refused.value.code, refused.value.path) == (code, path)
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["day", "technicians", "visits", "matrix"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        problem_from_json({key: value for key, value in GOOD.items() if key != name})
    assert (refused.value.code, refused.value.path) == ("MISSING_FIELD", f"problem.{name}")


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": 1, "a": 2}', '{"a": NaN}', "[" * 100_000, "9" * 5_000, "{'a': 1}"]
)
def test_what_is_not_json_is_said_to_be_so(text: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        parse(text)
    assert refused.value.code == "NOT_JSON"


@pytest.mark.parametrize("found", [None, [], "text", 1])
def test_a_document_that_is_no_object_is_refused(found: object) -> None:
    with pytest.raises(MalformedInput):
        plan_from_json(found)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput) as missing:
        read_plan(tmp_path / "nowhere.json")
    with pytest.raises(MalformedInput) as folder:
        read_plan(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"\xff"}')
    with pytest.raises(MalformedInput) as latin:
        read_plan(tmp_path / "latin.json")
    found = [error.value.code for error in (missing, folder, latin)]
    assert found == ["UNREADABLE_FILE", "UNREADABLE_FILE", "NOT_JSON"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(sorted(set(GOOD) - {"format"})))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_json_value_gets_through_with_another_error(value: object, name: str) -> None:
    outcome = _outcome({**GOOD, name: value})
    assert isinstance(outcome, Problem) or outcome.path.startswith(f"problem.{name}")


def _outcome(found: dict[str, Any]) -> Problem | MalformedInput:
    """The problem read, or the refusal; any other error fails the test."""
    try:
        return problem_from_json(found)
    except MalformedInput as refused:
        return refused
