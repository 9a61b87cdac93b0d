"""Several processes on one day: routes are merged, and whoever dies takes nothing with it."""

import subprocess
import time

import pytest

from optimizer import Budget, check, solve
from optimizer.engines.ruin import together
from optimizer.engines.ruin.arrays import day_of
from tests.optimizer.random_days import random_day

BIG = random_day(3, visits=40, technicians=6)


def test_two_processes_find_a_plan_that_is_not_dearer_than_that_of_one() -> None:
    one = solve(BIG, Budget(solutions=2_000), seed=5, engine="ruin")
    two = solve(BIG, Budget(solutions=6_000, processes=2), seed=5, engine="ruin")
    assert (one.stats["processes"], two.stats["processes"]) == (1, 2)
    assert check(BIG, two.plan) == []
    assert two.cost == two.stats["model_cost"] <= one.cost


def test_a_process_that_cannot_start_is_missed_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "CHILD", "optimizer.engines.ruin.nowhere")
    result = solve(BIG, Budget(solutions=500, processes=3), engine="ruin")
    assert result.stats["processes"] == 1
    assert check(BIG, result.plan) == []


def test_a_killed_process_loses_only_its_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    started = together._started
    killed: list[int] = []

    def started_and_killed() -> "subprocess.Popen[bytes]":
        process = started()
        if not killed:
            process.kill()
            killed.append(process.pid)
        return process

    monkeypatch.setattr(together, "_started", started_and_killed)
    result = solve(BIG, Budget(solutions=500, processes=3), engine="ruin")
    assert (len(killed), result.stats["processes"]) == (1, 2)
    assert check(BIG, result.plan) == []


def test_cancelling_ends_the_other_processes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started = together._started
    running: list[subprocess.Popen[bytes]] = []

    def remembered() -> "subprocess.Popen[bytes]":
        running.append(started())
        return running[-1]

    monkeypatch.setattr(together, "_started", remembered)
    began = time.monotonic()
    result = solve(BIG, Budget(seconds=60, processes=2), cancel=lambda: bool(running), engine="ruin")
    assert time.monotonic() - began < 20
    assert check(BIG, result.plan) == []
    assert [process.poll() is not None for process in running] == [True]


def test_short_searches_stay_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_started", lambda: pytest.fail("no process is to be started"))
    assert solve(BIG, Budget(seconds=0.2, processes=2), engine="ruin").stats["processes"] == 1


def test_a_task_without_time_left_has_no_answer() -> None:
    day = day_of(BIG)
    assert together.searched(together.Task(day, 1, (), None, time.time() - 1, 0)) is None
