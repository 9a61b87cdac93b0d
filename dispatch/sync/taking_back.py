"""Facts that a technician takes back, each once and for a reason; what rested on one is looked at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dispatch.billing.queries import billed
from dispatch.errors import NotFound
from dispatch.sync import conflicts, protocol
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.model import Operation
from dispatch.sync.payloads import Payload
from dispatch.work_orders import commands as visits
from dispatch.work_orders.declaring import NO_ACCESS, announced, is_door_proven
from dispatch.work_orders.guards import is_locked
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Approval, Finding, PartUse, Visit
from dispatch.work_orders.on_site_model import Consent
from dispatch.work_orders.withdrawing import TakenBack, is_withdrawn

Fact = TypeVar("Fact", Finding, PartUse, Approval, Consent)
UNCHANGED: Mapping[str, Any] = {"unchanged": True}
ALLOWED = frozenset({"of", "reason"})


def void_part(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Take back a part; it returns to the van."""
    payload = Payload(reported.payload, ALLOWED)
    use = _named(session, visit, PartUse, payload.an_id("of"))
    if use.voided_by is not None:
        return Applied(effect=UNCHANGED)
    why = payload.text("reason")
    at = reported.at.moment
    visits.void_part_use(session, by=reported.by, visit=visit, use=use, reason=why, keeps_late=True, at=at)
    return Applied()


def void_finding(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Take back a finding."""
    payload = Payload(reported.payload, ALLOWED)
    finding = _named(session, visit, Finding, payload.an_id("of"))
    if finding.voided_by is not None:
        return Applied(effect=UNCHANGED)
    why = payload.text("reason")
    visits.void_finding(session, by=reported.by, visit=visit, finding=finding, reason=why, keeps_late=True)
    return Applied()


def void_approval(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Take back an approval; work or a bill that rested on it is looked at (R-204)."""
    payload = Payload(reported.payload, ALLOWED)
    approval = _named(session, visit, Approval, payload.an_id("of"))
    if is_withdrawn(session, approval):
        return Applied(effect=UNCHANGED)
    word = _word(reported, payload)
    rests = visits.withdraw_approval(session, visit=visit, approval=approval, word=word)
    if rests:
        rests |= billed(session, visit.work_order_id)
    return _looked_at(session, reported, visit, conflicts.APPROVAL_GONE, rests)


def void_consent(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Take back a consent; work that it allowed is looked at (R-506)."""
    payload = Payload(reported.payload, ALLOWED)
    consent = _named(session, visit, Consent, payload.an_id("of"))
    if is_withdrawn(session, consent):
        return Applied(effect=UNCHANGED)
    word = _word(reported, payload)
    rests = visits.withdraw_consent(session, visit=visit, consent=consent, word=word)
    return _looked_at(session, reported, visit, conflicts.CONSENT_GONE, rests)


def void_file(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Take back a file; a finished visit that lacks it now, or a door that it proved shut, is looked at."""
    payload = Payload(reported.payload, frozenset({"sha256", "reason"}))
    file = announced(session, visit, payload.text("sha256"))
    if is_withdrawn(session, file):
        return Applied(effect=UNCHANGED)
    word = _word(reported, payload)
    rests = visits.withdraw_file(session, visit=visit, file=file, word=word)
    proved = file.purpose == NO_ACCESS and VisitState(visit.state) is VisitState.NO_ACCESS
    if proved and not is_door_proven(session, visit):
        return Applied(conflicts.flag(session, reported, visit, conflicts.NO_PROOF).id)
    return _looked_at(session, reported, visit, conflicts.PHOTO_GONE, rests)


def _word(reported: Reported, payload: Payload) -> TakenBack:
    return TakenBack(reported.by, payload.text("reason"), reported.at.moment, reported.op_id)


def _looked_at(
    session: Session, reported: Reported, visit: Visit, kind: str, rests: Mapping[str, Any]
) -> Applied:
    if rests:
        return Applied(conflicts.flag(session, reported, visit, kind, rests=rests).id)
    return Applied(conflicts.keep_late(session, reported, visit).id if is_locked(visit) else None)


def _named(session: Session, visit: Visit, kind: type[Fact], op_id: uuid.UUID) -> Fact:
    """
    The fact of the visit that an operation recorded, itself or as the desk applied it later.

    Of two that a phone gave one name, the one that counted at once.
    """
    instead = select(Operation.op_id).where(
        Operation.visit_id == visit.id, Operation.body["instead_of"].as_string() == str(op_id)
    )
    named = (kind.op_id == op_id) | kind.op_id.in_(instead)
    here: ColumnElement[bool] = (
        kind.work_order_id == visit.work_order_id if issubclass(kind, Approval) else kind.visit_id == visit.id
    )
    found = session.scalars(select(kind).where(here, named).order_by(kind.op_id != op_id)).first()
    if found is None:
        raise NotFound("there is no such fact at this visit")
    return found


TAKES_BACK: Mapping[str, Callable[[Session, Reported, Visit], Applied]] = {
    protocol.FINDING_VOID: void_finding,
    protocol.PART_VOID: void_part,
    protocol.APPROVAL_VOID: void_approval,
    protocol.CONSENT_VOID: void_consent,
    protocol.FILE_VOID: void_file,
}
