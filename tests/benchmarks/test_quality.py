"""The measurement itself: equal tasks, our checker as the judge, and rows that say what was run."""

import json
from pathlib import Path

import pytest

from benchmarks import quality
from benchmarks.days import KINDS, field_day, vrptw
from benchmarks.peers.seam import able
from benchmarks.quality import Case, measured
from benchmarks.tables import table
from optimizer import Problem
from optimizer.constraints import blocked
from optimizer.validate import validate

TINY = """tiny
VEHICLE
NUMBER CAPACITY
2 9
CUSTOMER
CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME
0 0 0 0 0 99 0
1 3 4 1 0 99 1
2 6 8 1 0 99 1
"""


class Obstinate:
    """A solver that sends the first technician everywhere, whatever the rules say."""

    version = "1"
    uses_seed = False

    def warm_up(self) -> None:
        """Nothing to do."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> dict[str, tuple[object, ...]]:
        """All visits on one route."""
        return {problem.technicians[0].id: problem.visits}


def test_a_folder_is_measured_by_argument_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.txt").write_text(TINY, encoding="utf-8")
    (tmp_path / "best.json").write_text('{"tiny": 200}', encoding="utf-8")
    out = tmp_path / "rows.jsonl"
    words = ["--instances", tmp_path, "--best", tmp_path / "best.json", "--days", "8", "--out", out]
    words += ["--seconds", "0.3", "--seeds", "1,2", "--solvers", "truckroll,routing", "--repeats", "0"]
    quality.main([str(word) for word in words])
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    keys = [(row["instance"], row["solver"], row["seed"]) for row in rows]
    assert keys == [(i, s, n) for i in ("tiny", "day-8-s1") for s in ("truckroll", "routing") for n in (1, 2)]
    assert all(row["valid"] and row["unserved"] == 0 for row in rows[:4])
    assert {row["cost"] for row in rows[:4]} == {200}
    assert {row["gap"] for row in rows[:4]} == {0.0}
    told = capsys.readouterr().out
    assert "mean of truckroll    1 of 1 instances    0.00% to best known" in told
    assert '"cores"' in told


@pytest.mark.parametrize("words", [["--instances", "nowhere"], ["--instances", "empty"]])
def test_a_folder_without_instances_is_an_error_not_an_empty_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="no "):
        quality.main([*words, "--solvers", "routing", "--days", "0"])


def test_what_a_solver_places_against_the_rules_is_dropped_and_told() -> None:
    row = measured(Case("day", field_day(1, 30, 3)), Obstinate(), seconds=1, seed=1)
    assert row["dropped"] > 0
    assert row["unserved"] == row["dropped"]
    assert row["valid"] is False


def test_a_solver_that_is_not_installed_is_named_and_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(quality.SOLVERS, "absent", "benchmarks.peers.no_such_peer:Absent")
    assert quality.loaded(["absent"]) == {}
    assert "not measured: absent" in capsys.readouterr().err


def test_a_solver_that_cannot_tell_a_problem_is_shown_beside_the_others() -> None:
    seen = {
        "instance": "day",
        "best": None,
        "solver": "a",
        "unserved": 0,
        "cost": 5,
        "travel": 5,
        "valid": True,
    }
    lines = list(table([seen, {"instance": "day", "best": None, "solver": "b", "refused": "breaks"}]))
    assert "not measured: cannot tell breaks" in lines[2]


@pytest.mark.parametrize("kind", KINDS)
def test_generated_instances_are_sound_and_the_same_for_the_same_seed(kind: str) -> None:
    problem = vrptw(kind, 1, 40)
    assert problem == vrptw(kind, 1, 40)
    assert problem != vrptw(kind, 2, 40)
    assert validate(problem) == []


def test_peers_are_told_who_may_go_exactly_as_our_rules_say() -> None:
    problem = field_day(3, 30, 6)
    told = able(problem)
    for at, visit in enumerate(problem.visits):
        may = {n for n, who in enumerate(problem.technicians) if not blocked(problem, who, visit)}
        assert told.holders[told.need[at]] == may
