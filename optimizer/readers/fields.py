"""Strict reading of one JSON object: every field has a known type, and none is passed over."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.readers.errors import UntoldField
from optimizer.wire import MalformedInput

REMEDY = "see VROOM's description of its input"


@dataclass(frozen=True, slots=True)
class Node:
    """
    A JSON object, and where in the file it stands.

    fields
        Its fields.
    path
        Such as ``jobs[3]``; empty for the whole document.
    """

    fields: Mapping[str, Any]
    path: str = ""

    def where(self, name: str) -> str:
        """Path to a field."""
        return f"{self.path}.{name}" if self.path else name

    def require_told(self, told: Collection[str], untold: Mapping[str, Any]) -> None:
        """
        Refuse the first field that is neither told nor at the value at which it means nothing.

        told
            Fields the reader understands.
        untold
            Fields the model has no words for, with the value that means nothing.
        """
        for name, value in self.fields.items():
            if name in told or (name in untold and value == untold[name]):
                continue
            known = "our model cannot tell it" if name in untold else "no field that this reader knows"
            raise UntoldField(self.where(name[:40]), known)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; without a default the field must be there."""
        if name not in self.fields and default is not None:
            return default
        return whole(self._given(name), self.where(name))

    def text(self, name: str, default: str) -> str:
        """A text."""
        found = self.fields.get(name, default)
        if not isinstance(found, str):
            raise wrong(self.where(name), "a text")
        return found

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers; empty when the field is missing."""
        return wholes(self.fields.get(name, []), self.where(name))

    def items(self, name: str) -> list[Any]:
        """A list; empty when the field is missing."""
        return _items(self.fields.get(name, []), self.where(name))

    def nodes(self, name: str) -> list["Node"]:
        """A list of objects; empty when the field is missing."""
        return [node(item, f"{self.where(name)}[{at}]") for at, item in enumerate(self.items(name))]

    def node(self, name: str) -> "Node":
        """An object; empty when the field is missing."""
        return node(self.fields.get(name, {}), self.where(name))

    def table(self, name: str) -> list[tuple[int, ...]]:
        """Rows of whole numbers."""
        path = self.where(name)
        return [wholes(row, f"{path}[{at}]") for at, row in enumerate(_items(self._given(name), path))]

    def _given(self, name: str) -> Any:
        if name not in self.fields:
            raise MalformedInput(self.where(name), "MISSING_FIELD", "the field is missing", remedy="add it")
        return self.fields[name]


def node(found: Any, path: str) -> Node:
    """A JSON object at a path."""
    if not isinstance(found, dict):
        raise wrong(path or "$", "an object")
    return Node(found, path)


def whole(found: Any, path: str) -> int:
    """A whole number at a path."""
    if type(found) is not int:
        raise wrong(path, "a whole number")
    return found


def wholes(found: Any, path: str) -> tuple[int, ...]:
    """A list of whole numbers at a path."""
    return tuple(whole(item, f"{path}[{at}]") for at, item in enumerate(_items(found, path)))


def _items(found: Any, path: str) -> list[Any]:
    """A list at a path."""
    if not isinstance(found, list):
        raise wrong(path, "a list")
    return found


def wrong(path: str, expected: str) -> MalformedInput:
    """The error for a value of another type."""
    return MalformedInput(path, "WRONG_TYPE", f"expected {expected}", remedy=REMEDY)
