"""Words from outside: trimmed, of bearable length, and free of characters no paper or database can hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.errors import Invalid

NAME = 200
CODE = 64
PROSE = 20_000
MOST_ENTRIES = 100
MOST_STROKES = 200_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STROKES = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE+\-., \n]+")


class TextInvalid(Invalid):
    """A text is empty, too long, or holds control characters."""

    code = "TEXT_INVALID"
    remedy = "Shorten the named field, or remove the characters that cannot be printed."


class FieldUnknown(Invalid):
    """A change names a field that does not exist or cannot be changed."""

    code = "FIELD_UNKNOWN"
    remedy = "Send only fields that the documentation lists as changeable."


class ChoiceUnknown(Invalid):
    """A value is not one of the words allowed for this field."""

    code = "CHOICE_UNKNOWN"
    remedy = "Use one of the words listed in the answer."


class NumberOutOfRange(Invalid):
    """A whole number is missing, or outside what the field allows."""

    code = "NUMBER_OUT_OF_RANGE"
    remedy = "Give a whole number within the limits named in the answer."


def line(value: str, field: str, *, longest: int = NAME) -> str:
    """Return the text trimmed, on one line, with 1 to ``longest`` characters."""
    trimmed = prose(value, field, longest=longest)
    if not trimmed:
        raise TextInvalid(f"{field} is empty", field=field)
    if "\n" in trimmed or "\r" in trimmed or "\t" in trimmed:
        raise TextInvalid(f"{field} has more than one line", field=field)
    return trimmed


def is_sha256(value: str) -> bool:
    """Tell whether a text is a SHA-256 in lower-case hex."""
    return _SHA256.fullmatch(value) is not None


def is_drawing(value: str) -> bool:
    """Tell whether a text is SVG path data, such as a signature."""
    return 0 < len(value) <= MOST_STROKES and _STROKES.fullmatch(value) is not None


def optional_line(value: str | None, field: str, *, longest: int = NAME) -> str | None:
    """Return the text on one line, or None for an empty one."""
    return line(value, field, longest=longest) if value is not None and value.strip() else None


def code(value: str, field: str) -> str:
    """Return a short code without blanks inside."""
    found = line(value, field, longest=CODE)
    if any(character.isspace() for character in found):
        raise TextInvalid(f"{field} has blanks", field=field)
    return found


def prose(value: str, field: str, *, longest: int = PROSE) -> str:
    """Return free text trimmed; it may be empty and may have line breaks."""
    if not isinstance(value, str):
        raise TextInvalid(f"{field} is not a text", field=field)
    trimmed = value.strip()
    if len(trimmed) > longest:
        raise TextInvalid(f"{field} is longer than {longest} characters", field=field, longest=longest)
    if any(_is_unprintable(character) for character in trimmed):
        raise TextInvalid(f"{field} holds characters that cannot be printed", field=field)
    return trimmed


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cs" or (category == "Cc" and character not in "\n\r\t")


def lines(values: Sequence[str], field: str, *, longest: int = 500) -> list[str]:
    """Return a short list of one-line texts."""
    if isinstance(values, str) or len(values) > MOST_ENTRIES:
        raise TextInvalid(f"{field} is not a list of at most {MOST_ENTRIES} texts", field=field)
    return [line(value, field, longest=longest) for value in values]


def choice(value: str, field: str, allowed: Sequence[str] | frozenset[str]) -> str:
    """Return the value if it is one of the allowed words."""
    if value not in allowed:
        raise ChoiceUnknown(
            f"{field} cannot be {str(value)[:40]!r}", field=field, allowed=sorted(map(str, allowed))
        )
    return str(value)


def whole(value: int, field: str, least: int, most: int) -> int:
    """Return a whole number within its limits; a truth value is not a number."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise NumberOutOfRange(
            f"{field} is not between {least} and {most}", field=field, least=least, most=most
        )
    return value


def only_known(changes: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Refuse a change of fields that are not listed as changeable."""
    unknown = sorted(set(changes) - allowed)
    if unknown:
        raise FieldUnknown(f"cannot change {', '.join(name[:40] for name in unknown)}", fields=unknown)
