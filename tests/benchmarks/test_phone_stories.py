"""A campaign of stories goes on where it stopped, and tells what failed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from benchmarks import phone_stories


def never(*_: object) -> bool:
    """No portion is let happen."""
    raise AssertionError("time is up")


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def sound(portion: int, steps: int, report: Path) -> bool:
        seen.append(portion)
        if portion == 1:
            report.write_text("a fault", encoding="utf-8")
        return portion != 1

    monkeypatch.setattr(phone_stories, "is_sound", sound)
    room = ["--folder", str(tmp_path), "--out", str(tmp_path / "rows.jsonl"), "--steps", "5"]
    assert phone_stories.main([*room, "--stories", "100"]) == 1
    assert phone_stories.main([*room, "--stories", "150"]) == 1
    assert seen == [0, 1, 2]
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["stories"], row["failed_portions"]) for row in rows] == [(100, [1]), (150, [1])]


def test_two_calls_share_the_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(phone_stories, "is_sound", lambda portion, *_: seen.append(portion) is None)
    out = tmp_path / "rows.jsonl"
    room = ["--folder", str(tmp_path), "--out", str(out), "--steps", "5", "--stories", "100"]
    assert phone_stories.main([*room, "--first", "2"]) == 0
    assert phone_stories.main(room) == 0
    assert seen == [2, 3, 0, 1]
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["first"], row["stories"]) for row in rows] == [(2, 100), (0, 100)]


def test_time_and_other_sources_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    state = phone_stories.state_at(path, of="then", steps=100) | {"portions": 7}
    path.write_text(json.dumps(state), encoding="utf-8")
    assert phone_stories.state_at(path, of="then", steps=100)["portions"] == 7
    assert phone_stories.state_at(path, of="now", steps=100)["portions"] == 0
    assert phone_stories.state_at(path, of="then", steps=50)["portions"] == 0
    monkeypatch.setattr(phone_stories, "is_sound", never)
    phone_stories.run(state, path, last=100, until=time.monotonic() - 1)
    assert state["portions"] == 7
    assert len(phone_stories.version()) == 8
