"""
Unsent work of a revoked phone: proven by its key, kept sealed, applied only when a dispatcher admits it.

A lost phone that was found again may hold an honest day's work; a stolen one may hold anything (§2.7).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, extract, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access import audit
from dispatch.access.model import Device
from dispatch.access.proof import QUARANTINE, Proof, holds, read_public_key
from dispatch.access.queries import in_scope
from dispatch.access.rules import DeviceRefused, Principal, ProofOutOfTime, Role, TokenRules
from dispatch.access.sealing import seal, unseal
from dispatch.errors import Conflict, NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.sync.envelope import read_batch
from dispatch.sync.model import Quarantined
from dispatch.sync.push import Pushed, push
from dispatch.technicians.model import Technician
from dispatch.work_orders.rules import digest

KEPT_FOR = timedelta(days=30)
MOST_OF_A_PHONE = 100
PURPOSE = "quarantine"


class NotRevoked(Conflict):
    """Only a revoked phone hands its work over this way; any other one pushes it."""

    code = "DEVICE_NOT_REVOKED"
    remedy = "Log in and push the operations."


class QuarantineFull(Conflict):
    """The phone has handed over as much as waits for a decision at most."""

    code = "QUARANTINE_FULL"
    remedy = "Keep the operations; a dispatcher has to decide about the first ones."


class QuarantineDecided(Conflict):
    """Somebody decided about this work already, or its 30 days are over."""

    code = "QUARANTINE_DECIDED"
    remedy = "Read it again; what was not admitted must be recorded anew."


@dataclass(frozen=True, slots=True)
class Handover:
    """What a phone hands over: which phone, a push batch as text, and the proof that it holds the key."""

    device_id: uuid.UUID
    batch: str
    proof: Proof


def hand_over(session: Session, handover: Handover, *, rules: TokenRules) -> Quarantined:
    """Keep the work of a revoked phone sealed; the same operations twice are one. Nothing is applied."""
    device = session.get(Device, handover.device_id, with_for_update=True)
    if device is None or not holds(
        read_public_key(device.public_key), handover.proof, QUARANTINE, handover.batch
    ):
        raise DeviceRefused("the batch was not signed with the key of a known phone")
    at = session.scalar(select(extract("epoch", func.now()))) or 0
    if abs(handover.proof.timestamp - at) > rules.proof_skew.total_seconds():
        raise ProofOutOfTime("the device's clock differs from the server's", server_time=int(at))
    if device.revoked_at is None:
        raise NotRevoked("this phone is not revoked")
    operations = read_batch(_read(handover.batch).get("ops"))
    sha256 = digest(",".join(operation.sha256 for operation in operations))
    kept = select(Quarantined).filter_by(device_id=device.id, sha256=sha256)
    if (known := session.scalars(kept).first()) is not None:
        return known
    _check_room(session, device.id)
    sealed = seal(rules.secret, PURPOSE, handover.batch.encode(), bound_to=f"{device.id}|{sha256}")
    fresh = insert(Quarantined).values(
        id=db.new_id(),
        device_id=device.id,
        technician_id=device.technician_id,
        sha256=sha256,
        operations=len(operations),
        sealed=sealed,
        received_at=clock.now(),
        expires_at=clock.now() + KEPT_FOR,
    )
    session.execute(fresh.on_conflict_do_nothing(index_elements=["device_id", "sha256"]))
    return session.scalars(kept).one()


def admit(
    session: Session, *, by: Principal, work: Quarantined, rules: TokenRules, company_currency: str
) -> Pushed:
    """Apply the work as if the phone had pushed it when it was handed over; the dispatcher answers for it."""
    batch = opened(work, rules)
    device = session.get_one(Device, work.device_id)
    phone = Principal(device.user_id, Role.TECHNICIAN, frozenset(), device.technician_id, device.id)
    pushed = push(
        session, by=phone, batch=batch, company_currency=company_currency, admitted_at=work.received_at
    )
    _close(session, by, work, "admitted", None)
    return pushed


def dismiss_quarantined(session: Session, *, by: Principal, work: Quarantined, reason: str) -> Quarantined:
    """Put the work aside for good; its content is destroyed."""
    opened_at_all(work)
    work.sealed = None
    _close(session, by, work, "dismissed", text.line(reason, "reason", longest=500))
    return work


def opened(work: Quarantined, rules: TokenRules) -> Mapping[str, Any]:
    """Return the batch that waits for a decision."""
    sealed = opened_at_all(work)
    bound_to = f"{work.device_id}|{work.sha256}"
    return _read(unseal(rules.secret, PURPOSE, sealed, bound_to=bound_to).decode())


def opened_at_all(work: Quarantined) -> bytes:
    """Refuse work that was decided about; return its sealed bytes."""
    if work.decided_at is not None or work.sealed is None:
        raise QuarantineDecided("nothing waits for a decision here")
    return work.sealed


def expire(session: Session, now: datetime) -> Sequence[Quarantined]:
    """Destroy what nobody decided about within 30 days."""
    statement = select(Quarantined).where(Quarantined.decided_at.is_(None), Quarantined.expires_at <= now)
    found = session.scalars(statement.with_for_update(skip_locked=True)).all()
    for work in found:
        work.sealed, work.decision, work.decided_at = None, "expired", now
    return found


def quarantined(
    session: Session,
    principal: Principal,
    *,
    only_open: bool = True,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Quarantined]:
    """Return the work of revoked phones of the technicians a person sees, newest first."""
    statement = _seen(principal)
    if only_open:
        statement = statement.where(Quarantined.decided_at.is_(None))
    return cut(session, statement, Quarantined.id, cursor=cursor, limit=limit)


def find_quarantined(session: Session, principal: Principal, work_id: uuid.UUID) -> Quarantined:
    """Return one, held until the end of the transaction."""
    statement = _seen(principal).where(Quarantined.id == work_id).with_for_update(of=Quarantined)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such work of a revoked phone")
    return found


def _seen(principal: Principal) -> Select[Quarantined]:
    return (
        select(Quarantined)
        .join(Technician, Technician.id == Quarantined.technician_id)
        .where(in_scope(principal, Technician.territory_id))
    )


def _check_room(session: Session, device_id: uuid.UUID) -> None:
    waiting = select(func.count()).where(Quarantined.device_id == device_id, Quarantined.decided_at.is_(None))
    if (session.scalar(waiting) or 0) >= MOST_OF_A_PHONE:
        raise QuarantineFull(f"{MOST_OF_A_PHONE} batches of this phone wait for a decision")


def _read(batch: str) -> Mapping[str, Any]:
    try:
        found = json.loads(batch, parse_constant=_no_number, parse_float=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping):
        raise text.TextInvalid("batch is not a push batch as JSON text", field="batch")
    return found


def _no_number(text_: str) -> Any:
    """A push holds whole numbers and texts only; NaN and fractions have no one meaning."""
    raise ValueError(text_)


def _close(session: Session, by: Principal, work: Quarantined, decision: str, reason: str | None) -> None:
    work.decision, work.decided_at, work.decided_by, work.reason = decision, clock.now(), by.user_id, reason
    db.flush(session)
    audit.record(
        session,
        action="decide_quarantine",
        outcome=decision,
        user_id=by.user_id,
        subject=work.id,
        device=str(work.device_id),
        sha256=work.sha256,
    )
