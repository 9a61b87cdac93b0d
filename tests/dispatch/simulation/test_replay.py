"""Weeks replayed under a policy: the same seed, the same weeks; nobody in two places; figures that add up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from dispatch.__main__ import main
from dispatch.simulation.replay.company import a_company, a_day
from dispatch.simulation.replay.day import Replay
from dispatch.simulation.replay.figures import Figures
from dispatch.simulation.replay.policy import SHIPPED, ReplayPolicy, ReplayPolicyInvalid, read_policy
from dispatch.simulation.replay.running import replay

QUICK = ReplayPolicy("quick", "", iterations=100)


@pytest.fixture(params=range(4))
def day(request: pytest.FixtureRequest) -> Replay:
    """A day that was lived, with illness on some."""
    company = a_company(4, seed=3)
    plot = a_day(company, request.param, seed=3, calls_each=5.0)
    if request.param % 2:
        plot = replace(plot, ill={"T2": 11 * 3_600})
    found = Replay(company, plot, QUICK, Figures())
    found.live()
    return found


def test_nobody_is_in_two_places_and_nothing_begins_before_its_window(day: Replay) -> None:
    routes: dict[str, list[tuple[int, int, str]]] = {}
    for name, fact in day.begun.items():
        assert fact.arrival <= fact.start < fact.end
        assert fact.start >= day.promised[name].start
        routes.setdefault(fact.technician_id, []).append((fact.arrival, fact.end, name))
    for line in routes.values():
        line.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(line))


def test_every_promise_is_visited_by_somebody_who_can(day: Replay) -> None:
    assert set(day.begun) == set(day.promised)
    crew = {who.id: who for who in day.company.crew}
    for name, fact in day.begun.items():
        held = crew[fact.technician_id].skills
        needed = day.visits[name].skills
        if not day.gone:  # who takes over from somebody who fell ill is sent all the same
            assert all(held.get(code, 0) >= level for code, level in needed.items())


def test_the_ill_begin_nothing_after_they_went_home(day: Replay) -> None:
    for who, at in day.gone.items():
        begun = [fact for fact in day.begun.values() if fact.technician_id == who]
        assert all(fact.arrival <= at + 2 * 3_600 for fact in begun)


def test_the_figures_are_those_of_the_day(day: Replay) -> None:
    figures = day.figures
    assert figures.promised == len(day.promised)
    assert figures.promised + figures.turned_away == len(day.plot.callers)
    kept = sum(fact.arrival <= day.promised[name].end for name, fact in day.begun.items())
    assert (figures.kept, figures.left_out) == (kept, 0)
    assert figures.emergencies == sum(caller.is_emergency for caller in day.plot.callers)


def test_the_same_seed_gives_the_same_weeks_and_another_one_others() -> None:
    once, again, other = (
        replay(QUICK, days=2, seed=seed, technicians=3, calls=4.0).rows() for seed in (5, 5, 6)
    )
    assert once == again
    assert once != other


def test_both_shipped_policies_are_read_and_differ() -> None:
    careful, tight = (read_policy(name) for name in SHIPPED)
    assert careful.window_hours > tight.window_hours
    assert careful.meaning
    assert tight.meaning


@pytest.mark.parametrize(
    "text",
    [
        "window_hours = 9",
        "window_hours = true",
        "window_hours = 'two'",
        "window_hours = [1]",
        "window_hours = 1.0",
        "least_chance = 1.5",
        "replan = 'sometimes'",
        "prices = 'no such'",
        "no_such = 1",
        "name = 'x'",
        "= broken",
    ],
)
def test_a_policy_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ReplayPolicyInvalid) as refusal:
        read_policy(str(file))
    assert "mine" in str(refusal.value)


def test_an_own_file_is_put_beside_a_shipped_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--show", "careful"]) == 0
    file = tmp_path / "mine.toml"
    file.write_text(capsys.readouterr().out.replace("reserve_percent = 20", "reserve_percent = 0"))
    words = [
        "--days",
        "1",
        "--technicians",
        "2",
        "--calls",
        "3",
        "--policy",
        "careful",
        "--policy",
        str(file),
    ]
    assert main(["simulate", *words]) == 0
    shown = capsys.readouterr().out
    assert "careful" in shown
    assert "mine" in shown
    assert "promises" in shown


@pytest.mark.parametrize("words", [["--days", "0"], ["--technicians", "21"], ["--policy", "no-such-file"]])
def test_wrong_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *words]) == 2
    assert "error" in capsys.readouterr().err
