"""Nothing of the machine it was built on, no package index and no secret is left in the repository."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.tree import name_of, text_files

# Written in pieces, so that this file does not find itself.
HOMES = ("work", "root", "home" + r"/[a-z]\w*", "Users")
HOME_PATHS = re.compile(r"(?<![\w.])/(?:" + "|".join(HOMES) + r")/")
INDEX_HOSTS = re.compile(
    "|".join(
        (
            "pypi" + r"\.org",
            "python" + r"hosted\.org",
            "registry" + r"\.npm",
            "npmjs" + r"\.(?:org|com)",
            "deb" + r"\.debian\.org",
            "--(?:extra-)?index" + "-url",
            "--find" + "-links",
        )
    )
)
WORKPLACE_WORDS = re.compile(r"\b(?:agent|coding)" + r" session\b", re.IGNORECASE)
KEYS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE" + r" KEY-----|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b"
)


def found(pattern: re.Pattern[str], texts: list[tuple[Path, str]]) -> list[str]:
    """Where a pattern occurs, as file, line and the words found."""
    return [
        f"{name_of(path)}:{number} {match.group()}"
        for path, text in texts
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def test_no_path_of_a_persons_or_build_machine() -> None:
    assert found(HOME_PATHS, list(text_files())) == []


def test_no_package_index_is_named() -> None:
    assert found(INDEX_HOSTS, list(text_files())) == []


def test_no_words_about_how_the_code_was_typed() -> None:
    assert found(WORKPLACE_WORDS, list(text_files())) == []


def test_no_private_key_or_access_token() -> None:
    assert found(KEYS, list(text_files())) == []


def test_the_lock_holds_a_hash_for_every_library_and_no_address() -> None:
    lock = next(text for path, text in text_files() if path.name == "requirements.lock")
    pinned = re.findall(r"^[a-z0-9-]+==\S+.*\n    --hash=sha256:[0-9a-f]{64}", lock, flags=re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9-]+==", lock, flags=re.MULTILINE))
    assert len(pinned) > 50
    assert "://" not in lock
