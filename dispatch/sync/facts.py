"""Facts of a phone, each recorded by the command that the office uses too (reliability §2.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.billing.paying import record_payment
from dispatch.sync import conflicts, protocol
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.payloads import Payload
from dispatch.sync.provisional import number_told
from dispatch.sync.refusals import OperationInvalid
from dispatch.sync.taking_back import TAKES_BACK
from dispatch.work_orders import commands as visits
from dispatch.work_orders.declaring import PHOTO
from dispatch.work_orders.guards import is_locked
from dispatch.work_orders.model import Visit
from dispatch.work_orders.refusals import NotUnderWay, NotYourVisit, SignatureMismatch


def rating_of(rating: int) -> int:
    """Return an on-the-spot rating from 1 to 5."""
    if not 1 <= rating <= 5:
        raise OperationInvalid("rating is not between 1 and 5", field="rating")
    return rating


def _find(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.FINDING])
    advised = [_advice(entry) for entry in payload.objects("advised")]
    findings = visits.Findings(
        fault=payload.text("fault"),
        cause=payload.text("cause"),
        action=payload.text("action"),
        is_solved=payload.flag("is_solved"),
        measurements=payload.text_objects("measurements"),
        advised=[words for words, _ in advised],
        dangers=[words for words, is_danger in advised if is_danger],
        touched=payload.texts("touched"),
        codes={kind: code for kind, code in payload.text_by_name("codes").items() if code.strip()},
        use_explained=payload.flag("use_explained", default=False),
        documents_handed_over=payload.texts("documents_handed_over"),
        is_tested=payload.flag("is_tested", default=False),
    )
    visits.record_findings(
        session, by=reported.by, visit=visit, findings=findings, op_id=reported.op_id, keeps_late=True
    )
    return Applied()


def _advice(entry: Mapping[str, Any]) -> tuple[str, bool]:
    told = Payload(entry, frozenset({"text", "is_danger"}))
    return told.text("text").strip(), told.flag("is_danger", default=False)


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
        keeps_late=True,
        at=reported.at.moment,
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
            rating=None if rating is None else rating_of(rating),
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
        provisional_number=number_told(reported.op.body),
    )
    numbers = {"receipt_number": payment.receipt_number, "provisional_number": payment.provisional_number}
    return Applied(effect=numbers)


def _declare(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.DECLARE])
    declared = visits.declare_file(
        session,
        by=reported.by,
        visit=visit,
        sha256=payload.text("sha256"),
        size_bytes=payload.whole("bytes"),
        media_type=payload.text("mime"),
        purpose=payload.optional_text("purpose") or PHOTO,
        caption=payload.optional_text("caption") or "",
        op_id=reported.op_id,
        keeps_late=True,
    )
    return Applied(effect={"bytes_missing": declared.attachment_id is None})


def _answer(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Two people who answer a required question differently both stand, and somebody has to decide."""
    payload = Payload(reported.payload, _ALLOWED[protocol.ANSWER])
    row, now = visits.answer_question(
        session,
        by=reported.by,
        visit=visit,
        checklist=payload.text("checklist"),
        question=payload.text("question"),
        value=payload.anything("value"),
        place=(reported.op.install_epoch, reported.op.seq),
        answered_at=reported.at.moment,
        op_id=reported.op_id,
        keeps_late=True,
    )
    effect = {"out_of_limits": True} if row.is_out_of_limits else {}
    if now.question["is_required"] and now.is_contradicted:
        case = conflicts.flag(session, reported, visit, conflicts.ANSWERS_DIFFER)
        return Applied(case.id, effect)
    return Applied(effect=effect)


def _consent(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.CONSENT])
    visits.record_consent(
        session,
        by=reported.by,
        visit=visit,
        equipment=payload.text("equipment"),
        terms=payload.text("terms"),
        shown_sha256=payload.text("shown_sha256"),
        signed_by_name=payload.text("signed_by_name"),
        signature_path=payload.text("signature_path"),
        signed_at=reported.at.moment,
        op_id=reported.op_id,
        keeps_late=True,
    )
    return Applied()


def _settle(session: Session, reported: Reported, visit: Visit) -> Applied:
    payload = Payload(reported.payload, _ALLOWED[protocol.SETTLE])
    visits.settle_advice(
        session,
        by=reported.by,
        advice=visits.advice_at(session, visit, payload.an_id("advice_id")),
        result=payload.text("result"),
        note=payload.optional_text("note"),
        visit=visit,
        op_id=reported.op_id,
        keeps_late=True,
    )
    return Applied()


def _hand_over(session: Session, reported: Reported, visit: Visit) -> Applied:
    """End a part of the work; its end may be doubted like that of a finish, before anything is verified."""
    payload = Payload(reported.payload, _ALLOWED[protocol.HAND_OVER])
    rest = visits.Rest(
        payload.text("note"), payload.whole("remaining_minutes"), payload.optional_id("technician_id")
    )
    following = visits.hand_over(
        session,
        by=reported.by,
        visit=visit,
        rest=rest,
        at=reported.at.moment,
        bound=reported.at.bound,
        op_id=reported.op_id,
        verifies=False,
    )
    doubts = conflicts.doubts(session, reported, visit, is_timed=True)
    cases = [conflicts.flag(session, reported, visit, doubt) for doubt in doubts]
    return Applied(cases[0].id if cases else None, {"sheet": following.number})


def _propose(session: Session, reported: Reported, visit: Visit) -> Applied:
    """Merge what is said of a contact; the receipt tells what became of each field."""
    payload = Payload(reported.payload, _ALLOWED[protocol.PROPOSE])
    told = visits.propose(
        session,
        by=reported.by,
        visit=visit,
        changes=payload.changes("fields"),
        note=payload.optional_text("note"),
        op_id=reported.op_id,
    )
    return Applied(effect={"fields": {name: one["result"] for name, one in told.changes.items()}})


def _expect(session: Session, reported: Reported, visit: Visit) -> Applied:
    """A word about what is over, or was never begun, changes nothing any more."""
    minutes = Payload(reported.payload, _ALLOWED[protocol.EXPECT]).whole("remaining_minutes")
    try:
        counts = visits.expect_end(
            session,
            by=reported.by,
            visit=visit,
            minutes=minutes,
            at=reported.at.moment,
            op_id=reported.op_id,
        )
    except (NotUnderWay, NotYourVisit):
        counts = False
    return Applied(effect={} if counts else {"unchanged": True})


def record(session: Session, reported: Reported, visit: Visit) -> Applied:
    """
    Keep one fact of a visit.

    A verified visit takes it as an adjustment, which somebody looks at before it is settled; a signature or
    a waiver under what is verified already is kept in the case alone.
    """
    kind, is_late = reported.op.type, is_locked(visit)
    if is_late and kind in {protocol.SIGN, protocol.WAIVE}:
        return Applied(conflicts.keep_late(session, reported, visit).id)
    applied = FACTS[kind](session, reported, visit)
    if is_late and kind in ADJUSTING and "unchanged" not in applied.effect:
        return replace(applied, case_id=conflicts.keep_late(session, reported, visit).id)
    return applied


FACTS: Mapping[str, Callable[[Session, Reported, Visit], Applied]] = {
    protocol.FINDING: _find,
    protocol.PART: _fit,
    protocol.APPROVAL: _approve,
    protocol.SIGN: _sign,
    protocol.WAIVE: _waive,
    protocol.PAYMENT: _pay,
    protocol.DECLARE: _declare,
    protocol.ANSWER: _answer,
    protocol.CONSENT: _consent,
    protocol.SETTLE: _settle,
    protocol.HAND_OVER: _hand_over,
    protocol.PROPOSE: _propose,
    protocol.EXPECT: _expect,
    **TAKES_BACK,
}

ADJUSTING = frozenset(
    {protocol.FINDING, protocol.PART, protocol.ANSWER, protocol.CONSENT}
    | {protocol.FINDING_VOID, protocol.PART_VOID}
)
"""Facts that change the record; a file or settled advice that comes late needs nobody's decision."""

_ALLOWED: Mapping[str, frozenset[str]] = {
    protocol.PROPOSE: frozenset({"fields", "note"}),
    protocol.EXPECT: frozenset({"remaining_minutes"}),
    protocol.HAND_OVER: frozenset({"note", "remaining_minutes", "technician_id"}),
    protocol.FINDING: frozenset(
        {
            "fault",
            "cause",
            "action",
            "is_solved",
            "is_tested",
            "touched",
            "codes",
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
    protocol.ANSWER: frozenset({"checklist", "question", "value"}),
    protocol.CONSENT: frozenset({"equipment", "terms", "shown_sha256", "signed_by_name", "signature_path"}),
    protocol.SETTLE: frozenset({"advice_id", "result", "note"}),
    protocol.DECLARE: frozenset({"sha256", "bytes", "mime", "purpose", "caption"}),
}
