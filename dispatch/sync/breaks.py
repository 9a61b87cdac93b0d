"""Breaks as technicians take them: what they say, never what the plan says (R-509)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.technicians import breaks


def begin_break(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Note when a break began; one that is still open ends then."""
    Payload(reported.payload, frozenset())
    row = breaks.start_break(
        session, technician_id=_whose(reported), at=reported.at.moment, op_id=reported.op_id
    )
    return {"break_id": str(row.id)}


def end_break(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Note when the open break ended; without one nothing changes."""
    Payload(reported.payload, frozenset())
    row = breaks.end_break(session, technician_id=_whose(reported), at=reported.at.moment)
    return {"break_id": str(row.id)} if row else {"unchanged": True}


def _whose(reported: Reported) -> uuid.UUID:
    return reported.by.technician_id or uuid.UUID(int=0)
