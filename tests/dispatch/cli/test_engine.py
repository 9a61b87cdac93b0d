"""``truckroll optimise`` and ``truckroll check`` on files, good and bad."""

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from benchmarks.days import field_day
from dispatch.__main__ import main
from dispatch.cli.engine import add_parsers
from optimizer import Lock, Plan, Problem, Progress, check
from optimizer.wire import plan_to_json, problem_to_json, read_plan, write
from tests.optimizer.world import a_day, a_plan, a_visit, at


def run(*words: str | Path) -> int:
    """Run one command as the main parser would."""
    parser = argparse.ArgumentParser(prog="truckroll")
    add_parsers(parser.add_subparsers())
    args = parser.parse_args([str(word) for word in words])
    code = args.run(args)
    assert isinstance(code, int)
    return code


def problem_file(folder: Path, problem: Problem) -> Path:
    """A problem on disk."""
    path = folder / "problem.json"
    write(path, problem_to_json(problem))
    return path


def test_optimise_writes_a_plan_that_check_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = problem_file(tmp_path, a_day(*a_day().visits, a_visit(1, id="v9", skills={"lift": 1})))
    out = tmp_path / "plan.json"
    assert run("optimise", problem, "--seconds", "5", "--solutions", "20", "--seed", "1", "--out", out) == 0
    told = capsys.readouterr()
    assert "4 of 5 visits on 1 of 2 routes" in told.out
    assert "unserved v9: SKILL" in told.out
    assert "NOBODY_CAN_SERVE" in told.err
    assert run("check", problem, out) == 0
    assert "0 violations" in capsys.readouterr().out
    assert [left.reason for left in read_plan(out).unserved] == ["SKILL"]
    assert run("optimise", problem, "--solutions", "5", "--start", out, "--out", out) == 0


def press_ctrl_c(monkeypatch: pytest.MonkeyPatch, *, at: int, times: int = 1) -> None:
    """Press Ctrl-C when so many better plans have been found."""
    found = count(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # this run may be in the background of a shell

    def pressed(progress: Progress) -> None:
        del progress
        if next(found) == at:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("dispatch.cli.engine._show_progress", pressed)


@pytest.mark.parametrize("engine", ["ruin", "routing"])
def test_ctrl_c_ends_with_the_best_plan_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    day = field_day(1, 40, 4)
    problem, out = problem_file(tmp_path, day), tmp_path / "plan.json"
    press_ctrl_c(monkeypatch, at=3)
    former = signal.getsignal(signal.SIGINT)
    words = ("--seconds", "600", "--engine", engine, "--prove", "600")
    assert run("optimise", problem, *words, "--out", out) == 0
    told = capsys.readouterr()
    assert "interrupted: this is the best plan found until then" in told.out
    assert "Ctrl-C once more" in told.err
    assert check(day, read_plan(out)) == []
    assert sum(len(route.stops) for route in read_plan(out).routes) > 20
    assert signal.getsignal(signal.SIGINT) == former


def test_ctrl_c_again_ends_without_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, out = problem_file(tmp_path, field_day(1, 40, 4)), tmp_path / "plan.json"
    press_ctrl_c(monkeypatch, at=1, times=2)
    assert main(["optimise", str(problem), "--seconds", "600", "--out", str(out)]) == 130
    assert not out.exists()


def test_in_the_background_ctrl_c_is_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, out = problem_file(tmp_path, field_day(1, 10, 2)), tmp_path / "plan.json"
    press_ctrl_c(monkeypatch, at=1, times=2)
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert main(["optimise", str(problem), "--solutions", "20", "--out", str(out)]) == 0
    finally:
        signal.signal(signal.SIGINT, former)
    assert out.exists()


def test_a_plan_that_costs_no_more_than_the_target_is_good_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, out = problem_file(tmp_path, field_day(1, 40, 4)), tmp_path / "plan.json"
    assert run("optimise", problem, "--seconds", "600", "--target", "999999999", "--out", out) == 0
    assert "40 visits" in capsys.readouterr().out


def test_optimise_says_what_is_proved_when_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day(locks=(Lock("v1", "ada", sequence=0),))
    for problem, words in (
        (a_day(), ["proved optimal: no plan costs less than 5200 cents"]),
        (day, ["no plan costs less than 5200 cents", "the proof leaves out of sight: places in a route"]),
    ):
        told = [problem_file(tmp_path, problem), "--solutions", "5", "--prove", "20"]
        assert run("optimise", *told, "--out", tmp_path / "plan.json") == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words)


def test_check_prints_every_violation_and_the_cost_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day()
    plan = a_plan(day, ada="v1 v2")
    wrong = replace(plan, routes=(replace(plan.routes[0], return_time=0),), unserved=())
    write(tmp_path / "plan.json", plan_to_json(wrong))
    assert run("check", problem_file(tmp_path, day), tmp_path / "plan.json") == 1
    told = capsys.readouterr().out
    assert told.count("violation ") == 3
    assert "violation TIMETABLE · ada" in told
    assert "cost travel             2600 cents" in told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "NOT_JSON"),
        ("{}", "WRONG_FORMAT"),
        ('{"format": 1}', "MISSING_FIELD"),
        (json.dumps({**problem_to_json(a_day(a_visit(1, duration=-5)))}), "NEGATIVE_NUMBER"),
        (json.dumps({**problem_to_json(a_day(a_visit(1, location=99)))}), "UNKNOWN_LOCATION"),
        (json.dumps({**problem_to_json(a_day()), "policy": {"travel": 3}}), "UNKNOWN_FIELD"),
    ],
)
def test_an_input_that_cannot_be_planned_gets_reasons_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: str
) -> None:
    path = tmp_path / "problem.json"
    path.write_text(text, encoding="utf-8")
    assert run("optimise", path, "--seconds", "1", "--out", tmp_path / "plan.json") == 2
    assert run("check", path, path) == 2
    told = capsys.readouterr().err
    assert f"error: {code} · " in told
    assert "Traceback" not in told
    assert not (tmp_path / "plan.json").exists()


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    day = a_day(a_visit(1, id="泵"))
    write(tmp_path / "plan.json", plan_to_json(Plan()))
    script = "import sys; from dispatch.__main__ import main; sys.exit(main())"
    found = subprocess.run(
        [sys.executable, "-c", script, "check", problem_file(tmp_path, day), tmp_path / "plan.json"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 1
    assert b"violation SERVED_ONCE \\xb7 \\u6cf5" in found.stdout
    assert found.stderr == b""


def test_missing_files_places_and_engines_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = problem_file(tmp_path, a_day())
    assert run("check", problem, tmp_path / "nowhere.json") == 2
    assert "UNREADABLE_FILE" in capsys.readouterr().err
    assert run("optimise", problem, "--seconds", "1", "--out", tmp_path / "no" / "plan.json") == 2
    assert "UNWRITABLE_FILE" in capsys.readouterr().err
    assert run("optimise", problem, "--seconds", "1", "--engine", "x", "--out", tmp_path / "p.json") == 2
    assert "UNKNOWN_ENGINE" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "inf"])
def test_a_time_that_is_none_is_refused_by_the_parser(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run("optimise", tmp_path / "p.json", "--seconds", seconds, "--out", tmp_path / "q.json")
    assert ended.value.code == 2


TWO_CUSTOMERS = """two
VEHICLE
NUMBER CAPACITY
1 9
CUSTOMER
CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME
0 0 0 0 0 99 0
1 3 4 1 0 99 1
2 6 8 1 0 99 1
"""
ONE_JOB = json.dumps(
    {
        "vehicles": [{"id": 1, "start": [10.0, 50.0]}],
        "jobs": [{"id": 4, "location": [10.1, 50.0], "service": 60}],
    }
)


@pytest.mark.parametrize(
    ("text", "form", "told"),
    [
        (TWO_CUSTOMERS, "solomon", "2 of 2 visits on 1 of 1 routes"),
        (ONE_JOB, "vroom", "1 of 1 visits on 1 of 1 routes"),
        (json.dumps(problem_to_json(a_day())), "truckroll", "4 of 4 visits on 1 of 2 routes"),
    ],
)
def test_optimise_and_check_read_other_programs_files_named_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, form: str, told: str
) -> None:
    path, out = tmp_path / "problem", tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    assert run("optimise", path, "--solutions", "50", "--out", out) == 0
    assert told in capsys.readouterr().out
    assert run("check", path, out, "--format", form) == 0
    assert "0 violations" in capsys.readouterr().out


def test_a_field_that_cannot_be_told_and_a_wrong_format_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "problem", tmp_path / "plan.json"
    path.write_text(ONE_JOB.replace('"service"', '"group"'), encoding="utf-8")
    assert run("optimise", path, "--solutions", "5", "--out", out) == 2
    assert "error: UNTOLD_FIELD · jobs[0].group: " in capsys.readouterr().err
    assert run("optimise", path, "--solutions", "5", "--out", out, "--format", "solomon") == 2
    assert "NOT_SOLOMON" in capsys.readouterr().err


def test_a_policy_of_the_product_takes_the_place_of_the_prices_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, out = problem_file(tmp_path, a_day()), tmp_path / "plan.json"
    assert run("optimise", problem, "--solutions", "5", "--policy", "economical", "--out", out) == 0
    dear = capsys.readouterr().out
    assert run("check", problem, out) == 0
    # 40 km and 80 minutes: 60 and 30 cents a kilometre, 40.00 and 30.00 an hour.
    assert "cost travel             7733 cents" in dear
    assert "cost travel             5200 cents" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run("optimise", problem, "--policy", "generous", "--out", out)


def test_what_is_kept_against_a_rule_is_a_warning_of_both_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evening = Lock("v4", "ada", at("19:00"))
    problem, out = problem_file(tmp_path, a_day().with_locks([evening])), tmp_path / "plan.json"
    assert run("optimise", problem, "--solutions", "5", "--out", out) == 0
    planned = capsys.readouterr().err
    assert run("check", problem, out) == 0
    judged = capsys.readouterr()
    assert "0 violations" in judged.out
    for told in (planned, judged.err):
        assert "warning: LOCK_AGAINST_RULE · lock v4: the lock stands against SHIFT: " in told
