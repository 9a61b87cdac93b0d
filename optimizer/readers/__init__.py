"""
Readers of other programs' files: Solomon and Homberger texts, and VROOM's JSON input.

A reader tells the whole problem or nothing: what our model cannot say is refused with the field's name, so
that nobody compares plans of two different problems.
"""

from pathlib import Path
from typing import Any

from optimizer.problem import Problem
from optimizer.readers import solomon, vroom
from optimizer.readers.errors import UntoldField
from optimizer.wire import parse, problem_from_json, text_of

__all__ = ["FORMATS", "UntoldField", "problem_from", "read"]

FORMATS = ("truckroll", "solomon", "vroom")
"""Names of the formats that can be read."""


def problem_from(text: str, form: str | None = None, *, name: str = "input") -> Problem:
    """A problem out of a text in one of ``FORMATS``; without a format the text itself tells which."""
    if form == "solomon" or (form is None and _is_table(text)):
        return solomon.problem_from_text(text, name)
    found = parse(text, name=name)
    if form == "vroom" or (form is None and _is_vroom(found)):
        return vroom.problem_from_json(found)
    return problem_from_json(found)


def read(path: Path, form: str | None = None) -> Problem:
    """Read a problem file."""
    return problem_from(text_of(path), form, name=str(path))


def _is_table(text: str) -> bool:
    """Whether a text has the headings of Solomon's files."""
    words = text[:2_000].upper().split()
    return "VEHICLE" in words and "CUSTOMER" in words and not text.lstrip().startswith(("{", "["))


def _is_vroom(found: Any) -> bool:
    """Whether an object is VROOM's: it has vehicles, and none of the version that ours begins with."""
    return isinstance(found, dict) and "vehicles" in found and "format" not in found
