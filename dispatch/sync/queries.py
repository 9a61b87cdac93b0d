"""What phones pull, and which of their operations were rejected."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from dispatch.access.model import Device, Token
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.access.sealing import WIPE, signed_notice
from dispatch.access.tokens import fingerprint
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.sync.model import Operation, Rejection
from dispatch.sync.protocol import PAYMENT
from dispatch.sync.provisional import MARK, PURPOSE, number_told
from dispatch.sync.pull import Pulled, pull
from dispatch.sync.quarantine import find_quarantined, opened, quarantined
from dispatch.technicians.model import Technician

__all__ = [
    "Pulled",
    "RejectionView",
    "WipeNotice",
    "find_quarantined",
    "find_rejection",
    "opened",
    "pull",
    "quarantined",
    "rejections",
    "view_of",
    "wipe_notice",
]


@dataclass(frozen=True, slots=True)
class RejectionView:
    """A rejected operation with everything that was sent."""

    id: uuid.UUID
    op_id: uuid.UUID
    technician_id: uuid.UUID
    visit_id: uuid.UUID | None
    type: str
    code: str
    reason: str
    payload: Any
    occurred_at: datetime
    clock_quality: str
    rejected_at: datetime
    decided_at: datetime | None
    decided_by: uuid.UUID | None
    provisional_number: str | None
    """Of a payment: the number of the receipt that the phone gave."""


def rejections(
    session: Session,
    principal: Principal,
    *,
    only_open: bool = True,
    provisional_number: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[RejectionView]:
    """Return rejected operations of the technicians a person sees, newest first; their own to technicians."""
    statement = _seen(principal)
    if only_open:
        statement = statement.where(Rejection.decided_at.is_(None))
    if provisional_number is not None:
        payments = select(Operation.op_id).where(
            Operation.type == PAYMENT, _mark() == provisional_number.replace("-", "")[2:]
        )
        statement = statement.where(Rejection.op_id.in_(payments))
    page = cut(session, statement, Rejection.id, cursor=cursor, limit=limit)
    return page.of(lambda rejection: view_of(session, rejection))


def find_rejection(session: Session, principal: Principal, rejection_id: uuid.UUID) -> Rejection:
    """Return a rejection to be decided, held until the end of the transaction."""
    statement = _seen(principal).where(Rejection.id == rejection_id)
    found = session.scalars(statement.with_for_update(of=Rejection)).one_or_none()
    if found is None:
        raise NotFound("there is no such rejected operation")
    return found


def view_of(session: Session, rejection: Rejection) -> RejectionView:
    """Return a rejection with the operation as it was sent."""
    operation = session.get_one(Operation, rejection.op_id)
    return RejectionView(
        id=rejection.id,
        op_id=rejection.op_id,
        technician_id=rejection.technician_id,
        visit_id=operation.visit_id,
        type=operation.type,
        code=rejection.code,
        reason=rejection.reason,
        payload=operation.body.get("payload"),
        occurred_at=operation.occurred_at,
        clock_quality=operation.clock_quality,
        rejected_at=rejection.rejected_at,
        decided_at=rejection.decided_at,
        decided_by=rejection.decided_by,
        provisional_number=number_told(operation.body) if operation.type == PAYMENT else None,
    )


def _mark() -> ColumnElement[str]:
    """The digits of ``number_told``, as the database computes them."""
    epoch, op_id = Operation.body["install_epoch"].as_string(), Operation.body["op_id"].as_string()
    words = func.concat_ws("\n", PURPOSE, epoch, func.lower(op_id))
    found: ColumnElement[str] = func.upper(
        func.left(func.encode(func.sha256(func.convert_to(words, "UTF8")), "hex"), MARK)
    )
    return found


@dataclass(frozen=True, slots=True)
class WipeNotice:
    """Tells a revoked phone to delete what it holds; signed, so that nobody else can tell it."""

    device_id: uuid.UUID
    revoked_at: datetime
    signature: str


def wipe_notice(session: Session, access_token: str, *, secret: bytes) -> WipeNotice | None:
    """Return the notice for the phone whose token is not accepted any more because it was revoked."""
    statement = (
        select(Device.id, Device.revoked_at)
        .join(Token, Token.device_id == Device.id)
        .where(Token.token_sha256 == fingerprint(access_token), Device.revoked_at.is_not(None))
    )
    found = session.execute(statement).first()
    if found is None or found.revoked_at is None:
        return None
    signature = signed_notice(secret, WIPE, str(found.id), found.revoked_at.isoformat())
    return WipeNotice(found.id, found.revoked_at, signature)


def _seen(principal: Principal) -> Select[Rejection]:
    statement = (
        select(Rejection)
        .join(Technician, Technician.id == Rejection.technician_id)
        .where(in_scope(principal, Technician.territory_id))
    )
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(Rejection.technician_id == principal.technician_id)
    return statement
