"""Reads the payload of an operation: right types, no unknown fields; commands judge lengths and words."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from dispatch import text
from dispatch.money import Money
from dispatch.sync.envelope import read_id
from dispatch.sync.refusals import OperationInvalid

MOST_ITEMS = 200
CHANGE = frozenset({"base", "value"})


class Payload:
    """The fields of one payload; each is asked for by name and type."""

    def __init__(self, given: object, allowed: frozenset[str]) -> None:
        if not isinstance(given, Mapping):
            raise OperationInvalid("payload is not an object", field="payload")
        text.only_known(given, allowed)
        self._given: Mapping[str, Any] = given

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self._given.get(name)
        if not isinstance(value, str):
            raise OperationInvalid(f"{name} is not a text", field=name)
        return value

    def anything(self, name: str) -> Any:
        """A value whose kind is judged later; it must be there."""
        if self._given.get(name) is None:
            raise OperationInvalid(f"{name} is missing", field=name)
        return self._given[name]

    def an_id(self, name: str) -> uuid.UUID:
        """A UUID that must be there."""
        found = self.optional_id(name)
        if found is None:
            raise OperationInvalid(f"{name} is missing", field=name)
        return found

    def optional_text(self, name: str) -> str | None:
        """A text, or None when it is left out."""
        return None if self._given.get(name) is None else self.text(name)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            raise OperationInvalid(f"{name} is not true or false", field=name)
        return value

    def optional_flag(self, name: str) -> bool | None:
        """True, false, or None when it is left out."""
        return None if self._given.get(name) is None else self.flag(name)

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._given.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise OperationInvalid(f"{name} is not a whole number", field=name)
        return value

    def optional_whole(self, name: str) -> int | None:
        """A whole number, or None when it is left out."""
        return None if self._given.get(name) is None else self.whole(name)

    def optional_id(self, name: str) -> uuid.UUID | None:
        """A UUID, or None when it is left out."""
        if self._given.get(name) is None:
            return None
        found = read_id(self._given[name])
        if found is None:
            raise OperationInvalid(f"{name} is not a UUID", field=name)
        return found

    def day(self, name: str) -> date:
        """A calendar day, ``2026-03-02``."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise OperationInvalid(f"{name} is not a day", field=name) from None

    def money(self) -> Money:
        """The fields ``amount``, a decimal text, and ``currency``."""
        return Money.parse(self.text("amount"), self.text("currency"))

    def texts(self, name: str) -> list[str]:
        """A list of texts; left out means none."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise OperationInvalid(f"{name} is not a list of texts", field=name)
        return values

    def optional_texts(self, name: str) -> list[str] | None:
        """A list of texts, or None when it is left out; an empty list is a list."""
        return None if self._given.get(name) is None else self.texts(name)

    def objects(self, name: str) -> list[Mapping[str, Any]]:
        """A list of objects; left out means none."""
        values = self._list(name)
        if not all(isinstance(value, Mapping) for value in values):
            raise OperationInvalid(f"{name} is not a list of objects", field=name)
        return values

    def text_objects(self, name: str) -> list[Mapping[str, str]]:
        """A list of objects whose values are texts; left out means none."""
        values = self.objects(name)
        if not all(isinstance(item, str) for value in values for item in value.values()):
            raise OperationInvalid(f"{name} holds values that are no texts", field=name)
        return values

    def text_by_name(self, name: str) -> dict[str, str]:
        """An object whose values are texts; left out means none."""
        value = self._object(name)
        if not all(isinstance(item, str) for item in value.values()):
            raise OperationInvalid(f"{name} holds values that are no texts", field=name)
        return dict(value)

    def optional_text_by_name(self, name: str) -> dict[str, str] | None:
        """An object whose values are texts or null, without the nulls; None when it is left out."""
        if self._given.get(name) is None:
            return None
        value = {key: item for key, item in self._object(name).items() if item is not None}
        if not all(isinstance(item, str) for item in value.values()):
            raise OperationInvalid(f"{name} holds values that are no texts", field=name)
        return value

    def changes(self, name: str) -> dict[str, dict[str, str | None]]:
        """An object of changes by field, each with the texts ``base`` and ``value``, which may be null."""
        told = {key: Payload(one, CHANGE) for key, one in self._object(name).items()}
        return {key: {part: one.optional_text(part) for part in CHANGE} for key, one in told.items()}

    def whole_by_name(self, name: str) -> dict[str, int]:
        """An object whose values are whole numbers; left out means none."""
        value = self._object(name)
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in value.values()):
            raise OperationInvalid(f"{name} holds values that are no whole numbers", field=name)
        return dict(value)

    def _list(self, name: str) -> list[Any]:
        value = self._given.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise OperationInvalid(f"{name} is not a list of at most {MOST_ITEMS}", field=name)
        return value

    def _object(self, name: str) -> Mapping[str, Any]:
        value = self._given.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or len(value) > MOST_ITEMS:
            raise OperationInvalid(f"{name} is not an object of at most {MOST_ITEMS} members", field=name)
        return value
