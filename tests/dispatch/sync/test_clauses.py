"""Every clause of docs/reference/sync.md is held by a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLAUSE = re.compile(
    r"^\*\*(Identity|Push|Pull|Receipt|Conflict|Time|Record|Attachment|Revoked|Day|Position) (\d+)\.\*\*",
    re.MULTILINE,
)
TEST = re.compile(
    r"def test_(identity|push|pull|receipt|conflict|time|record|attachment|revoked|day|position)"
    r"_clause_(\d+)_"
)


def test_every_clause_has_a_test_and_every_such_test_a_clause() -> None:
    page = (ROOT / "docs/reference/sync.md").read_text(encoding="utf-8")
    of_api = [
        ROOT / "tests/api" / name for name in ("test_mobile.py", "test_uploads.py", "test_quarantine.py")
    ]
    files = [*Path(__file__).parent.glob("test_*.py"), *of_api, ROOT / "tests/dispatch/test_orphans.py"]
    numbered = CLAUSE.findall(page)
    clauses = {(part.lower(), number) for part, number in numbered}
    held = {found for file in files for found in TEST.findall(file.read_text(encoding="utf-8"))}
    assert len(numbered) == len(clauses)
    assert clauses == held
    assert len(clauses) > 40
