"""A rejected operation is never dropped: a dispatcher applies it after all, or dismisses it with a reason."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access import audit
from dispatch.access.rules import Principal, Role
from dispatch.errors import DispatchError
from dispatch.sync import receipts, refusals
from dispatch.sync.clock_repair import Corrected
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.deciding import attempt
from dispatch.sync.envelope import Incoming
from dispatch.sync.model import Operation, Rejection
from dispatch.sync.protocol import OF_A_DAY, operation_digest
from dispatch.work_orders import commands as visits
from dispatch.work_orders.holding import hold_visits
from dispatch.work_orders.model import Visit


@dataclass(frozen=True, slots=True)
class Redecided:
    """An operation that was applied after all: the rejected one, and the new one that took effect."""

    rejection_id: uuid.UUID
    rejected_op_id: uuid.UUID
    applied_op_id: uuid.UUID
    case_id: uuid.UUID | None


def apply_anyway(
    session: Session,
    *,
    by: Principal,
    rejection: Rejection,
    payload: Mapping[str, Any] | None = None,
    visit: Visit | None = None,
    company_currency: str,
) -> Sequence[Redecided]:
    """
    Apply a rejected operation as a new one of the dispatcher, with a corrected payload if given.

    ``visit`` is the one it belongs to, as the dispatcher says: its technician counts as helper there, and
    what else they tell of it is taken. Then apply what waited for it, in the order of the phone. What is
    refused again stays rejected; the refusal of the first one is raised.
    """
    _check_open(rejection)
    moved: dict[str, Any] = {}
    if visit is not None:
        _attach(session, by, rejection, visit)
        moved = {"visit_id": str(visit.id)}
    corrected = moved if payload is None else moved | {"payload": dict(payload)}
    first = _redecide(session, by, rejection, corrected, company_currency)
    if isinstance(first, DispatchError):
        raise first
    done = [first]
    for waiting in _blocked_by(session, rejection):
        outcome = _redecide(session, by, waiting, moved, company_currency)
        if isinstance(outcome, DispatchError):
            break
        done.append(outcome)
    return done


def dismiss(session: Session, *, by: Principal, rejection: Rejection, reason: str) -> Rejection:
    """Put a rejected operation aside for good; its payload is kept."""
    _check_open(rejection)
    _close(session, by, rejection)
    audit.record(
        session,
        action="dismiss_operation",
        outcome="done",
        user_id=by.user_id,
        subject=rejection.op_id,
        reason=reason,
    )
    return rejection


def _attach(session: Session, by: Principal, rejection: Rejection, visit: Visit) -> None:
    if session.get_one(Operation, rejection.op_id).type in OF_A_DAY:
        raise refusals.OperationInvalid("the operation belongs to no visit", field="visit_id")
    hold_visits(session, [visit.id])
    visits.attach_helper(session, by=by, visit=visit, technician_id=rejection.technician_id)


def _check_open(rejection: Rejection) -> None:
    if rejection.decided_at is not None:
        raise refusals.RejectionDecided("the operation was decided about already")


def _close(session: Session, by: Principal, rejection: Rejection) -> None:
    rejection.decided_at, rejection.decided_by = clock.now(), by.user_id
    db.flush(session)


def _redecide(
    session: Session,
    by: Principal,
    rejection: Rejection,
    corrected: Mapping[str, Any],
    company_currency: str,
) -> Redecided | DispatchError:
    original = session.get_one(Operation, rejection.op_id)
    body = {**original.body, **corrected}
    again = Incoming(original.op_id, original.install_epoch, original.seq, body, original.body_sha256)
    at = Corrected(original.occurred_at, original.clock_quality, heard_at=original.received_at)
    new_id = db.new_id()
    actor = replace(by, role=Role.TECHNICIAN, technician_id=rejection.technician_id, device_id=None)
    outcome = attempt(session, Reported(actor, again, at, new_id, company_currency))
    if isinstance(outcome, DispatchError):
        return outcome
    # The phone goes on to name it by this id, whatever its id is here.
    told_as = str(uuid.UUID(original.body["op_id"]))
    body |= {"decided_by": str(by.user_id), "instead_of": told_as, "op_id": str(new_id)}
    _store(session, original, f"office-{rejection.id.hex}", body, outcome)
    _close(session, by, rejection)
    return Redecided(rejection.id, original.op_id, new_id, outcome.case_id)


def _store(session: Session, original: Operation, epoch: str, body: dict[str, Any], outcome: Applied) -> None:
    """Keep the new operation with who decided it; its installation is named for the rejection."""
    kept = body | {"install_epoch": epoch, "seq": 1}
    told = Incoming(uuid.UUID(kept["op_id"]), epoch, 1, kept, operation_digest(kept))
    decision = receipts.accepted(told, Corrected(original.occurred_at, original.clock_quality), outcome)
    session.add(
        Operation(
            op_id=told.op_id,
            device_id=original.device_id,
            install_epoch=epoch,
            seq=1,
            type=original.type,
            schema=original.schema,
            visit_id=told.visit_id,
            body=kept,
            body_sha256=told.sha256,
            state=decision.state,
            receipt=decision.receipt,
            occurred_at_device=original.occurred_at_device,
            occurred_at=original.occurred_at,
            clock_quality=original.clock_quality,
            received_at=clock.now(),
        )
    )
    db.flush(session)


def _blocked_by(session: Session, rejection: Rejection) -> Sequence[Rejection]:
    """What was rejected only because of this one, in the order of the phone."""
    root = session.get_one(Operation, rejection.op_id)
    statement = (
        select(Rejection)
        .join(Operation, Operation.op_id == Rejection.op_id)
        .where(
            Operation.device_id == root.device_id,
            Operation.install_epoch == root.install_epoch,
            Operation.visit_id == root.visit_id,
            Operation.seq > root.seq,
            Rejection.code == refusals.Blocked.code,
            Rejection.decided_at.is_(None),
        )
        .order_by(Operation.seq)
    )
    return session.scalars(statement).all()
