"""The schema's history is one line of numbered steps, and two branches that add a step collide in git."""

from __future__ import annotations

import re
from pathlib import Path

from alembic.script import ScriptDirectory

from tests.architecture.tree import ROOT

MIGRATIONS = ROOT / "migrations"
STEP_NAME = re.compile(r"(?P<number>\d{4})_(pre_|post_)?[a-z][a-z0-9_]*\.py")


def steps() -> list[Path]:
    """Every step of the schema, in the order of their numbers."""
    return sorted(path for path in (MIGRATIONS / "versions").glob("*.py") if path.name != "__init__.py")


def history() -> ScriptDirectory:
    """The steps as Alembic sees them."""
    return ScriptDirectory(str(MIGRATIONS))


def test_there_is_one_head_and_the_head_file_names_it() -> None:
    assert history().get_heads() == [(MIGRATIONS / "HEAD").read_text(encoding="utf-8").strip()]


def test_steps_are_numbered_without_gaps_and_follow_one_another() -> None:
    names = [path.name for path in steps()]
    assert names
    assert [name for name in names if not STEP_NAME.fullmatch(name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    in_order = [Path(step.path).name for step in reversed(list(history().walk_revisions()))]
    assert in_order == names


def test_every_step_can_be_taken_back() -> None:
    one_way = [path.name for path in steps() if "def downgrade" not in path.read_text(encoding="utf-8")]
    assert one_way == []
