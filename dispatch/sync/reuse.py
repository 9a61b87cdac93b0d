"""An operation that claims another one's identity: refused, told to the office, and kept like others."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.clock import TimeWithoutZone
from dispatch.sync import refusals
from dispatch.sync.clock_repair import UNVERIFIED, read_moment
from dispatch.sync.envelope import Incoming
from dispatch.sync.model import Operation, Rejection
from dispatch.sync.protocol import REJECTED
from dispatch.sync.receipts import rejected
from dispatch.sync.whereabouts import body_kept

EPOCH = "reuse-"
"""How the installations begin under which such operations are kept; each is the first of its own."""


def refuse(
    session: Session,
    by: Principal,
    operation: Incoming,
    refusal: type[refusals.IdReuse | refusals.SeqReuse],
) -> str:
    """
    Refuse an operation whose id or place belongs to another one; return its receipt.

    An honest phone never sends one, but a restored one may, and then it is work. It is kept once for each
    content, under an id of ours, for the desk to apply or to dismiss.
    """
    audit.record(
        session,
        action="sync_push",
        outcome="alert",
        user_id=by.user_id,
        subject=operation.op_id,
        reason=refusal.code,
        device=str(by.device_id),
        sha256=operation.sha256,
    )
    decision = rejected(operation, refusal("the identity belongs to another operation"))
    said = _said(operation)
    row = insert(Operation).values(
        op_id=db.new_id(),
        device_id=by.device_id,
        install_epoch=f"{EPOCH}{operation.sha256[:40]}",
        seq=1,
        type=operation.type,
        schema=operation.schema,
        visit_id=operation.visit_id,
        body=body_kept(operation),
        body_sha256=operation.sha256,
        state=REJECTED,
        receipt=decision.receipt,
        occurred_at_device=said,
        occurred_at=min(said, clock.now()),
        clock_quality=UNVERIFIED,
        received_at=clock.now(),
    )
    places = ["device_id", "install_epoch", "seq"]
    kept = session.scalar(row.on_conflict_do_nothing(index_elements=places).returning(Operation.op_id))
    if kept is not None:
        session.add(
            Rejection(
                op_id=kept,
                technician_id=by.technician_id,
                code=decision.code,
                reason=decision.reason,
                rejected_at=clock.now(),
            )
        )
        db.flush(session)
    return decision.receipt


def _said(operation: Incoming) -> datetime:
    """When it happened by the phone's word; the clocks it was recorded by may be another installation's."""
    try:
        return read_moment(operation.body.get("occurred_at"))
    except TimeWithoutZone:
        return clock.now()
