"""One command measures everything, goes on where it stopped and writes the page; speed is part of it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import campaign, rich, speed
from benchmarks.page import BEGIN, END
from benchmarks.runs import Runner

TINY_CAMPAIGN = [
    "--solvers",
    "truckroll",
    "--seeds",
    "1",
    "--seconds",
    "0.3",
    "--most",
    "1",
    "--repeats",
    "0",
]


def runner(name: str, version: str = "1") -> Runner:
    """A solver as it is known before its runs."""
    return Runner(name, version, uses_seed=True, limits_cpu=False)


def test_speed_measures_first_plans_of_all_and_the_rest_of_our_own() -> None:
    found = {name: runner(name) for name in ("truckroll", "pyvrp")}
    heads = [head for head, _ in speed.jobs((500, 5_000), found, seconds=1, seeds=(1, 2))]
    assert Counter(head["measure"] for head in heads) == {
        "first plan": 8,
        "search": 4 * len(rich.SETS),
        "quotes": 4 * (1 + len(rich.QUOTED)),
        "proof": speed.PROVED,
    }
    assert {head["solver"] for head in heads if head["measure"] != "first plan"} == {"truckroll"}
    seedless = {"vroom": Runner("vroom", "1", uses_seed=False, limits_cpu=False)}
    assert [head["seed"] for head, _ in speed.jobs((500,), seedless, seconds=1, seeds=(1, 2, 3))] == [1]


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        campaign.main(["--only", "everything"])
    assert "no part is called everything" in capsys.readouterr().err


@pytest.mark.slow
def test_a_campaign_measures_each_run_once_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On days of a hundred visits, where the real ones have 500 to 5,000."""
    monkeypatch.setattr(speed, "QUOTE_SIZES", (100,))
    folder, target = tmp_path / "results", tmp_path / "page.md"
    target.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    words = [
        *TINY_CAMPAIGN,
        "--only",
        "days,speed",
        "--sizes",
        "100",
        "--folder",
        str(folder),
        "--page",
        str(target),
    ]
    campaign.main([*words, "--dry"])
    assert "days              1 runs" in capsys.readouterr().out
    assert not folder.exists()
    campaign.main(words)
    days = [json.loads(line) for line in (folder / "days.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["instance"] for row in days] == ["day-100-s1"]
    speeds = [json.loads(line) for line in (folder / "speed.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["measure"] for row in speeds] == [
        "first plan",
        *("search" for _ in rich.SETS),
        *("quotes" for _ in range(1 + len(rich.QUOTED))),
        "proof",
    ]
    assert all("failed" not in row for row in speeds if row.get("rules") in {None, "plain", "rich"})
    quoted, proved = speeds[-2:]
    assert (quoted["windows"], quoted["technicians"]) == (40, 10)
    assert 0 <= proved["proved"] < 1
    text = target.read_text(encoding="utf-8")
    assert "### Goals" in text
    assert "| day-100-s1 |" in text
    assert str(tmp_path) not in text + (folder / "days.jsonl").read_text(encoding="utf-8")
    capsys.readouterr()
    campaign.main([*words, "--dry"])
    assert "days              0 runs" in capsys.readouterr().out
