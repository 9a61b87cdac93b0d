"""Check a snapshot against its shape before a single word is typeset."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict
from zoneinfo import ZoneInfo

from dispatch.documents.errors import SnapshotInvalid
from dispatch.documents.shapes import Form
from dispatch.money import CurrencyUnknown, exponent

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
STROKES = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE+\-., \n]*")
DIGEST = re.compile(r"[0-9a-f]{64}")
LARGEST_MINOR = 10**15


def check(shape: Any, value: object, path: str) -> None:
    """Refuse a value that does not have the shape, naming the path of the first wrong field."""
    if is_typeddict(shape):
        _check_keys(shape, value, path)
    elif hasattr(shape, "__metadata__"):
        _check_text(shape.__metadata__[0], value, path)
    elif get_origin(shape) is list:
        _check_list(get_args(shape)[0], value, path)
    elif get_origin(shape) is Literal:
        _check_choice(get_args(shape), value, path)
    elif get_origin(shape) in {Union, UnionType}:  # pragma: no cover - no shape uses one today
        raise TypeError(f"{path}: unions are not supported in snapshot shapes")
    else:
        _check_plain(shape, value, path)


def _check_keys(shape: Any, value: object, path: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    hints = get_type_hints(shape, include_extras=True)
    for key in sorted(shape.__required_keys__ - value.keys()):
        raise SnapshotInvalid(f"{path}.{key} is missing", field=f"{path}.{key}")
    for key in value:
        if key not in hints:
            raise SnapshotInvalid(f"{path}.{key!s:.60} is not a field of this document", field=path)
        hint = hints[key]
        check(get_args(hint)[0] if _is_optional(hint) else hint, value[key], f"{path}.{key}")


def _is_optional(hint: Any) -> bool:
    return str(get_origin(hint)).endswith("NotRequired")


def _check_list(item: Any, value: object, path: str) -> None:
    if not isinstance(value, list):
        raise _wrong(path, "a list", value)
    for index, entry in enumerate(value):
        check(item, entry, f"{path}[{index}]")


def _check_choice(choices: tuple[Any, ...], value: object, path: str) -> None:
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise _wrong(path, "one of " + ", ".join(str(choice) for choice in choices), value)


def _check_plain(shape: Any, value: object, path: str) -> None:
    if shape is bool and not isinstance(value, bool):
        raise _wrong(path, "true or false", value)
    if shape is int and (type(value) is not int or abs(value) > LARGEST_MINOR):
        raise _wrong(path, "a whole number", value)


def _check_text(form: Form, value: object, path: str) -> None:
    if not isinstance(value, str):
        raise _wrong(path, f"text ({form.kind})", value)
    if len(value) > form.longest:
        raise SnapshotInvalid(
            f"{path} has {len(value)} characters, at most {form.longest} can be printed", field=path
        )
    if control := CONTROL.search(value):
        raise SnapshotInvalid(
            f"{path} holds the control character U+{ord(control.group()):04X} at position {control.start()}",
            field=path,
        )
    reader = READERS.get(form.kind)
    if reader is not None and not reader(value):
        raise _wrong(path, EXPECTED[form.kind], value)


def _is_instant(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == 10


def _is_decimal(value: str) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number.is_finite() and abs(number) < LARGEST_MINOR


def _is_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_currency(value: str) -> bool:
    try:
        exponent(value)
    except CurrencyUnknown:
        return False
    return True


READERS: dict[str, Callable[[str], bool]] = {
    "code": lambda value: bool(value.strip()) and "\n" not in value,
    "instant": _is_instant,
    "day": _is_day,
    "decimal": _is_decimal,
    "digest": lambda value: DIGEST.fullmatch(value) is not None,
    "zone": _is_zone,
    "currency": _is_currency,
    "strokes": lambda value: STROKES.fullmatch(value) is not None,
}
EXPECTED = {
    "code": "a number or code on one line",
    "instant": "an instant with time zone (ISO 8601)",
    "day": "a calendar day YYYY-MM-DD",
    "decimal": "a decimal number as text",
    "digest": "a sha256 digest in lower-case hex",
    "zone": "an IANA time zone",
    "currency": "a supported currency code",
    "strokes": "SVG path commands",
}


def _wrong(path: str, expected: str, value: object) -> SnapshotInvalid:
    return SnapshotInvalid(f"{path} must be {expected}, not {value!r:.60}", field=path)
