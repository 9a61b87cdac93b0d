"""The measurement itself: equal tasks, our checker as the judge, and rows that say what was run."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import quality, runs
from benchmarks.cases import Case
from benchmarks.days import field_day
from benchmarks.peers.seam import SOLVERS, CannotTell, able, require_told
from benchmarks.runs import Row, judged, measured, runners
from benchmarks.tables import table
from optimizer import Problem, Visit
from optimizer.constraints import blocked
from tests.benchmarks.tiny import TINY

DAY = Case("day-16-s1", "day", {"make": "day", "visits": 16, "seed": 1})


class Obstinate:
    """A solver that sends the first technician everywhere, whatever the rules say."""

    version = "1"
    uses_seed = False
    limits_cpu = True

    def warm_up(self) -> None:
        """Nothing to do."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> dict[str, tuple[Visit, ...]]:
        """All visits on one route."""
        return {problem.technicians[0].id: problem.visits}


class Crashing(Obstinate):
    """A solver whose process is killed."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> dict[str, tuple[Visit, ...]]:
        """Crash as a library in C would."""
        os.kill(os.getpid(), signal.SIGSEGV)
        return {}


class Failing(Obstinate):
    """A solver that raises."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> dict[str, tuple[Visit, ...]]:
        """Raise."""
        raise RuntimeError("out of ideas")


class Endless(Obstinate):
    """A solver that ignores its limit."""

    def plan(self, problem: Problem, *, seconds: float, seed: int) -> dict[str, tuple[Visit, ...]]:
        """Wait for the time-out."""
        while True:
            time.sleep(1)


def named(solver: type) -> str:
    """The name under which a process of its own finds a solver."""
    return f"{__name__}:{solver.__name__}"


def one_row(solver: str) -> Row:
    """Measure one solver on a small day."""
    (runner,) = runners([solver]).values()
    return measured(DAY, runner, seconds=0.3, seed=1, repeats=0)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time-outs after a few seconds."""
    monkeypatch.setattr(runs, "PATIENCE", 2.0)
    yield
    monkeypatch.undo()


def test_a_folder_is_measured_by_argument_alone_and_not_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.txt").write_text(TINY, encoding="utf-8")
    (tmp_path / "best.json").write_text('{"tiny": 200}', encoding="utf-8")
    out = tmp_path / "rows.jsonl"
    words = ["--instances", tmp_path, "--best", tmp_path / "best.json", "--out", out, "--days", "8"]
    words += ["--seconds", "0.3", "--seeds", "1,2", "--solvers", "truckroll", "--repeats", "0"]
    quality.main([str(word) for word in words])
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["instance"], row["seed"]) for row in rows] == [
        (instance, seed) for instance in ("tiny", "day-8-s1") for seed in (1, 2)
    ]
    assert all(row["valid"] and row["unserved"] == 0 for row in rows[:2])
    assert {(row["cost"], row["gap"]) for row in rows[:2]} == {(200, 0.0)}
    told = capsys.readouterr().out
    assert "mean of truckroll       1 of 1 instances    0.00% to best known" in told
    assert '"cores"' in told
    assert str(tmp_path) not in out.read_text(encoding="utf-8")
    quality.main([str(word) for word in words])
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(rows)
    assert "mean of truckroll       1 of 1 instances    0.00% to best known" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--instances", "nowhere"], ["--instances", "empty"]])
def test_a_folder_without_instances_is_an_error_not_an_empty_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="no "):
        quality.main([*words, "--solvers", "routing"])


def test_what_a_solver_places_against_the_rules_is_dropped_and_told() -> None:
    problem = field_day(1, 30, 3)
    row = judged(problem, {"orders": {"t0": [visit.id for visit in problem.visits]}})
    assert row["dropped"] > 0
    assert row["unserved"] == row["dropped"]
    assert row["valid"] is False


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SOLVERS))
def test_a_solver_plans_a_small_day_by_our_rules(name: str) -> None:
    if name not in runners([name]):
        pytest.skip(f"{name} is not installed here")
    row = one_row(name)
    assert row["valid"]
    assert row["dropped"] == 0
    assert row["unserved"] <= 6
    assert row["rss_mb"] > 10


def test_a_plain_day_is_priced_by_travel_and_visits_left_out_alone() -> None:
    """Peers are told nothing else; a new price in our defaults would make the comparison unfair."""
    row = one_row("truckroll")
    assert set(row["terms"]) <= {"travel", "unserved"}


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize(
    ("solver", "told"),
    [(Crashing, "crashed by SIGSEGV"), (Failing, "ended with RuntimeError: out of ideas")],
)
def test_a_solver_that_breaks_down_is_a_row_not_the_end(solver: type, told: str) -> None:
    assert one_row(named(solver)) == {"failed": told}


@pytest.mark.slow
def test_a_solver_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    (runner,) = runners([named(Endless)]).values()
    monkeypatch.setattr(runs, "SETTING_UP", 3.0)
    row = measured(DAY, runner, seconds=0.1, seed=1, repeats=0)
    assert row == {"failed": "stopped after 4 s"}


def test_a_solver_that_is_not_installed_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert runners(["benchmarks.peers.no_such_peer:Absent"]) == {}
    assert "not measured: benchmarks.peers.no_such_peer:Absent" in capsys.readouterr().err


def test_solvers_that_gave_no_plan_are_shown_beside_the_others() -> None:
    seen = {"instance": "day", "best": None, "solver": "a", "unserved": 0, "cost": 5, "travel": 5}
    seen |= {"valid": True, "wall_seconds": 1.0, "share": 1.0}
    rows = [seen, {"instance": "day", "best": None, "solver": "b", "refused": "breaks"}]
    rows += [{"instance": "day", "best": None, "solver": "c", "failed": "crashed by SIGSEGV"}]
    lines = list(table(rows))
    assert "not measured: cannot tell breaks" in lines[2]
    assert "failed: crashed by SIGSEGV" in lines[3]


def test_peers_are_told_who_may_go_exactly_as_our_rules_say() -> None:
    problem = field_day(3, 30, 6)
    told = able(problem)
    for at, visit in enumerate(problem.visits):
        may = {n for n, who in enumerate(problem.technicians) if not blocked(problem, who, visit)}
        assert told.holders[told.need[at]] == may


def test_what_a_translation_does_not_tell_is_refused_by_name() -> None:
    with pytest.raises(CannotTell, match="breaks of a technician"):
        require_told(field_day(1, 10, 2, lunch=True))
    require_told(field_day(1, 10, 2, lunch=True), also=frozenset(("breaks",)))
