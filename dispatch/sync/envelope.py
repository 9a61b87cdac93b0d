"""One operation as it arrived: its identity must be usable, everything else may be wrong and is kept."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.sync import refusals
from dispatch.sync.protocol import LARGEST_SEQ, MOST_OPERATIONS, operation_digest

EPOCH = re.compile(r"[A-Za-z0-9_-]{1,64}")
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LONGEST_TYPE = 64


@dataclass(frozen=True, slots=True)
class Incoming:
    """An operation with its identity; ``body`` is all of it, fit to be stored."""

    op_id: uuid.UUID
    install_epoch: str
    seq: int
    body: dict[str, Any]
    sha256: str

    @property
    def type(self) -> str:
        """What happened, such as ``visit.arrive``; unknown words are kept."""
        given = self.body.get("type")
        return given[:LONGEST_TYPE] if isinstance(given, str) else "invalid"

    @property
    def schema(self) -> int:
        """The version of the payload; 0 when it cannot be read."""
        given = self.body.get("schema")
        return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= 10_000 else 0

    @property
    def visit_id(self) -> uuid.UUID | None:
        """The visit it belongs to, if it names one."""
        return read_id(self.body.get("visit_id"))

    @property
    def known_seq(self) -> int:
        """The newest receipt the phone had when this was recorded."""
        given = self.body.get("known_seq")
        return given if isinstance(given, int) and not isinstance(given, bool) else 0


def read_id(value: object) -> uuid.UUID | None:
    """Return a UUID in its usual form, or None."""
    return uuid.UUID(value) if isinstance(value, str) and UUID_TEXT.fullmatch(value) else None


def read_batch(operations: object) -> list[Incoming]:
    """Return the operations of a push; refuse the whole push if one cannot be given a receipt."""
    if not isinstance(operations, list):
        raise refusals.BatchInvalid("ops is not a list")
    if len(operations) > MOST_OPERATIONS:
        raise refusals.BatchTooLarge(f"{len(operations)} operations", most=MOST_OPERATIONS)
    return [_read(operation, position) for position, operation in enumerate(operations)]


def _read(operation: object, position: int) -> Incoming:
    if not isinstance(operation, Mapping):
        raise refusals.BatchInvalid(f"ops[{position}] is not an object", position=position)
    op_id, epoch, seq = (operation.get(name) for name in ("op_id", "install_epoch", "seq"))
    found = read_id(op_id)
    if found is None or not isinstance(epoch, str) or not EPOCH.fullmatch(epoch):
        raise refusals.BatchInvalid(
            f"ops[{position}] has no usable op_id or install_epoch", position=position
        )
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= LARGEST_SEQ:
        raise refusals.BatchInvalid(f"ops[{position}] has no usable seq", position=position)
    body = storable(operation)
    return Incoming(found, epoch, seq, body, operation_digest(body))


def storable(value: Any) -> Any:
    """
    Return the value with NUL and half surrogate pairs replaced, which no database can hold.

    The replacement is a control character, which no field accepts: such an operation is rejected, not lost.
    """
    if isinstance(value, str):
        return UNSTORABLE.sub("\x01", value)
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value
