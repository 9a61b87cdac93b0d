"""Things of stores, vans and tools, written directly, for tests of who may reach what."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.parts.model import PartOrder, PartTransfer, StockCount
from dispatch.technicians.model import Technician
from dispatch.tools.model import Tool, ToolHandover
from tests import builders


def stock_of(session: Session, technician: Technician, by: uuid.UUID) -> dict[str, Any]:
    """A transfer to a technician, a count that waits, what is ordered for the store, a tool on its way."""
    return {
        "transfer_id": _transfer(session, technician),
        "count_id": _count(session, technician, by),
        "part_order_id": _part_order(session, technician, by),
        **_tool(session, technician, by),
    }


def _transfer(session: Session, technician: Technician) -> uuid.UUID:
    row = PartTransfer(
        territory_id=technician.territory_id,
        part_id=builders.a_part(session).id,
        quantity=1,
        taker_id=technician.id,
        state="asked",
        asked_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _count(session: Session, technician: Technician, by: uuid.UUID) -> uuid.UUID:
    row = StockCount(
        technician_id=technician.id,
        part_id=builders.a_part(session).id,
        expected=1,
        counted=0,
        reason="lost",
        state="open",
        counted_by=by,
        is_keepers=True,
        counted_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _part_order(session: Session, technician: Technician, by: uuid.UUID) -> uuid.UUID:
    row = PartOrder(
        territory_id=technician.territory_id,
        part_id=builders.a_part(session).id,
        quantity=1,
        state="ordered",
        ordered_by=by,
        ordered_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _tool(session: Session, technician: Technician, by: uuid.UUID) -> dict[str, Any]:
    tool = Tool(
        territory_id=technician.territory_id, serial=builders.serial("M"), name_en="Gauge", name_zh="表"
    )
    session.add(tool)
    session.flush()
    handover = ToolHandover(
        tool_id=tool.id, taker_id=technician.id, state="handed", handed_by=by, handed_at=clock.now()
    )
    session.add(handover)
    session.flush()
    return {"tool_id": tool.id, "handover_id": handover.id}
