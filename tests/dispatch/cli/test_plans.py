"""``truckroll compare`` and ``truckroll explain`` on files."""

from pathlib import Path

import pytest

from dispatch.__main__ import main
from optimizer import Plan, Problem
from optimizer.wire import plan_to_json, problem_to_json, write
from tests.optimizer.world import a_day, a_plan, a_visit


def run(*words: str | Path) -> int:
    """Run one command."""
    return main([str(word) for word in words])


def files(folder: Path, problem: Problem, **plans: Plan) -> list[Path]:
    """A problem and plans on disk, in this order."""
    write(folder / "problem.json", problem_to_json(problem))
    for name, plan in plans.items():
        write(folder / f"{name}.json", plan_to_json(plan))
    return [folder / "problem.json", *(folder / f"{name}.json" for name in plans)]


def test_compare_shows_prices_and_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = a_day()
    first, second = a_plan(day, ada="v1 v2", ben="v3 v4"), a_plan(day, ada="v1 v2 v3", ben="")
    assert run("compare", *files(tmp_path, day, first=first, second=second)) == 0
    told = capsys.readouterr().out
    assert "travel" in told
    assert "v4: ben" in told
    assert "-> left out" in told
    assert "1 of them to another technician" in told


def test_explain_names_prices_refusals_and_what_to_loosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day(a_visit(1), a_visit(2, id="gas", skills={"gas": 1}))
    problem, plan = files(tmp_path, day, plan=a_plan(day, ada="v1"))
    assert run("explain", problem, plan) == 0
    told = capsys.readouterr().out
    assert "visit gas: left out" in told
    assert "ada cannot: SKILL" in told
    assert "loosen SKILL" in told
    assert "v1" not in told
    assert run("explain", problem, plan, "v1") == 0
    assert "visit v1: served by ada" in capsys.readouterr().out


def test_nothing_to_explain_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = a_day(a_visit(1))
    assert run("explain", *files(tmp_path, day, plan=a_plan(day, ada="v1"))) == 0
    assert "every visit is served" in capsys.readouterr().out


def test_an_unknown_visit_and_an_unreadable_file_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day(a_visit(1))
    problem, plan = files(tmp_path, day, plan=a_plan(day, ada="v1"))
    assert run("explain", problem, plan, "v7") == 2
    assert "v7" in capsys.readouterr().err
    assert run("compare", problem, plan, tmp_path / "nothing.json") == 2
