"""Generated problems: the same for the same seed, sound, and told without anything of this machine."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases, rich, roads
from benchmarks.best_known import BestKnown
from benchmarks.cases import Case
from benchmarks.days import KINDS, field_day, vrptw
from optimizer.validate import errors_in
from tests.benchmarks.tiny import TINY

RICH_DAY = {"make": "day", "visits": 48, "seed": 2}


def made_cases() -> list[Case]:
    """One case of every generated kind."""
    return [
        *cases.vrptw_made(sizes=(30,)),
        *cases.technicians(None, 3),
        *cases.generated_days((40,)),
        *cases.generated_days((40,), lunch=True),
        *cases.road_days((), (40,)),
        Case("rich", "day", {"make": "day", "visits": 40, "seed": 1, "rules": list(rich.RULES)}),
        *(
            Case(f"{name} day", "day", {**RICH_DAY, "rules": list(rules)})
            for name, rules in rich.SETS.items()
        ),
    ]


@pytest.mark.parametrize("case", made_cases(), ids=lambda case: case.name)
def test_a_generated_problem_is_sound_and_the_same_for_the_same_recipe(case: Case) -> None:
    first = case.problem
    cases.made.cache_clear()
    assert case.problem == first
    assert errors_in(first) == []
    other = {**case.recipe, "seed": case.recipe["seed"] + 1}
    assert Case(case.name, case.kind, other).problem != first
    assert json.loads(json.dumps(case.published)) == case.recipe


@pytest.mark.parametrize("kind", KINDS)
def test_generated_vrptw_instances_differ_by_seed(kind: str) -> None:
    assert vrptw(kind, 1, 40) == vrptw(kind, 1, 40)
    assert vrptw(kind, 1, 40) != vrptw(kind, 2, 40)


def test_a_published_recipe_names_a_file_by_name_and_digest_alone(tmp_path: Path) -> None:
    (tmp_path / "C101.txt").write_text(TINY, encoding="utf-8")
    (case,) = cases.in_folder(tmp_path, BestKnown({"c101": "200"}))
    assert case.best == 200
    assert case.family == "C1"
    assert case.published["file"] == "C101.txt"
    assert str(tmp_path) not in json.dumps(case.published)


def test_days_on_roads_are_asymmetric_and_drawn_from_the_file(tmp_path: Path) -> None:
    made = roads.made_streets(3, side=8)
    assert (np.abs(made.seconds - made.seconds.T) > 5).mean() > 0.3
    path = tmp_path / "town.npz"
    np.savez(path, seconds=made.seconds, metres=made.metres, lonlat=made.lonlat)
    *_, case = cases.road_days((path,), (24,))
    assert case.name == "town-24-s1"
    assert errors_in(case.problem) == []
    drawn = {value for row in case.problem.matrix.seconds for value in row}
    assert drawn <= set(made.seconds.ravel().tolist())


def test_the_districts_roads_are_those_that_the_demo_drives() -> None:
    district = roads.district()
    assert district.seconds.shape == district.metres.shape == (len(district.lonlat),) * 2
    assert (district.seconds != district.seconds.T).any()


def test_places_without_a_way_are_left_out_and_a_file_without_tables_is_refused(tmp_path: Path) -> None:
    seconds = np.array([[0, 5, -1, 4], [6, 0, -1, 7], [3, 3, 0, 3], [4, 4, np.nan, 0]])
    path = tmp_path / "town.npz"
    np.savez(path, seconds=seconds, metres=np.ones((4, 4)), lonlat=np.zeros((4, 2)))
    assert roads.load(path).seconds.tolist() == [[0, 5, 4], [6, 0, 7], [4, 4, 0]]
    np.savez(path, seconds=seconds, metres=np.ones((3, 3)))
    with pytest.raises(roads.NotRoads, match="shapes"):
        roads.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(roads.NotRoads, match="holds no arrays"):
        roads.load(path)


@pytest.mark.parametrize("rule", list(rich.RULES))
def test_a_rich_rule_changes_a_day_and_leaves_it_sound(rule: str) -> None:
    plain = field_day(1, 60, 7, lunch=False)
    rules = ("parts", rule) if rule == "fetching parts" else (rule,)
    found = rich.enriched(plain, 1, rules)
    assert found != plain
    assert found == rich.enriched(plain, 1, rules)
    assert errors_in(found) == []
