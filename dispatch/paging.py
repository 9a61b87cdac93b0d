"""Pages of a list: newest first, cut by id, continued with an opaque cursor (S9)."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatch.errors import Invalid

USUAL = 50
LARGEST = 200

Item = TypeVar("Item")
Other = TypeVar("Other")


class CursorInvalid(Invalid):
    """The cursor was not made by this list."""

    code = "CURSOR_INVALID"
    remedy = "Begin again without a cursor, and pass each next_cursor on unchanged."


class PageSizeInvalid(Invalid):
    """A page has at least one and at most 200 entries."""

    code = "PAGE_SIZE_INVALID"
    remedy = f"Ask for 1 to {LARGEST} entries and follow next_cursor."


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some entries of a list; ``next_cursor`` is None on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None

    def of(self, view: Callable[[Item], Other]) -> Page[Other]:
        """Return the same page of views."""
        return Page(tuple(view(item) for item in self.items), self.next_cursor)


def cut(
    session: Session,
    statement: Select[Item],
    key: InstrumentedAttribute[uuid.UUID],
    *,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Item]:
    """Return the entries after the cursor, newest first; ``key`` is the id of the entries."""
    if not 1 <= limit <= LARGEST:
        raise PageSizeInvalid(f"a page cannot have {limit} entries", largest=LARGEST)
    if cursor:
        statement = statement.where(key < _read(cursor))
    found: list[Any] = list(session.scalars(statement.order_by(key.desc()).limit(limit + 1)))
    more = len(found) > limit
    items = tuple(found[:limit])
    return Page(items, _written(getattr(items[-1], key.key)) if more else None)


def _written(identifier: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(identifier.bytes).decode().rstrip("=")


def _read(cursor: str) -> uuid.UUID:
    try:
        return uuid.UUID(
            bytes=base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_", validate=True)
        )
    except (ValueError, UnicodeEncodeError, binascii.Error) as error:
        raise CursorInvalid("this is not a cursor") from error
