"""Old parts that suppliers want back: expected for every piece fitted, until received or waived (R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.parts.model import Part
from dispatch.work_orders.model import PartUse, Visit, WorkOrder
from dispatch.work_orders.on_site_model import CoreReceipt
from dispatch.work_orders.refusals import CoreNotOpen

RECEIVED, WAIVED = "received", "waived"
RESULTS = frozenset({RECEIVED, WAIVED})


@dataclass(frozen=True, slots=True)
class OpenCore:
    """An old part that has not come back; with ``is_taken_out`` the technician has it, else the customer."""

    part_use_id: uuid.UUID
    visit_id: uuid.UUID
    visit_number: str
    technician_id: uuid.UUID | None
    customer_id: uuid.UUID
    sku: str
    quantity: int
    fitted_at: datetime
    is_taken_out: bool


def open_cores(
    session: Session, territory_id: uuid.UUID, *, technician_id: uuid.UUID | None = None
) -> Sequence[OpenCore]:
    """Return the cores of a territory, or of one technician there, that are still out, the oldest first."""
    out = aliased(PartUse)
    taken = exists().where(
        out.visit_id == PartUse.visit_id,
        out.part_id == PartUse.part_id,
        out.direction == "out",
        out.voided_by.is_(None),
    )
    statement = (
        select(PartUse, Visit, WorkOrder.customer_id, Part.sku, taken)
        .join(Part, Part.id == PartUse.part_id)
        .join(Visit, Visit.id == PartUse.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.territory_id == territory_id, *_expected())
        .order_by(PartUse.recorded_at, PartUse.id)
    )
    if technician_id is not None:
        statement = statement.where(Visit.technician_id == technician_id)
    return [
        OpenCore(
            part_use_id=use.id,
            visit_id=visit.id,
            visit_number=visit.number,
            technician_id=visit.technician_id,
            customer_id=customer_id,
            sku=sku,
            quantity=use.quantity,
            fitted_at=use.recorded_at,
            is_taken_out=is_taken,
        )
        for use, visit, customer_id, sku, is_taken in session.execute(statement)
    ]


def end_core(
    session: Session, *, by: Principal, use: PartUse, result: str, note: str | None = None
) -> CoreReceipt:
    """Note that an old part came back, or why nobody waits for it any more; again changes nothing."""
    known = session.get(CoreReceipt, use.id)
    if known is not None and known.result == result:
        return known
    statement = select(PartUse.id).join(Part, Part.id == PartUse.part_id)
    if session.scalars(statement.where(PartUse.id == use.id, *_expected())).first() is None:
        raise CoreNotOpen("no old part is expected for this one")
    why = text.optional_line(note, "note", longest=500)
    if text.choice(result, "result", RESULTS) == WAIVED:
        why = text.line(note or "", "note", longest=500)
    row = CoreReceipt(
        part_use_id=use.id, result=result, note=why, received_by=by.user_id, received_at=clock.now()
    )
    session.add(row)
    db.flush(session)
    return row


def _expected() -> tuple[ColumnElement[bool], ...]:
    """Fitted since the part has a core, not by mistake, and not back."""
    return (
        PartUse.direction == "in",
        PartUse.voided_by.is_(None),
        PartUse.recorded_at >= Part.core_since,
        ~exists().where(CoreReceipt.part_use_id == PartUse.id),
    )
