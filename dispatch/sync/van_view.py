"""What a pull tells of a van: what to load, what is on its way, which tools are held (R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.rules import Principal
from dispatch.parts.model import Part, PartTransfer
from dispatch.parts.queries import open_transfers
from dispatch.parts.rules import ASKED, HANDED
from dispatch.planning.candidates import ANNOUNCED
from dispatch.planning.supplying import pick_list
from dispatch.technicians.model import Technician
from dispatch.territories.queries import zone_of
from dispatch.tools import rules as tool_rules
from dispatch.tools.model import Tool, ToolHandover
from dispatch.tools.queries import handovers_awaited, tools_kept_by
from dispatch.work_orders.model import Visit

DAYS = 2
"""Today and tomorrow: the van is loaded in the morning or the evening before."""
_ENDS = or_(PartTransfer.giver_id == Technician.id, PartTransfer.taker_id == Technician.id)
_WHAT_THERE_IS = select(
    Technician.territory_id,
    exists()
    .where(
        Visit.technician_id == Technician.id,
        Visit.state.in_([str(state) for state in ANNOUNCED]),
        Visit.parts != {},
    )
    .label("needs_parts"),
    exists()
    .where(
        PartTransfer.territory_id == Technician.territory_id,
        PartTransfer.state.in_([ASKED, HANDED]),
        _ENDS,
    )
    .label("has_transfers"),
    exists().where(Tool.keeper_id == Technician.id).label("keeps_tools"),
    exists()
    .where(ToolHandover.taker_id == Technician.id, ToolHandover.state == tool_rules.HANDED)
    .label("awaits_tools"),
).where(Technician.id == bindparam("technician_id"))
"""Whether there is anything of each kind at all: every pull asks, and most ask in vain."""


def van_of(session: Session, principal: Principal, now: datetime) -> Mapping[str, Any]:
    """Return the pick lists of today and tomorrow, open transfers, tools, and tools on their way here."""
    me = principal.technician_id
    if me is None:
        raise LookupError("only technicians have a van")
    there = session.execute(_WHAT_THERE_IS, {"technician_id": me}).one()
    transfers = open_transfers(session, principal, there.territory_id) if there.has_transfers else ()
    return {
        "pick_lists": _pick_lists(session, me, now) if there.needs_parts else [],
        "transfers": [_transfer(*row) for row in transfers],
        "tools": [
            {
                "serial": tool.serial,
                "name_en": tool.name_en,
                "name_zh": tool.name_zh,
                "calibrated_until": _text(tool.calibrated_until),
            }
            for tool in (tools_kept_by(session, me) if there.keeps_tools else ())
            if not tool.is_retired
        ],
        "tool_handovers": [
            {"id": str(row.id), "serial": tool.serial, "giver_id": _id(row.giver_id), "note": row.note}
            for row, tool in (handovers_awaited(session, me) if there.awaits_tools else ())
        ],
    }


def _pick_lists(session: Session, technician_id: uuid.UUID, now: datetime) -> list[dict[str, Any]]:
    me = session.get_one(Technician, technician_id)
    today = clock.business_day(now, zone_of(session, me.territory_id))
    listed = [_listed(session, me, today + timedelta(days=ahead)) for ahead in range(DAYS)]
    return [one for one in listed if one["parts"]]


def _listed(session: Session, me: Technician, day: date) -> dict[str, Any]:
    parts = [
        {**_named(one.part), "quantity": one.quantity, "is_serialised": one.part.is_serialised}
        for one in pick_list(session, me, day)
    ]
    return {"day": day.isoformat(), "parts": parts}


def _transfer(row: PartTransfer, part: Part) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "state": row.state,
        **_named(part),
        "quantity": row.quantity,
        "lot": row.lot,
        "serial": row.serial,
        "giver_id": _id(row.giver_id),
        "taker_id": _id(row.taker_id),
        "note": row.note,
        "asked_at": row.asked_at.isoformat(),
        "handed_at": _text(row.handed_at),
    }


def _named(part: Part) -> dict[str, str]:
    return {"sku": part.sku, "name_en": part.name_en, "name_zh": part.name_zh}


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def _text(moment: date | None) -> str | None:
    return None if moment is None else moment.isoformat()
