"""
What physically happened is kept although the visit moved on meanwhile (reliability §2.4).

One open case per visit and technician tells the whole story: each further fact is added to it. The
dispatcher's decision is never undone by the phone, and the technician's fact is never thrown away.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.sync.clock_repair import UNVERIFIED, Corrected
from dispatch.sync.envelope import Incoming
from dispatch.sync.protocol import ARRIVE, START, TRAVEL
from dispatch.sync.upcasting import upcast
from dispatch.work_orders import commands as visits
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.timekeeping import CLOCK_UNVERIFIED

S = VisitState

ILLEGAL = "illegal_transition"
CANCELLED_BUT_DONE = "cancelled_but_done"
REASSIGNED_BUT_DONE = "reassigned_but_done"
DOUBLE_ATTENDANCE = "double_attendance"
CLOCK = CLOCK_UNVERIFIED
GAP = "gap_forced"
UNANSWERED = "checklist_unanswered"
ANSWERS_DIFFER = "answers_differ"
NO_PROOF = "proof_missing"
TIMES_DIFFER = "times_differ"
UNSAFE = "safety_unanswered"
FAR = "far_from_site"
DISTANCE = "distance_metres"
LATE = "late_fact"
UNTOLD = frozenset({"signature_path", "position"})
APPROVAL_GONE, CONSENT_GONE, PHOTO_GONE = "approval_withdrawn", "consent_withdrawn", "photo_withdrawn"
"""Of what was taken back: the fact that tells of it names under ``rests`` what rested on it."""
STORIES = frozenset({ILLEGAL, CANCELLED_BUT_DONE, REASSIGNED_BUT_DONE, DOUBLE_ATTENDANCE})
NOT_STARTED = frozenset({S.UNPLANNED, S.PLANNED, S.PUBLISHED, S.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Reported:
    """One operation in the hands of whoever applies it: who sent it, and when it happened."""

    by: Principal
    op: Incoming
    at: Corrected
    op_id: uuid.UUID
    """The id its effects carry: the operation's own, or that of the decision that applied it later."""
    company_currency: str
    is_forced: bool = False
    """It was decided although an earlier operation never came."""
    visits: Mapping[uuid.UUID, Visit] = field(default_factory=dict)
    """Visits that this transaction holds already, with the technician's right to tell of them."""

    @property
    def payload(self) -> object:
        """The operation's payload, as the newest schema has it."""
        return upcast(self.op.type, self.op.schema, self.op.body.get("payload", {}))


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an operation; with a case, somebody has to decide something."""

    case_id: uuid.UUID | None = None
    effect: Mapping[str, Any] = field(default_factory=dict)
    """What the phone should know of it, such as the receipt's number."""


def keep_fact(session: Session, reported: Reported, visit: Visit, target: VisitState) -> ReviewCase:
    """Keep a step that the table does not allow; a finished visit becomes done if nobody else has begun."""
    kind = kind_of(visit, reported.by, target)
    case = _tell(session, reported, visit, kind)
    if target is S.DONE and kind != DOUBLE_ATTENDANCE and S(visit.state) in {*NOT_STARTED, S.CANCELLED}:
        visits.take_step(
            session,
            visit=visit,
            target=S.DONE,
            actor=Actor.CASE,
            by=reported.by,
            occurred_at=reported.at.moment,
            bound=reported.at.bound,
            op_id=reported.op_id,
            device_id=reported.by.device_id,
        )
        visits.note_times(session, by=reported.by, visit=visit, **_times(case), unverified=_said(case))
        if visit.unverified:
            flag(session, reported, visit, CLOCK)
    return case


def doubts(session: Session, reported: Reported, visit: Visit, *, is_timed: bool) -> Iterator[str]:
    """
    Give the kinds of cases that any step which was taken leaves for somebody to look at.

    ``is_timed`` of steps whose time is billed or judged. A clock far off needs a look, but makes no case.
    """
    if reported.at.quality == UNVERIFIED and is_timed:
        yield CLOCK
    if reported.is_forced:
        yield GAP
    if is_timed and visits.contradicts_amended(session, visit):
        yield TIMES_DIFFER
    if reported.at.is_flagged:
        visit.needs_review = True


def keep_signature(session: Session, reported: Reported, visit: Visit) -> ReviewCase:
    """Keep a signature under a record that changed meanwhile; the present one needs another or a waiver."""
    return _tell(session, reported, visit, ILLEGAL)


def keep_late(session: Session, reported: Reported, visit: Visit) -> ReviewCase:
    """Tell somebody of what a verified visit hears of now: it is settled when they have looked."""
    case = story_of(session, visit, reported.by)
    if case is None:
        return flag(session, reported, visit, LATE)
    _add(case, _fact(reported))
    return case


def kind_of(visit: Visit, by: Principal, target: VisitState) -> str:
    """Return what kind of contradiction it is."""
    state, is_mine = S(visit.state), visit.technician_id == by.technician_id
    if target is not S.DONE:
        return ILLEGAL
    if state is S.CANCELLED:
        return CANCELLED_BUT_DONE
    if is_mine:
        return ILLEGAL
    return REASSIGNED_BUT_DONE if state in NOT_STARTED else DOUBLE_ATTENDANCE


def story_of(session: Session, visit: Visit, by: Principal) -> ReviewCase | None:
    """Return the open case about what this technician did at the visit."""
    statement = select(ReviewCase).where(
        ReviewCase.visit_id == visit.id, ReviewCase.decided_at.is_(None), ReviewCase.kind.in_(STORIES)
    )
    mine = str(by.technician_id)
    return next(
        (case for case in session.scalars(statement) if case.detail.get("technician_id") == mine), None
    )


def flag(
    session: Session,
    reported: Reported,
    visit: Visit,
    kind: str,
    *,
    rests: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
) -> ReviewCase:
    """
    Open one case of a kind for a visit, or return the open one: somebody has to look before billing.

    rests
        What rested on the fact, told with it.
    beside
        Told beside the facts, the last word counting.
    """
    statement = select(ReviewCase).where(
        ReviewCase.visit_id == visit.id, ReviewCase.decided_at.is_(None), ReviewCase.kind == kind
    )
    case = session.scalars(statement).first()
    fact = _fact(reported) | ({"rests": dict(rests)} if rests else {})
    if case is not None:
        _add(case, fact)
    else:
        case = _open(session, reported, visit, kind, fact)
    if beside:
        case.detail = {**case.detail, **beside}
    return case


def _tell(session: Session, reported: Reported, visit: Visit, kind: str) -> ReviewCase:
    case = story_of(session, visit, reported.by)
    if case is None:
        return _open(session, reported, visit, kind, _fact(reported))
    _add(case, _fact(reported))
    if kind != ILLEGAL:
        case.kind = kind
    return case


def _open(
    session: Session, reported: Reported, visit: Visit, kind: str, fact: Mapping[str, Any]
) -> ReviewCase:
    detail = _detail(reported, visit, fact)
    return visits.open_case(session, by=reported.by, visit=visit, kind=kind, detail=detail, hold_billing=True)


def _detail(reported: Reported, visit: Visit, fact: Mapping[str, Any]) -> dict[str, Any]:
    """Both truths: how the dispatcher left the visit, and what the technician reports."""
    return {
        "technician_id": str(reported.by.technician_id),
        "device_id": str(reported.by.device_id) if reported.by.device_id else None,
        "found_state": visit.state,
        "found_technician_id": str(visit.technician_id) if visit.technician_id else None,
        "found_version": visit.version,
        "facts": [dict(fact)],
    }


def _fact(reported: Reported) -> dict[str, Any]:
    """The fact as told, without a drawing, which stays in the operation, and without a position (R-903)."""
    given = reported.payload if isinstance(reported.payload, Mapping) else {}
    return {
        "op_id": str(reported.op_id),
        "type": reported.op.type,
        "occurred_at": reported.at.moment.isoformat(),
        "clock_quality": reported.at.quality,
        "counts_at": (reported.at.bound or reported.at.moment).isoformat(),
        "payload": {name: value for name, value in given.items() if name not in UNTOLD},
    }


def _add(case: ReviewCase, fact: dict[str, Any]) -> None:
    case.detail = {**case.detail, "facts": [*case.detail["facts"], fact]}


def _told_first(case: ReviewCase) -> dict[str, Mapping[str, Any]]:
    """The fact that told each time first."""
    names = {TRAVEL: "travelling_at", ARRIVE: "arrived_at", START: "started_at"}
    found: dict[str, Mapping[str, Any]] = {}
    for fact in case.detail["facts"]:
        if fact["type"] in names:
            found.setdefault(names[fact["type"]], fact)
    return found


def _times(case: ReviewCase) -> dict[str, datetime]:
    told = _told_first(case).items()
    return {name: datetime.fromisoformat(fact.get("counts_at", fact["occurred_at"])) for name, fact in told}


def _said(case: ReviewCase) -> dict[str, str]:
    """What the phone said of times that nobody could verify."""
    told = _told_first(case).items()
    return {name: fact["occurred_at"] for name, fact in told if fact["clock_quality"] == UNVERIFIED}
