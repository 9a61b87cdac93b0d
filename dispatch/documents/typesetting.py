"""Turn a view into PDF bytes with Typst: fixed fonts, fixed time stamp, user text only ever as data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
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
LOOSE_ACCENT = re.compile(r".[\u0300-\u036f]+")
UNPRINTABLE = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
MISSING_GLYPH = "□"
PATIENCE_SECONDS = 60
BREAK_HERE = "\u200b"
TURNS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # would let a name mirror the text around it
REMOVED = dict.fromkeys([*TURNS, 0x2028, 0x2029, 0xFEFF, 0xFE0E, 0xFE0F])


def typeset(kind: str, view: dict[str, Any], frozen_at: datetime) -> bytes:
    """
    Return the PDF/A-3b bytes of a view; the same view and time give the same bytes.

    Characters no shipped font can draw are printed as ``□``: the archive format forbids missing glyphs.
    """
    made_at = int(frozen_at.timestamp())
    if _threads.lost:
        return _typeset_elsewhere(kind, view, made_at)
    _threads.started = True
    with _one_at_a_time:
        return _typeset_here(kind, view, made_at)


def load() -> None:
    """Read the fonts and make the compilers of all templates."""
    for template in TEMPLATES.glob("*.typ"):
        _compiler(template.stem)


class _Threads:
    """Whether the typesetter's threads run in this process, or stayed behind in the parent of a fork."""

    started = False
    lost = False

    def forked(self) -> None:
        """Note in a fresh child that a fork copies no threads: typesetting there would wait for ever."""
        self.lost = self.lost or self.started


_threads = _Threads()
_one_at_a_time = threading.Lock()
os.register_at_fork(after_in_child=_threads.forked)


def _typeset_elsewhere(kind: str, view: dict[str, Any], made_at: int) -> bytes:
    task = json.dumps({"kind": kind, "view": view, "made_at": made_at})
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=task.encode(),
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env=os.environ | {"PYTHONPATH": paths},
        )
    except subprocess.TimeoutExpired as error:
        raise RenderingFailed(f"{kind}: not done after {PATIENCE_SECONDS} s") from error
    if done.returncode:
        raise RenderingFailed(f"{kind}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def _typeset_here(kind: str, view: dict[str, Any], made_at: int) -> bytes:
    compiler, failure = _compiler(kind), _typst_error()
    try:
        return _compile(compiler, _printable(view), made_at)
    except failure as error:
        unknown = _undrawable(error)
        if not unknown:
            raise RenderingFailed(f"{kind}: {error}") from error
    try:
        return _compile(compiler, _printable(_without(view, unknown)), made_at)
    except failure as error:
        raise RenderingFailed(f"{kind}: {error}") from error


@cache
def _fonts() -> Any:
    import typst
    from noto_cjk_sans_otc import FONT_PATH

    folder = str(Path(str(FONT_PATH)).parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])


@cache
def _compiler(kind: str) -> Any:
    import typst

    return typst.Compiler(
        input=str(TEMPLATES / f"{kind}.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        ignore_system_fonts=True,
    )


@cache
def _typst_error() -> type[Exception]:
    import typst

    return typst.TypstError


def _compile(compiler: Any, view: dict[str, Any], made_at: int) -> bytes:
    content = json.dumps(view, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    made = compiler.compile(
        format="pdf",
        sys_inputs={"document": content},
        pdf_standards=[STANDARD],
        timestamp=made_at,
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
        plain = value.replace("\r\n", "\n").replace("\r", "\n").translate(REMOVED)
        plain = LOOSE_ACCENT.sub(lambda match: unicodedata.normalize("NFC", match.group()), plain)
        return LONG_RUN.sub(rf"\1{BREAK_HERE}", plain)
    return value


def _undrawable(error: Exception) -> str:
    found = "".join(UNPRINTABLE.findall(str(getattr(error, "diagnostic", error))))
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), found).replace(BREAK_HERE, "")


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


def _main() -> None:
    task = json.load(sys.stdin)
    sys.stdout.buffer.write(_typeset_here(task["kind"], task["view"], task["made_at"]))


if __name__ == "__main__":
    _main()
