"""Folders and lists of others are read by argument alone; what is no instance is named with the reason."""

import json
from pathlib import Path

import pytest

from benchmarks import best_known, cases
from benchmarks.best_known import BestKnown
from benchmarks.days import field_day
from optimizer.wire import problem_to_json
from tests.benchmarks.tiny import TINY, VROOM

NOTHING = BestKnown({})


def names(folder: Path) -> dict[str, str]:
    """Name and kind of each case of a folder."""
    return {case.name: case.kind for case in cases.in_folder(folder, NOTHING)}


@pytest.mark.parametrize(
    "text",
    [
        TINY,
        TINY.lower(),
        TINY.replace("\n", "   \r\n"),
        "\ufeff" + TINY.replace(" ", "\t") + "\n\n \n",
        TINY.replace("\n", "\n\n") + "\x1a",
        TINY.replace("3 4 1 0 99 1", "3.00 4.00 1.00 0.00 99.00 1.00"),
    ],
    ids=["as published", "lower case", "trailing blanks", "tabs and a mark", "end of DOS", "points"],
)
def test_a_vrptw_file_is_read_in_any_spelling(tmp_path: Path, text: str) -> None:
    (tmp_path / "reference.txt").write_text(TINY, encoding="utf-8")
    (tmp_path / "odd.TXT").write_text(text, encoding="utf-8", newline="")
    odd, reference = cases.in_folder(tmp_path, NOTHING)
    assert odd.problem == reference.problem
    assert len(odd.problem.visits) == 2


def test_problems_of_ours_and_of_vroom_are_instances_too(tmp_path: Path) -> None:
    (tmp_path / "ours.json").write_text(json.dumps(problem_to_json(field_day(1, 5, 1))), encoding="utf-8")
    (tmp_path / "theirs.json").write_text(VROOM, encoding="utf-8")
    assert names(tmp_path) == {"ours": "own", "theirs": "own"}


def test_what_is_no_instance_is_skipped_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.txt").write_text(TINY, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("remember the milk", encoding="utf-8")
    (tmp_path / "X-n5.vrp").write_text("NAME : X\nNODE_COORD_SECTION\n1 2 3\n", encoding="utf-8")
    (tmp_path / "list.json").write_text('{"a": 1}', encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "short.txt").write_text(TINY[:60], encoding="utf-8")
    (tmp_path / "backwards.txt").write_text(TINY.replace("3 4 1 0 99", "3 4 1 99 0"), encoding="utf-8")
    for never in ("README.md", "LICENSE", ".hidden", "best_known.json", "plot.png"):
        (tmp_path / never).write_bytes(b"\x89 anything")
    assert names(tmp_path) == {"good": "vrptw"}
    told = capsys.readouterr().err
    assert "skipped notes: it is neither a VRPTW of Solomon's layout nor JSON" in told
    assert "skipped X-n5: it is of the VRPLIB format without time windows" in told
    assert all(f"skipped {name}: " in told for name in ("list", "broken", "short", "backwards"))
    assert "README" not in told


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "c1.txt").write_text(TINY, encoding="utf-8")
    assert sorted(names(tmp_path)) == ["a-c1.txt", "b-c1.txt"]


@pytest.mark.parametrize(
    "text",
    [
        '{"C101": 8273, "r1_2_1": 46672}',
        '{"C101.txt": {"vehicles": 10, "cost": 8273}, "R1_2_1": {"cost": 46672}}',
        '[{"instance": "c101", "cost": 827.3}, {"instance": "R1_2_1", "cost": 4667.2}]',
        "Instance,Vehicles,Distance,Reference\nC101,10,827.3,2021\nR1_2_1,20,4667.2,2021\n",
        "instance;cost\nc101;8273\nr1_2_1;46672\n",
        "# DIMACS\nC101  10  827.3\nR1_2_1  20  4667.2\n",
        "C101\t8273\nin/R1_2_1.txt\t46672\n",
        "C101 827.3 \n\nR1_2_1 4667.2",
    ],
)
def test_lists_of_best_known_costs_are_read_in_many_forms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "best"
    path.write_text(text, encoding="utf-8")
    known = best_known.read(path)
    assert known.cost("C101") == 8273
    assert known.cost("r1_2_1") == 46672
    assert known.cost("R999") is None
    assert not known.has_fine_digits


def test_costs_that_are_not_cut_off_as_ours_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "best.txt"
    path.write_text("C101 10 828.94\n", encoding="utf-8")
    known = best_known.read(path)
    assert known.cost("c101") == 8289
    assert known.has_fine_digits


@pytest.mark.parametrize("text", ["{", "no numbers here\n", "[]x"])
def test_a_file_without_costs_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "best"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(best_known.NoList):
        best_known.read(path)
