"""Applies one operation by the same commands that the office uses, or keeps it as a case."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.billing.paying import record_payment
from dispatch.errors import TransitionRefused
from dispatch.sync import conflicts, protocol
from dispatch.sync.clock_repair import UNVERIFIED
from dispatch.sync.closing_day import hand_in_day
from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.sync.refusals import OperationInvalid, OperationUnknown
from dispatch.work_orders import commands as visits
from dispatch.work_orders.lifecycle import FINISHED_STATES, Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.queries import find_visit_ever_held
from dispatch.work_orders.record import outdate_reports
from dispatch.work_orders.refusals import NotYourVisit, SignatureMismatch

S = VisitState
AFTER_ACCEPTED = frozenset({S.ACCEPTED, S.TRAVELLING, S.ON_SITE, S.WORKING, S.PAUSED}) | FINISHED_STATES


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an operation; with a case, somebody has to decide something."""

    case_id: uuid.UUID | None = None
    effect: Mapping[str, Any] = field(default_factory=dict)
    """What the phone should know of it, such as the receipt's number."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step that a phone reports; a physical one happened, whatever the office did meanwhile."""

    target: VisitState
    is_physical: bool = True
    already: frozenset[VisitState] = frozenset()
    """States of the technician's own visit in which the step changes nothing any more."""


MOVES: Mapping[str, Move] = {
    protocol.ACCEPT: Move(S.ACCEPTED, is_physical=False, already=AFTER_ACCEPTED),
    protocol.DECLINE: Move(S.UNPLANNED, is_physical=False),
    protocol.TRAVEL: Move(S.TRAVELLING, already=frozenset({S.TRAVELLING})),
    protocol.ARRIVE: Move(S.ON_SITE, already=frozenset({S.ON_SITE})),
    protocol.START: Move(S.WORKING, already=frozenset({S.WORKING})),
    protocol.PAUSE: Move(S.PAUSED, already=frozenset({S.PAUSED})),
    protocol.RESUME: Move(S.WORKING, already=frozenset({S.WORKING})),
    protocol.FINISH: Move(S.DONE, already=FINISHED_STATES),
    protocol.NO_ACCESS: Move(S.NO_ACCESS, already=frozenset({S.NO_ACCESS})),
}
TIMED = frozenset({protocol.TRAVEL, protocol.ARRIVE, protocol.START, protocol.FINISH})
"""Steps whose time is billed or judged, so that an unverified one needs a look."""


def apply(session: Session, reported: Reported) -> Applied:
    """Apply one operation, or raise why it is rejected; the caller holds a savepoint."""
    kind = reported.op.type
    if kind not in protocol.TYPES or reported.op.schema not in protocol.PUSH_SCHEMAS:
        raise OperationUnknown(f"{kind} of schema {reported.op.schema} is not known here")
    if kind == protocol.HAND_IN:
        return Applied(effect=hand_in_day(session, reported))
    if reported.op.visit_id is None:
        raise OperationInvalid("visit_id is missing", field="visit_id")
    visit = find_visit_ever_held(session, reported.by, reported.op.visit_id)
    applied = _move(session, reported, visit) if kind in MOVES else _FACTS[kind](session, reported, visit)
    visits.verify_if_complete(session, visit=visit)
    return applied


def _move(session: Session, reported: Reported, visit: Visit) -> Applied:
    kind = reported.op.type
    move = MOVES[kind]
    payload = Payload(reported.payload, _ALLOWED.get(kind, frozenset()))
    reason = payload.optional_text("reason")
    is_mine = visit.technician_id == reported.by.technician_id
    if is_mine and S(visit.state) in move.already:
        return Applied(effect={"unchanged": True})
    if kind == protocol.FINISH:
        _note_result(session, reported, visit, payload)
    try:
        visits.take_step(
            session,
            visit=visit,
            target=move.target,
            actor=Actor.ASSIGNEE,
            by=reported.by,
            occurred_at=reported.at.moment,
            op_id=reported.op_id,
            device_id=reported.by.device_id,
            reason=reason,
        )
    except (TransitionRefused, NotYourVisit):
        if not move.is_physical:
            raise
        return Applied(conflicts.keep_fact(session, reported, visit, move.target).id)
    if reported.at.quality == UNVERIFIED and kind in TIMED:
        return Applied(conflicts.flag(session, reported, visit, conflicts.CLOCK).id)
    if reported.is_forced:
        return Applied(conflicts.flag(session, reported, visit, conflicts.GAP).id)
    if reported.at.is_flagged:
        visit.needs_review = True
    return Applied()


def _note_result(session: Session, reported: Reported, visit: Visit, payload: Payload) -> None:
    """Keep the result and the rating; another result than the signed one needs another signature."""
    if visit.technician_id != reported.by.technician_id and S(visit.state) not in {
        *conflicts.NOT_STARTED,
        S.CANCELLED,
    }:
        return  # somebody else is at it: what this technician says stays in the case
    is_solved, rating = payload.optional_flag("is_solved"), payload.optional_whole("rating")
    if is_solved is not None and visit.is_solved is not is_solved:
        visit.is_solved = is_solved
        outdate_reports(session, visit)
    if rating is not None:
        visit.rating = _rating(rating)


def _rating(rating: int) -> int:
    if not 1 <= rating <= 5:
        raise OperationInvalid("rating is not between 1 and 5", field="rating")
    return rating


def _find(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.FINDING])
    findings = visits.Findings(
        fault=payload.text("fault"),
        cause=payload.text("cause"),
        action=payload.text("action"),
        is_solved=payload.flag("is_solved"),
        measurements=payload.text_objects("measurements"),
        advised=payload.texts("advised"),
        use_explained=payload.flag("use_explained", default=False),
        documents_handed_over=payload.texts("documents_handed_over"),
        is_tested=payload.flag("is_tested", default=False),
    )
    visits.record_findings(session, by=reported.by, visit=visit, findings=findings, op_id=reported.op_id)
    return Applied()


def _fit(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.PART])
    visits.use_part(
        session,
        by=reported.by,
        visit=visit,
        sku=payload.text("sku"),
        direction=payload.text("direction"),
        quantity=payload.whole("quantity"),
        serial=payload.optional_text("serial"),
        lot=payload.optional_text("lot"),
        unapproved_reason=payload.optional_text("unapproved_reason"),
        approved_by=payload.optional_id("approved_by"),
        op_id=reported.op_id,
    )
    return Applied()


def _approve(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.APPROVAL])
    visits.record_approval(
        session,
        by=reported.by,
        order=visit.work_order,
        amount=payload.money(),
        approved_by_name=payload.text("approved_by_name"),
        method=payload.text("method"),
        op_id=reported.op_id,
    )
    return Applied()


def _sign(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.SIGN])
    rating = payload.optional_whole("rating")
    try:
        visits.sign(
            session,
            by=reported.by,
            visit=visit,
            shown_sha256=payload.text("shown_sha256"),
            signed_by_name=payload.text("signed_by_name"),
            signature_path=payload.text("signature_path"),
            signed_at=reported.at.moment,
            rating=None if rating is None else _rating(rating),
            times=payload.optional_text_by_name("times"),
            op_id=reported.op_id,
        )
    except SignatureMismatch:
        if conflicts.story_of(session, visit, reported.by) is None:
            raise
        return Applied(conflicts.keep_signature(session, reported, visit).id)
    return Applied()


def _waive(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.WAIVE])
    visits.waive(
        session,
        by=reported.by,
        visit=visit,
        reason=payload.text("reason"),
        at=reported.at.moment,
        op_id=reported.op_id,
    )
    return Applied()


def _pay(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.PAYMENT])
    payment = record_payment(
        session,
        by=reported.by,
        order=visit.work_order,
        method=payload.text("method"),
        amount=payload.money(),
        received_at=reported.at.moment,
        reference=text.optional_line(payload.optional_text("reference"), "reference"),
        technician_id=reported.by.technician_id,
        op_id=reported.op_id,
    )
    return Applied(effect={"receipt_number": payment.receipt_number})


_FACTS: Mapping[str, Callable[[Session, Reported, Visit], Applied]] = {
    protocol.FINDING: _find,
    protocol.PART: _fit,
    protocol.APPROVAL: _approve,
    protocol.SIGN: _sign,
    protocol.WAIVE: _waive,
    protocol.PAYMENT: _pay,
}

_ALLOWED: Mapping[str, frozenset[str]] = {
    protocol.DECLINE: frozenset({"reason"}),
    protocol.PAUSE: frozenset({"reason"}),
    protocol.RESUME: frozenset({"reason"}),
    protocol.NO_ACCESS: frozenset({"reason"}),
    protocol.FINISH: frozenset({"is_solved", "rating"}),
    protocol.FINDING: frozenset(
        {
            "fault",
            "cause",
            "action",
            "is_solved",
            "is_tested",
            "measurements",
            "advised",
            "use_explained",
            "documents_handed_over",
        }
    ),
    protocol.PART: frozenset(
        {"sku", "direction", "quantity", "serial", "lot", "unapproved_reason", "approved_by"}
    ),
    protocol.APPROVAL: frozenset({"amount", "currency", "approved_by_name", "method"}),
    protocol.SIGN: frozenset({"shown_sha256", "signed_by_name", "signature_path", "rating", "times"}),
    protocol.WAIVE: frozenset({"reason"}),
    protocol.PAYMENT: frozenset({"method", "amount", "currency", "reference"}),
}
