"""
Fields that accept exactly what the API description says and nothing that merely looks like it.

No ``"5"`` for 5, no ``yes`` for true, no time without a zone; every text has a longest length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from dispatch.clock import TimeWithoutZone

LONGEST_NAME, LONGEST_NOTES = 200, 5000
LARGEST_WHOLE = 2**31 - 1
YEARS = range(1900, 2200)

LINE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MOMENT_TEXT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
WHOLE_TEXT = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def values_are_text(field: fields.Field[Any]) -> bool:
    """Tell whether a field belongs to query parameters, where numbers and switches arrive as text."""
    return bool(getattr(field.root, "values_are_text", False))


class Text(fields.String):
    """One line of 1 to ``most`` characters, not blank, without control characters."""

    pattern = LINE

    def __init__(self, most: int = LONGEST_NAME, *, least: int = 1, pattern: str = "", **kwargs: Any) -> None:
        self._shape = re.compile(pattern or self.pattern)
        metadata = {"pattern": self._shape.pattern} | kwargs.pop("metadata", {})
        super().__init__(validate=validate.Length(min=least, max=most), metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not self._shape.fullmatch(text):
            raise ma.ValidationError("Not in the expected form.")
        return text


class ProvisionalNumber(Text):
    """The number of a receipt that a phone gave before it had contact."""

    pattern = r"^PR(?:-[0-9A-F]{4}){3}$"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(17, **kwargs)


class Word(fields.String):
    """One of a few words."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(sorted(words)), **kwargs)


class Notes(Text):
    """Text of several lines, up to ``most`` characters; may be empty."""

    pattern = LINES

    def __init__(self, most: int = LONGEST_NOTES, *, least: int = 0, **kwargs: Any) -> None:
        super().__init__(most, least=least, **kwargs)


class Whole(fields.Integer):
    """A whole number of 32 bits, within bounds."""

    def __init__(self, least: int = -LARGEST_WHOLE, most: int = LARGEST_WHOLE, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if values_are_text(self):
            if not isinstance(value, str) or not WHOLE_TEXT.fullmatch(value):
                raise self.make_error("invalid", input=value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(int(value), attr, data, **kwargs)


class Real(fields.Float):
    """A finite number within bounds; never used for money."""

    def __init__(self, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Quantity(Text):
    """An exact decimal as text, such as ``"1.5"``; loads as ``Decimal``. A minus sign is not accepted."""

    pattern = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(13, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read the text, then make it exact."""
        text = super().deserialize(value, attr, data, **kwargs)
        return Decimal(text) if isinstance(text, str) else text


class Fraction(Text):
    """A decimal with up to four decimals as text, such as a tax rate ``"0.24"``; loads as ``Decimal``."""

    pattern = r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(21, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read the text, then make it exact."""
        text = super().deserialize(value, attr, data, **kwargs)
        return Decimal(text) if isinstance(text, str) else text


class Exact(fields.String):
    """An exact decimal in an answer, as text without needless zeros."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


class Flag(fields.Boolean):
    """True or false, and no other word for it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        words = {"true": True, "false": False}
        if values_are_text(self) and value in words:
            return words[value]
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Id(fields.UUID):
    """A UUID in its usual form of 36 characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not UUID_TEXT.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return super()._deserialize(value, attr, data, **kwargs)


class Moment(fields.AwareDateTime):
    """A moment with its offset (RFC 3339); without one it could mean several and is refused by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=None, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        found = MOMENT_TEXT.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day, time, fraction, offset = found.groups()
        if offset is None:
            raise TimeWithoutZone(f"{self.name or attr}: {value} has no zone", field=self.name or attr)
        try:
            seconds = f"{time}{(fraction or '')[:7]}"
            moment = datetime.fromisoformat(f"{day}T{seconds}{offset.upper()}").astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        _check_year(moment)
        return moment


class Day(fields.Date):
    """A calendar day, ``2026-03-02``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not DAY_TEXT.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day = super()._deserialize(value, attr, data, **kwargs)
        _check_year(day)
        return day


class Choice(fields.Enum[Any]):
    """A word of an enumeration; loads as its member, shows a member or the stored word."""

    def __init__(self, words: type[Enum], **kwargs: Any) -> None:
        super().__init__(words, by_value=True, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value, attr, obj, **kwargs) if isinstance(value, Enum) else value


def _check_year(day: date) -> None:
    if day.year not in YEARS:
        raise ma.ValidationError(f"Must lie in the years {YEARS.start} to {YEARS.stop - 1}.")
