"""Tools: entered, changed, handed over, accepted (R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal, Role
from dispatch.territories.queries import zone_of
from dispatch.tools import rules
from dispatch.tools.model import Tool, ToolHandover
from dispatch.tools.queries import find_taker
from dispatch.tools.rules import ACCEPTED, DECLINED, HANDED

CHANGEABLE = frozenset({"name_en", "name_zh", "calibrated_until", "is_retired"})


def add_tool(
    session: Session,
    *,
    by: Principal,
    territory_id: uuid.UUID,
    serial: str,
    name_en: str,
    name_zh: str,
    calibrated_until: date | None = None,
) -> Tool:
    """Enter a tool; the store keeps it until it is handed over."""
    number = text.code(serial, "serial")
    if session.scalar(select(Tool.id).where(Tool.serial == number)):
        raise rules.ToolSerialTaken(f"tool {number} exists")
    row = Tool(
        territory_id=territory_id,
        serial=number,
        name_en=text.line(name_en, "name_en"),
        name_zh=text.line(name_zh, "name_zh"),
        calibrated_until=calibrated_until,
    )
    session.add(row)
    db.flush(session)
    return row


def change_tool(
    session: Session,
    *,
    by: Principal,
    tool: Tool,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Tool:
    """Rename a tool, note its calibration, or retire it; one that is retired lies in the store."""
    row = _locked(session, tool)
    row.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    for name in ("name_en", "name_zh"):
        if name in changes:
            setattr(row, name, text.line(changes[name], name))
    if "calibrated_until" in changes:
        row.calibrated_until = changes["calibrated_until"]
    if "is_retired" in changes:
        if changes["is_retired"] and (row.keeper_id is not None or _open_of(session, row) is not None):
            raise rules.ToolRetired("a technician has the tool, or it is on its way")
        row.is_retired = bool(changes["is_retired"])
    db.flush(session)
    return row


def hand_over(
    session: Session,
    *,
    by: Principal,
    tool: Tool,
    taker_id: uuid.UUID | None,
    note: str | None = None,
    handover_id: uuid.UUID | None = None,
    at: datetime | None = None,
) -> ToolHandover:
    """
    Give a tool to a colleague, or to the store without a taker; who gives keeps it until it is accepted.

    The same id again is the same handover. No technician is given a tool whose calibration is over.
    """
    row = _locked(session, tool)
    known = session.get(ToolHandover, handover_id) if handover_id else None
    if known is not None:
        if (known.tool_id, known.taker_id) != (row.id, taker_id):
            raise rules.HandoverInvalid("this id belongs to another handover")
        return known
    is_fetched = taker_id is None and by.role is not Role.TECHNICIAN  # from somebody who has left, or lost it
    if not is_fetched and not _speaks_for(by, row.keeper_id):
        raise rules.ToolNotYours("somebody else keeps the tool")
    if row.is_retired:
        raise rules.ToolRetired("the tool is retired")
    if taker_id == row.keeper_id:
        raise rules.HandoverInvalid("the taker keeps the tool already")
    if _open_of(session, row) is not None:
        raise rules.ToolOnItsWay("the tool is handed over already")
    if taker_id is not None:
        find_taker(session, by, taker_id, row)
        today = clock.business_day(clock.now(), zone_of(session, row.territory_id))
        if not rules.is_usable(row.calibrated_until, today):
            raise rules.ToolNotCalibrated(f"calibrated until {row.calibrated_until}")
    handover = ToolHandover(
        id=handover_id or db.new_id(),
        tool_id=row.id,
        giver_id=row.keeper_id,
        taker_id=taker_id,
        state=HANDED,
        note=text.optional_line(note, "note", longest=500),
        handed_by=by.user_id,
        handed_at=at or clock.now(),
    )
    session.add(handover)
    db.flush(session)
    return handover


def accept(
    session: Session, *, by: Principal, handover: ToolHandover, at: datetime | None = None
) -> ToolHandover:
    """Take a tool: from now on it is this keeper's; again changes nothing."""
    tool = _locked(session, session.get_one(Tool, handover.tool_id))
    row = session.get_one(ToolHandover, handover.id, populate_existing=True)
    if not _speaks_for(by, row.taker_id):
        raise rules.ToolNotYours("the tool is for somebody else")
    if row.state == DECLINED:
        raise rules.HandoverOver("the handover was declined")
    if row.state == HANDED:
        row.state, row.ended_at = ACCEPTED, at or clock.now()
        tool.keeper_id = row.taker_id
        db.flush(session)
    return row


def decline(session: Session, *, by: Principal, handover: ToolHandover, reason: str) -> ToolHandover:
    """Refuse a tool, or take the handover back; its keeper stays."""
    _locked(session, session.get_one(Tool, handover.tool_id))
    row = session.get_one(ToolHandover, handover.id, populate_existing=True)
    if by.role is Role.TECHNICIAN and by.technician_id not in {row.giver_id, row.taker_id}:
        raise rules.ToolNotYours("only giver and taker call a handover off")
    if row.state == ACCEPTED:
        raise rules.HandoverOver("the handover was accepted")
    if row.state == HANDED:
        row.state, row.ended_at = DECLINED, clock.now()
        row.note = text.line(reason, "reason", longest=500)
        db.flush(session)
    return row


def _locked(session: Session, tool: Tool) -> Tool:
    statement = select(Tool).where(Tool.id == tool.id).with_for_update()
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def _open_of(session: Session, tool: Tool) -> uuid.UUID | None:
    statement = select(ToolHandover.id).where(ToolHandover.tool_id == tool.id, ToolHandover.state == HANDED)
    return session.scalars(statement).first()


def _speaks_for(by: Principal, technician_id: uuid.UUID | None) -> bool:
    """Technicians speak for themselves, the desk for the store."""
    if by.role is Role.TECHNICIAN:
        return technician_id is not None and by.technician_id == technician_id
    return technician_id is None
