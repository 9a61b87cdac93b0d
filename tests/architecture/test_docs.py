"""The pages lead somewhere, and the generated ones say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from tests.architecture.tree import ROOT, name_of, tracked_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", flags=re.MULTILINE)
PAGES = [path for path in tracked_files() if path.suffix == ".md"]


def anchors(page: Path) -> set[str]:
    """The fragments under which a page's headings can be reached."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Targets inside the repository that a page names and that are not there."""
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, fragment = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists() or (fragment and goal.suffix == ".md" and fragment not in anchors(goal)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_inside_the_repository_resolve(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    is_current = (generate.REFERENCE / name).read_text(encoding="utf-8") == generate.PAGES[name]()
    assert is_current, "run `make docs`"


def test_every_page_of_the_documentation_is_reached_from_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    decisions = (ROOT / "docs" / "explanation" / "decisions" / "README.md").read_text(encoding="utf-8")
    pages = [page for page in PAGES if (ROOT / "docs") in page.parents and page.name != "README.md"]
    missing = [
        name_of(page)
        for page in pages
        if page.relative_to(ROOT / "docs").as_posix() not in index
        and not (page.parent.name == "decisions" and page.name in decisions)
    ]
    assert missing == []


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    named = {
        (name_of(page), target)
        for page in PAGES
        for target in re.findall(
            r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    }
    assert named
    assert sorted((page, target) for page, target in named if target not in targets) == []
