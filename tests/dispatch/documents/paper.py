"""Read printed documents back; ``python -m tests.dispatch.documents.paper`` rewrites the golden texts."""

from __future__ import annotations

import io
from pathlib import Path

from pypdf import PdfReader

from dispatch.documents import KINDS, LANGUAGES, Kind, Language, render
from tests.dispatch.documents.samples import SAMPLES

GOLDEN = Path(__file__).parent / "golden"


def pages(pdf: bytes) -> list[str]:
    """Return the text of every page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def text(pdf: bytes) -> str:
    """Return the whole text with single blanks between words."""
    return " ".join(" ".join(pages(pdf)).split())


def golden_file(kind: Kind, language: Language) -> Path:
    """Return where the expected text of a sample is kept."""
    return GOLDEN / f"{kind}-{language}.txt"


def lines(pdf: bytes) -> str:
    """Return the text line by line, pages parted by a rule."""
    return (
        "\n-----\n".join("\n".join(line.strip() for line in page.splitlines()) for page in pages(pdf)) + "\n"
    )


def _rewrite() -> None:
    for kind in KINDS:
        for language in LANGUAGES:
            pdf = render(kind, SAMPLES[kind](), language)
            golden_file(kind, language).write_text(lines(pdf), encoding="utf-8")


if __name__ == "__main__":
    _rewrite()
