"""The seeded bugs still fit the sources, so that `make mutants-sync` hunts what it names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.mutants_sync import HUNTERS, MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_seeded_bug_replaces_one_place_and_is_still_python(mutant: Mutant) -> None:
    sound = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert sound.count(mutant.was) == 1
    ast.parse(sound.replace(mutant.was, mutant.now))


def test_there_are_twenty_bugs_and_their_hunters_exist() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert all((ROOT / hunter).exists() for hunter in HUNTERS)
