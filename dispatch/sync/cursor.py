"""The opaque position in the feed: signed, bound to one technician and one database (reliability §2.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.sync.protocol import DETAIL
from dispatch.sync.refusals import Resync

LONGEST = 2_000
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Position:
    """How far a phone has read, and by when its scope was computed."""

    feed_epoch: str
    scope_moment: datetime
    """The scope epoch: the window of days moves on from here."""
    xid: int
    seq: int = 0
    after: uuid.UUID | None = None
    """While the whole scope is being read: the last visit given."""
    acked_seq: Mapping[str, int] | None = None
    """While the whole scope is being read: what its first page includes."""
    is_dripped: bool = False
    """Whether visits that have not begun are held one by one."""


def signing_key(secret: bytes) -> bytes:
    """Return the key of cursors, derived from the installation's secret."""
    return hmac.new(secret, b"truckroll sync cursor", hashlib.sha256).digest()


def write(position: Position, *, key: bytes, technician_id: uuid.UUID) -> str:
    """Return a position as opaque text."""
    content = {
        "v": DETAIL,
        "f": position.feed_epoch,
        "s": position.scope_moment.isoformat(),
        "x": position.xid,
        "q": position.seq,
        "a": str(position.after) if position.after else None,
        "k": dict(position.acked_seq) if position.acked_seq is not None else None,
        "d": position.is_dripped,
    }
    raw = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mac(raw, key, technician_id) + raw).rstrip(b"=").decode()


def read(text: str, *, key: bytes, technician_id: uuid.UUID) -> Position:
    """Return the position of a cursor that we gave to this technician; any other text is ``Resync``."""
    refused = Resync("this cursor cannot be continued")
    try:
        padded = text[:LONGEST] + "=" * (-len(text) % 4)
        sealed = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError, binascii.Error):
        raise refused from None
    mac, raw = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(raw, key, technician_id)):
        raise refused
    content: dict[str, Any] = json.loads(raw)
    if content.get("v") != DETAIL:
        raise Resync("visits are told in another detail since this cursor was given")
    return Position(
        feed_epoch=content["f"],
        scope_moment=datetime.fromisoformat(content["s"]),
        xid=content["x"],
        seq=content["q"],
        after=uuid.UUID(content["a"]) if content["a"] else None,
        acked_seq=content["k"],
        is_dripped=content.get("d", False),
    )


def _mac(raw: bytes, key: bytes, technician_id: uuid.UUID) -> bytes:
    return hmac.new(key, technician_id.bytes + raw, hashlib.sha256).digest()[:_MAC_BYTES]
