"""The engines' campaign in small: fuzzed days, judged; and the campaign itself goes on where it stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import fuzzed_days
from benchmarks.fuzzed_days import Effort, day_number, faults, wrong_with
from optimizer import Budget, Lock, solve
from optimizer.readers import read
from tests.optimizer.small_days import DEARER, PROVED, TRIED, held_against_all, is_left_to_routing
from tests.optimizer.world import a_day, a_technician, a_visit

EFFORT = {"ruin": Effort(), "routing": Effort(rounds=200, seconds=0.25)}
"""Five solutions of OR-Tools are enough for a plan to be judged; only ours is to be searched to its end."""
DAYS, BATCH = 300, 50

MANY = tuple(a_technician(name) for name in ("ada", "ben", "eve", "joe", "kay"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ruin", "routing"])
@pytest.mark.parametrize("first", range(0, DAYS, BATCH))
def test_fuzzed_days_are_planned_without_a_fault(first: int, engine: str) -> None:
    """No rule broken, every price exact, nothing lost, nothing unexplained."""
    found = {}
    for number in range(first, first + BATCH):
        problem = day_number(number)
        wrong, _ = faults(problem, engine, EFFORT[engine], number=number)
        if wrong:
            found[number] = wrong
    assert found == {}


def test_days_of_a_number_are_always_the_same_and_of_all_kinds() -> None:
    assert [day_number(n) for n in range(6)] == [day_number(n) for n in range(6)]
    sizes = [len(day_number(n).visits) for n in range(60)]
    assert min(sizes) < 12
    assert max(sizes) > 50


def test_a_plan_of_a_small_day_is_held_against_all_others() -> None:
    """Four visits and two technicians: every plan is tried; of one visit more only those not ruled out."""
    for problem, word in (
        (a_day(), TRIED),
        (a_day(*map(a_visit, (0, 1, 2, 3, 4)), technicians=MANY), PROVED),
    ):
        honest = solve(problem, Budget(solutions=5))
        assert held_against_all(problem, honest) == (word, [])
        found, wrong = held_against_all(problem, replace(honest, cost_by_term={"travel": honest.cost + 1}))
        assert found == DEARER
        assert wrong == [
            f"not the cheapest plan: it costs {honest.cost + 1} cents, another one {honest.cost}"
        ]


def test_a_small_day_is_planned_without_a_clock_by_whichever_engine() -> None:
    """Day 1067 is left to OR-Tools, which finds its cheapest plan in more than the fiftieth of a second."""
    assert faults(day_number(1067), "ruin", Effort(seconds=0.02), number=1067)[0] == []


def test_days_left_to_the_other_engine_are_known_beforehand() -> None:
    later = a_day().with_locks([Lock("v1", "ada", sequence=2)])
    assert is_left_to_routing(later)
    assert solve(later, Budget(solutions=1)).stats["engine"] == "routing"
    assert not is_left_to_routing(a_day())


def test_a_lie_about_a_price_is_found() -> None:
    result = solve(a_day(), Budget(solutions=5), engine="routing")
    assert list(wrong_with(a_day(), result)) == []
    result.cost_by_term["travel"] += 1  # type: ignore[index]
    assert list(wrong_with(a_day(), result)) == ["travel: engine 5201, checker 5200 cents"]


def test_a_campaign_goes_on_where_it_stopped_and_keeps_days_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = fuzzed_days.faults
    monkeypatch.setattr(
        fuzzed_days,
        "faults",
        lambda problem, engine, effort, number: (
            judge(problem, engine, effort, number=number) if number != 1 else (["SKILL v1: made up"], None)
        ),
    )
    monkeypatch.setattr(fuzzed_days, "day_number", lambda number: a_day())
    words = [
        "--engines",
        "routing",
        "--rounds",
        "40",
        "--folder",
        str(tmp_path),
        "--out",
        str(tmp_path / "rows.jsonl"),
    ]
    assert fuzzed_days.main([*words, "--days", "2"]) == 1
    assert fuzzed_days.main([*words, "--days", "5"]) == 1
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["days"], row["routing runs"], row["failed_days"]) for row in rows] == [
        (2, 2, [1]),
        (5, 5, [1]),
    ]
    assert capsys.readouterr().out.count("SKILL v1: made up") == 1
    assert read(tmp_path / "day-00001.json") == a_day()
