"""Turn a view into PDF bytes with Typst: fixed fonts, fixed time stamp, user text only ever as data."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from dispatch.documents.errors import RenderingFailed

TEMPLATES = Path(__file__).parent / "templates"
STANDARD = "a-3b"
VERBATIM = frozenset({"drawing", "digest"})
LONG_RUN = re.compile(r"([^\s\u2e80-\uffef]{20})(?=[^\s\u2e80-\uffef])")
UNPRINTABLE = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
MISSING_GLYPH = "□"
BREAK_HERE = "\u200b"
TURNS = dict.fromkeys(
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029, 0xFEFF, 0xFE0E, 0xFE0F]
)
_one_at_a_time = threading.Lock()


def typeset(kind: str, view: dict[str, Any], frozen_at: datetime) -> bytes:
    """
    Return the PDF/A-3b bytes of a view; the same view and time give the same bytes.

    Characters no shipped font can draw are printed as ``□``: the archive format forbids missing glyphs.
    """
    printable = _printable(view)
    compiler, failure = _compiler(kind), _typst_error()
    with _one_at_a_time:
        try:
            return _compile(compiler, printable, frozen_at)
        except failure as error:
            unknown = _undrawable(error)
            if not unknown:
                raise RenderingFailed(f"{kind}: {error}") from error
        try:
            return _compile(compiler, _without(printable, unknown), frozen_at)
        except failure as error:
            raise RenderingFailed(f"{kind}: {error}") from error


@cache
def _compiler(kind: str) -> Any:
    import typst
    from noto_cjk_sans_otc import FONT_PATH

    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(Path(str(FONT_PATH)).parent)]
    )
    return typst.Compiler(
        input=str(TEMPLATES / f"{kind}.typ"),
        root=str(TEMPLATES),
        font_paths=fonts,
        ignore_system_fonts=True,
    )


@cache
def _typst_error() -> type[Exception]:
    import typst

    return typst.TypstError


def _compile(compiler: Any, view: dict[str, Any], frozen_at: datetime) -> bytes:
    content = json.dumps(view, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    made = compiler.compile(
        format="pdf",
        sys_inputs={"document": content},
        pdf_standards=[STANDARD],
        timestamp=int(frozen_at.timestamp()),
    )
    if not isinstance(made, bytes):
        raise RenderingFailed("the typesetter gave no document")
    return made


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: entry if key in VERBATIM else _printable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_printable(entry) for entry in value]
    if isinstance(value, str):
        plain = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").translate(TURNS))
        return LONG_RUN.sub(rf"\1{BREAK_HERE}", plain)
    return value


def _undrawable(error: Exception) -> str:
    found = "".join(UNPRINTABLE.findall(str(getattr(error, "diagnostic", error))))
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), found)


def _without(value: Any, unknown: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(entry, unknown) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without(entry, unknown) for entry in value]
    if isinstance(value, str):
        joiners = {"\u200d", "\u200c"}
        return "".join(
            ("" if char in joiners else MISSING_GLYPH) if char in unknown else char for char in value
        )
    return value
