"""Operations of a technician's tools: handed over, accepted, declined (R-511)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.tools import commands
from dispatch.tools.model import ToolHandover
from dispatch.tools.queries import find_handover, tool_with_serial


def hand_tool_over(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Give a tool to a colleague or to the store; the phone names the handover."""
    payload = Payload(reported.payload, frozenset({"handover_id", "serial", "taker_id", "note"}))
    row = commands.hand_over(
        session,
        by=reported.by,
        tool=tool_with_serial(session, reported.by, text.code(payload.text("serial"), "serial")),
        taker_id=payload.optional_id("taker_id"),
        note=payload.optional_text("note"),
        handover_id=payload.an_id("handover_id"),
        at=reported.at.moment,
    )
    return _told(row)


def accept_tool(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Take a tool and keep it from now on."""
    found = _named(session, reported, Payload(reported.payload, frozenset({"handover_id"})))
    return _told(commands.accept(session, by=reported.by, handover=found, at=reported.at.moment))


def decline_tool(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Refuse a tool, or take the handover back."""
    payload = Payload(reported.payload, frozenset({"handover_id", "reason"}))
    found = _named(session, reported, payload)
    return _told(commands.decline(session, by=reported.by, handover=found, reason=payload.text("reason")))


def _named(session: Session, reported: Reported, payload: Payload) -> ToolHandover:
    return find_handover(session, reported.by, payload.an_id("handover_id"))


def _told(handover: ToolHandover) -> Mapping[str, Any]:
    return {"handover_id": str(handover.id), "state": handover.state}
