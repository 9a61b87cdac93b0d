"""``truckroll compare`` and ``truckroll explain`` on files."""

from pathlib import Path

import pytest

import optimizer
from dispatch.__main__ import main
from optimizer import Budget, Lock, Plan, Problem, solve
from optimizer.wire import plan_to_json, problem_to_json, write
from tests.optimizer.world import HOUR, a_day, a_plan, a_visit


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


def test_two_plans_are_compared_without_their_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day()
    _, *plans = files(
        tmp_path, day, first=a_plan(day, ada="v1 v2", ben="v3"), second=a_plan(day, ada="v1", ben="v2 v3")
    )
    assert run("compare", *plans) == 0
    told = capsys.readouterr().out
    assert "v2: ada" in told
    assert "travel" not in told
    assert run("compare", plans[0]) == 2
    assert run("compare", *plans, *plans) == 2
    assert "name two plans" in capsys.readouterr().err


def test_explain_tells_a_price_term_by_term_and_how_much_time_is_lacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day(a_visit(1), a_visit(4, id="long", duration=7 * HOUR))
    problem, plan = files(tmp_path, day, plan=a_plan(day, ada="v1"))
    assert run("explain", problem, plan) == 0
    assert "loosen SHIFT: allow 20 min more of overtime" in capsys.readouterr().out
    assert run("explain", problem, plan, "v1") == 0
    assert "(travel +1300)" in capsys.readouterr().out


def test_optimise_says_which_engine_answered_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [problem] = files(tmp_path, a_day().with_locks([Lock("v2", "ben", sequence=1)]))
    assert run("optimise", problem, "--solutions", "20", "--out", tmp_path / "plan.json") == 0
    told = capsys.readouterr().out
    assert "planned by engine routing instead of ruin: visit v2 is locked to a place" in told


def test_the_three_lines_of_the_library_do_what_they_say() -> None:
    """The example in the package's own description, as it stands there."""
    lines = [line[4:] for line in (optimizer.__doc__ or "").splitlines() if line.startswith(">>> ")]
    assert len(lines) == 3
    day = a_day()
    names: dict[str, object] = {name: getattr(optimizer, name) for name in ("Problem", "Budget", "check")}
    names |= {
        "solve": lambda *args, seed, start: solve(args[0], Budget(solutions=20), seed=seed, start=start)
    }
    names |= {"day": day.day, "technicians": day.technicians, "visits": day.visits, "matrix": day.matrix}
    exec("\n".join(lines), {**names, "published": a_plan(day, ada="v1")})  # noqa: S102  # our own words
