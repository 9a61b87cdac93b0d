"""The seeded bugs still fit the sources, so that `make mutants-sync` hunts what it names."""

from __future__ import annotations

import ast
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mutants_sync
from benchmarks.mutants_sync import HUNTERS, MUTANTS, Mutant
from benchmarks.page import ASIDE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_seeded_bug_replaces_one_place_and_is_still_python(mutant: Mutant) -> None:
    sound = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert sound.count(mutant.was) == 1
    ast.parse(sound.replace(mutant.was, mutant.now))


def test_there_are_twenty_bugs_and_their_hunters_exist() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert all((ROOT / hunter).exists() for hunter in HUNTERS)


def test_a_hunt_that_stops_has_not_succeeded_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only all bugs hunted and killed is a success; each call leaves a row."""
    hunted: list[str] = []
    survivors: set[str] = set()

    def hunt(
        wanted: list[Mutant], state: dict[str, Any], path: Path, *, until: float, most: int | None = 7
    ) -> None:
        for mutant in wanted[:most]:
            hunted.append(mutant.name)
            state["hunted"][mutant.name] = {"killed": mutant.name not in survivors, "by": "a test"}
        path.write_text(json.dumps(state), encoding="utf-8")

    monkeypatch.setattr(mutants_sync, "version", lambda: "one")
    monkeypatch.setattr(mutants_sync, "hunt", hunt)
    room = ["--folder", str(tmp_path), "--out", str(tmp_path / "rows.jsonl")]
    assert mutants_sync.main(room) == 1
    assert f"7 of {len(MUTANTS)} killed; UNFINISHED" in capsys.readouterr().out
    monkeypatch.setattr(mutants_sync, "hunt", partial(hunt, most=None))
    assert mutants_sync.main(room) == 0
    assert hunted == [mutant.name for mutant in MUTANTS]
    assert mutants_sync.main(room) == 0
    assert len(hunted) == len(MUTANTS)
    survivors.add(MUTANTS[3].name)
    assert mutants_sync.main([*room, "--anew"]) == 1
    monkeypatch.setattr(mutants_sync, "version", lambda: "two")
    assert mutants_sync.main([*room, "--only", MUTANTS[0].name]) == 0
    assert mutants_sync.main([*room, "--only", "no bug has this name"]) == 1
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(row["not_hunted"]) for row in rows] == [len(MUTANTS) - 7, 0, 0, 0, 0, 0]
    assert [row["survived"] for row in rows[3:5]] == [[MUTANTS[3].name], []]
    assert {row["measure"] for row in rows} <= set(ASIDE)


@pytest.mark.parametrize("code", [1, 2, None])
def test_nothing_is_hunted_by_tests_that_fail_without_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int | None
) -> None:
    """A test that fails anyway kills nothing; it is asked again, and what passes is asked once."""
    bug = MUTANTS[0]
    told = iter([(code, "FAILED tests/any.py"), (0, "9 passed"), (1, "FAILED tests/one.py"), (0, "9 passed")])
    bugs_inside: list[bool] = []

    def hunters_say(root: Path) -> tuple[int | None, str]:
        bugs_inside.append(bug.now in (root / bug.path).read_text(encoding="utf-8"))
        return next(told)

    monkeypatch.setattr(mutants_sync, "COPIED", ("dispatch",))
    monkeypatch.setattr(mutants_sync, "version", lambda: "one")
    monkeypatch.setattr(mutants_sync, "hunters_say", hunters_say)
    room = ["--only", bug.name, "--folder", str(tmp_path), "--out", str(tmp_path / "rows.jsonl")]
    assert mutants_sync.main(room) == 1
    assert "UNSOUND   without a bug: FAILED tests/any.py" in capsys.readouterr().out
    assert mutants_sync.main(room) == 0
    assert "killed    dedupe after effect: FAILED tests/one.py" in capsys.readouterr().out
    assert mutants_sync.main([*room[2:], "--only", MUTANTS[3].name]) == 1
    assert bugs_inside == [False, False, True, False]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["is_sound"], row["killed"], row["survived"]) for row in rows] == [
        (False, 0, []),
        (True, 1, []),
        (True, 0, [MUTANTS[3].name]),
    ]


def test_a_hunt_whose_time_is_over_hunts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants_sync, "COPIED", ())
    state = mutants_sync.state_at(tmp_path / "state.json", of="now")
    mutants_sync.hunt(MUTANTS, state, tmp_path / "state.json", until=time.monotonic() - 1)
    assert state["hunted"] == {}
    assert len(mutants_sync.version()) == 8
