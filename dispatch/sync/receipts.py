"""Receipts: the decision about one operation as text, the same bytes for ever."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.errors import DispatchError
from dispatch.sync.clock_repair import Corrected
from dispatch.sync.conflicts import Applied
from dispatch.sync.envelope import Incoming
from dispatch.sync.protocol import APPLIED, CONFLICT, HELD, REJECTED


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an operation, and the receipt that says so."""

    state: str
    receipt: str
    code: str = ""
    reason: str = ""


def accepted(op: Incoming, at: Corrected, applied: Applied) -> Decision:
    """The operation took effect; with a case, somebody has to decide something about it."""
    told: dict[str, Any] = {
        "occurred_at": at.moment.isoformat(),
        "clock_quality": at.quality,
        "clock_flagged": at.is_flagged,
    }
    if applied.effect:
        told["effect"] = dict(applied.effect)
    if applied.case_id is None:
        return Decision(APPLIED, _text(op, APPLIED, told))
    return Decision(CONFLICT, _text(op, CONFLICT, told | {"case_id": str(applied.case_id)}))


def rejected(op: Incoming, why: DispatchError, *, blocked_by: uuid.UUID | None = None) -> Decision:
    """The operation took no effect; it is kept, and both technician and dispatcher see it."""
    told = {"code": why.code, "reason": why.message[:500], "remedy": why.remedy}
    if blocked_by is not None:
        told["blocked_by"] = str(blocked_by)
    return Decision(REJECTED, _text(op, REJECTED, told), why.code, why.message[:500])


def held(op: Incoming, missing_seq: int) -> Decision:
    """The operation waits for an earlier one of the same installation; this receipt is not final."""
    return Decision(HELD, _text(op, HELD, {"code": "gap", "missing_seq": missing_seq}))


def _text(op: Incoming, result: str, told: Mapping[str, Any]) -> str:
    receipt = {"op_id": str(op.op_id), "install_epoch": op.install_epoch, "seq": op.seq, "result": result}
    return json.dumps(receipt | dict(told), sort_keys=True, separators=(",", ":"))
