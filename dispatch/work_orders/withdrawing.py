"""
Approvals, consents and files that were taken back: they stay on record with when and why (R-204, R-506).

Each function returns what rested on the fact, nothing where nothing did; the caller has somebody look at it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access import audit
from dispatch.access.rules import Principal
from dispatch.checklists import commands as checklists
from dispatch.checklists.queries import lacking
from dispatch.money import Money
from dispatch.parts.model import Part
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.consenting import consents_of
from dispatch.work_orders.guards import check_recordable, outdate_reports
from dispatch.work_orders.lifecycle import FINISHED_STATES, VisitState
from dispatch.work_orders.model import Approval, DeclaredFile, PartUse, Visit
from dispatch.work_orders.on_site_model import Consent, Withdrawal
from dispatch.work_orders.queries import approvals_by_order, findings_of

Fact = Approval | Consent | DeclaredFile


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Who takes something back, why and when, and the operation that says so."""

    by: Principal
    reason: str
    at: datetime
    op_id: uuid.UUID | None = None


SUBJECTS: dict[type[Fact], str] = {Approval: "approval", Consent: "consent", DeclaredFile: "file"}


def withdraw_approval(
    session: Session, *, visit: Visit, approval: Approval, word: TakenBack
) -> dict[str, Any]:
    """
    Take back that the customer agreed to a price; it does not count at settlement any more (R-204).

    On it rest parts that were fitted since and visits that were finished, unless another approval stands
    for as much.
    """
    amount = Money(approval.amount_minor, approval.currency)
    row = _withdrawal(visit, approval, f"{amount} {amount.currency}", word)
    rests = _rests_on_approval(session, visit, approval)
    _keep(session, word.by, visit, row)
    outdate_reports(session, visit)
    for one in visit.work_order.visits:
        announce_visit(session, one)
    return rests


def withdraw_consent(session: Session, *, visit: Visit, consent: Consent, word: TakenBack) -> dict[str, Any]:
    """
    Take back that other equipment may be touched (R-506).

    On it rest the findings if they say that it was touched, unless another consent for it stands.
    """
    row = _withdrawal(visit, consent, consent.equipment, word)
    _keep(session, word.by, visit, row)
    outdate_reports(session, visit)
    announce_visit(session, visit)
    agreed = {one.equipment for one in consents_of(session, [visit.id]).get(visit.id, [])}
    touched = [
        name for one in findings_of(session, [visit.id]).get(visit.id, [])[-1:] for name in one.touched
    ]
    return {"touched": consent.equipment} if consent.equipment in {*touched} - agreed else {}


def withdraw_file(session: Session, *, visit: Visit, file: DeclaredFile, word: TakenBack) -> dict[str, Any]:
    """
    Take back a photograph or document; its bytes, if they are here, stay and are shown as taken back.

    Answers that name it do not count any more (R-505). On it rests a visit that was finished with an answer
    which is required and missing now.
    """
    row = _withdrawal(visit, file, file.sha256, word)
    _keep(session, word.by, visit, row)
    file.withdrawn_at = row.recorded_at
    before = lacking(session, visit.id, visit.checklists)
    if checklists.withdraw_answers(session, visit_id=visit.id, value=file.sha256):
        outdate_reports(session, visit)
    db.flush(session)
    announce_visit(session, visit)
    missing = [one for one in lacking(session, visit.id, visit.checklists) if one not in before]
    return {"questions": missing} if missing and VisitState(visit.state) in FINISHED_STATES else {}


def withdrawals_of(session: Session, visit_ids: Iterable[uuid.UUID]) -> list[Withdrawal]:
    """Return what was taken back at visits, oldest first."""
    statement = select(Withdrawal).where(Withdrawal.visit_id.in_(list(visit_ids)))
    return list(session.scalars(statement.order_by(Withdrawal.id)))


def withdrawals_by_subject(session: Session, subject_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Withdrawal]:
    """Return the withdrawals of facts that were taken back."""
    statement = select(Withdrawal).where(Withdrawal.subject_id.in_(list(subject_ids)))
    return {row.subject_id: row for row in session.scalars(statement.order_by(Withdrawal.id))}


def is_withdrawn(session: Session, fact: Fact) -> bool:
    """Tell whether a fact was taken back already; a file that was announced again since was not."""
    if isinstance(fact, DeclaredFile):
        return fact.withdrawn_at is not None
    return session.scalar(select(Withdrawal.id).where(Withdrawal.subject_id == fact.id)) is not None


def _withdrawal(visit: Visit, fact: Fact, what: str, word: TakenBack) -> Withdrawal:
    return Withdrawal(
        visit_id=visit.id,
        subject=SUBJECTS[type(fact)],
        subject_id=fact.id,
        what=what,
        reason=text.line(word.reason, "reason", longest=500),
        withdrawn_by=word.by.user_id,
        withdrawn_at=clock.aware(word.at),
        recorded_at=clock.now(),
        op_id=word.op_id,
    )


def _keep(session: Session, by: Principal, visit: Visit, row: Withdrawal) -> None:
    check_recordable(session, visit, by, keeps_late=True)
    session.add(row)
    audit.record(
        session,
        action=f"withdraw_{row.subject}",
        outcome="done",
        user_id=by.user_id,
        subject=row.subject_id,
        reason=row.reason,
    )
    db.flush(session)


def _rests_on_approval(session: Session, visit: Visit, approval: Approval) -> dict[str, Any]:
    standing = approvals_by_order(session, [approval.work_order_id]).get(approval.work_order_id, [])
    if any(one.id != approval.id and one.amount_minor >= approval.amount_minor for one in standing):
        return {}
    fitted = (
        select(Part.sku)
        .join(PartUse, PartUse.part_id == Part.id)
        .join(Visit, Visit.id == PartUse.visit_id)
        .where(
            Visit.work_order_id == approval.work_order_id,
            PartUse.direction == "in",
            PartUse.voided_by.is_(None),
            PartUse.id > approval.id,
        )
        .order_by(PartUse.id)
    )
    rests = {
        "parts": list(session.scalars(fitted)),
        "visits": [one.number for one in visit.work_order.visits if one.finished_at is not None],
    }
    return {name: found for name, found in rests.items() if found}
