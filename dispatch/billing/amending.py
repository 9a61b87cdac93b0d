"""Times of a visit are amended as far as money allows: settled work is settled anew, invoices stay."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from dispatch import events, outbox
from dispatch.access.rules import Principal
from dispatch.billing.crediting import take_back
from dispatch.billing.model import CreditNote, Invoice, Settlement, SettlementLine
from dispatch.errors import Stale
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.guards import is_locked
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.refusals import RecordLocked

TIMES_AMENDED = "times of a visit were amended"


def amend_times(
    session: Session,
    *,
    by: Principal,
    visit: Visit,
    times: Mapping[str, datetime | int],
    reason: str,
    expected_version: int | None = None,
) -> Visit:
    """
    Amend times of a visit with a reason; a settlement that bills its labour is withdrawn and made anew.

    Raises ``RecordLocked`` once it is invoiced, until the invoice is credited. Visit, settlements and order
    are held as issuing holds them, so that nobody invoices what is withdrawn here.
    """
    held = select(Visit).where(Visit.id == visit.id).with_for_update()
    visit = session.scalars(held, execution_options={"populate_existing": True}).one()
    billed = session.scalars(_billing(visit).with_for_update(of=Settlement)).all()
    session.execute(select(WorkOrder.id).where(WorkOrder.id == visit.work_order_id).with_for_update())
    visit.expect_version(expected_version)
    if _ids(session.scalars(_billing(visit)).all()) != _ids(billed):
        raise Stale("the order was settled meanwhile", current=visit.version)
    if any(one.state == "invoiced" for one in billed):
        raise RecordLocked(f"visit {visit.number} is invoiced")
    if not work_orders.amend_times(session, by=by, visit=visit, times=times, reason=reason):
        return visit
    for one in billed:
        take_back(session, settlement_id=one.id, reason=TIMES_AMENDED)
    if is_locked(visit):
        outbox.record(
            session,
            events.VisitAdjusted(
                visit_id=str(visit.id), work_order_id=str(visit.work_order_id), version=str(visit.version)
            ),
        )
    return visit


def _billing(visit: Visit) -> Select[Settlement]:
    """Select the settlements that bill the labour of a visit and stand, neither withdrawn nor credited."""
    labour = exists().where(
        SettlementLine.settlement_id == Settlement.id,
        SettlementLine.source_key.startswith(f"labour:{visit.id}:", autoescape=True),
    )
    credited = exists().where(Invoice.settlement_id == Settlement.id, CreditNote.invoice_id == Invoice.id)
    return (
        select(Settlement)
        .where(Settlement.work_order_id == visit.work_order_id, Settlement.state != "void", labour, ~credited)
        .order_by(Settlement.revision)
        .execution_options(populate_existing=True)
    )


def _ids(found: Sequence[Settlement]) -> list[uuid.UUID]:
    return [one.id for one in found]
