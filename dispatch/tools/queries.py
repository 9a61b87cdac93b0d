"""Tools as their keepers and the office see them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import Row, column, select, table
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.tools.model import Tool, ToolHandover
from dispatch.tools.rules import HANDED

KEEPERS = table("technician", column("id"), column("territory_id"))
"""What scoping needs of a neighbour; tools and technicians do not import each other."""


def find_tool(session: Session, principal: Principal, tool_id: uuid.UUID) -> Tool:
    """Return a tool of a territory that the person may see; colleagues see who keeps what."""
    statement = select(Tool).where(Tool.id == tool_id, in_scope(principal, Tool.territory_id))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such tool")
    return found


def tool_with_serial(session: Session, principal: Principal, serial: str) -> Tool:
    """Return a tool of a territory that the person may see by the number on it."""
    statement = select(Tool).where(Tool.serial == serial, in_scope(principal, Tool.territory_id))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such tool")
    return found


def tools_of(session: Session, territory_id: uuid.UUID) -> Sequence[Tool]:
    """Return the tools of a territory by serial number."""
    return session.scalars(select(Tool).where(Tool.territory_id == territory_id).order_by(Tool.serial)).all()


def tools_kept_by(session: Session, technician_id: uuid.UUID) -> Sequence[Tool]:
    """Return what a technician keeps by serial number."""
    return session.scalars(select(Tool).where(Tool.keeper_id == technician_id).order_by(Tool.serial)).all()


def find_handover(session: Session, principal: Principal, handover_id: uuid.UUID) -> ToolHandover:
    """Return a handover of a tool that the person may see."""
    statement = (
        select(ToolHandover)
        .join(Tool, Tool.id == ToolHandover.tool_id)
        .where(ToolHandover.id == handover_id, in_scope(principal, Tool.territory_id))
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such handover")
    return found


def handovers_of(session: Session, tool_id: uuid.UUID) -> Sequence[ToolHandover]:
    """Return whose hands a tool went through, the latest first."""
    statement = select(ToolHandover).where(ToolHandover.tool_id == tool_id)
    return session.scalars(statement.order_by(ToolHandover.handed_at.desc(), ToolHandover.id.desc())).all()


def waiting_for(session: Session, technician_id: uuid.UUID) -> Sequence[ToolHandover]:
    """Return handovers that a technician has still to accept, the oldest first."""
    statement = select(ToolHandover).where(
        ToolHandover.taker_id == technician_id, ToolHandover.state == HANDED
    )
    return session.scalars(statement.order_by(ToolHandover.handed_at, ToolHandover.id)).all()


def handovers_awaited(session: Session, technician_id: uuid.UUID) -> Sequence[Row[ToolHandover, Tool]]:
    """Return the same with their tools."""
    statement = (
        select(ToolHandover, Tool)
        .join(Tool, Tool.id == ToolHandover.tool_id)
        .where(ToolHandover.taker_id == technician_id, ToolHandover.state == HANDED)
    )
    return session.execute(statement.order_by(ToolHandover.handed_at, ToolHandover.id)).all()


def not_calibrated(session: Session, keepers: Collection[uuid.UUID], on: date) -> Sequence[Tool]:
    """Return tools in technicians' hands whose calibration is over on a day, by serial number."""
    statement = select(Tool).where(Tool.keeper_id.in_(keepers), Tool.calibrated_until < on)
    return session.scalars(statement.order_by(Tool.serial)).all()


def find_taker(session: Session, principal: Principal, technician_id: uuid.UUID, tool: Tool) -> uuid.UUID:
    """Return the id of a technician of the tool's territory."""
    statement = select(KEEPERS.c.id).where(
        KEEPERS.c.id == technician_id,
        KEEPERS.c.territory_id == tool.territory_id,
        in_scope(principal, KEEPERS.c.territory_id),
    )
    found: uuid.UUID | None = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such technician")
    return found
