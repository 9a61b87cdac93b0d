"""What must be true before a step, beyond the table of steps."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.errors import Forbidden
from dispatch.work_orders import refusals, rules
from dispatch.work_orders.helping import took_part
from dispatch.work_orders.lifecycle import Actor, Step, VisitState
from dispatch.work_orders.model import DeclaredFile, Finding, ReviewCase, ServiceReport, Visit

S, A = VisitState, Actor


LOCKED = frozenset({S.VERIFIED, S.CLOSED})


class CapacityForbidden(Forbidden):
    """The caller may not act in this capacity: technicians act as assignees, the office never does."""

    code = "CAPACITY_FORBIDDEN"
    remedy = "Technicians report their own visits; the office plans, cancels and verifies."


def check_capacity(by: Principal | None, actor: Actor, visit: Visit) -> None:
    """Refuse a technician who acts for the office, and anybody who acts for a technician."""
    technician_id = by.technician_id if by else None
    if actor is A.ASSIGNEE:
        if technician_id is None:
            raise CapacityForbidden("only a technician acts as assignee")
        if technician_id != visit.technician_id:
            raise refusals.NotYourVisit("the visit is assigned to somebody else")
    elif technician_id is not None and actor not in {A.CASE, A.HANDOVER, A.CREW}:
        raise CapacityForbidden(f"a technician does not act as {actor.value}")


def is_locked(visit: Visit) -> bool:
    """Tell whether a visit's record is verified: what comes later is an adjustment."""
    return S(visit.state) in LOCKED


def check_recordable(
    session: Session, visit: Visit, by: Principal | None, *, keeps_late: bool = False
) -> None:
    """
    Refuse facts of a verified visit, and facts from a technician who never held it.

    ``keeps_late`` takes what happened before the visit was verified and is heard of now; whoever calls opens
    a case, so that it is settled when somebody has looked.
    """
    if is_locked(visit) and not keeps_late:
        raise refusals.RecordLocked(f"visit {visit.number} is {visit.state}")
    if by is None or by.technician_id is None or by.technician_id == visit.technician_id:
        return
    if (
        session.scalars(select(Visit.id).where(Visit.id == visit.id, took_part(by.technician_id))).first()
        is None
    ):
        raise refusals.NotYourVisit("the visit is assigned to somebody else")


def outdate_reports(session: Session, visit: Visit) -> None:
    """
    A fact changed, so what was signed is no longer what the record says: sign again or waive (R-509).

    What was signed stays the paper of a verified visit; what came later is told by its case.
    """
    if is_locked(visit):
        return
    statement = update(ServiceReport).where(ServiceReport.visit_id == visit.id, ServiceReport.is_current)
    session.execute(statement.values(is_current=False))


def needs_reason(step: Step) -> bool:
    """Tell whether a step is refused without a reason."""
    declined = step.from_state is S.PUBLISHED and step.to_state is S.UNPLANNED and step.actor is A.ASSIGNEE
    reopened = step.from_state is S.DONE and step.to_state is S.WORKING
    return declined or reopened or step.to_state in {S.PAUSED, S.NO_ACCESS, S.CANCELLED}


def check_step(session: Session, visit: Visit, step: Step, occurred_at: datetime, reason: str | None) -> None:
    """Refuse a step of the table whose conditions are not met."""
    if needs_reason(step) and not reason:
        raise refusals.ReasonMissing(f"{step.from_state.value} to {step.to_state.value} needs a reason")
    if step.to_state is S.DONE and step.actor is A.ASSIGNEE:
        _check_finished(session, visit)
    if step.to_state is S.VERIFIED:
        _check_verifiable(session, visit)
    if step.from_state is S.DONE and step.actor is A.ASSIGNEE:
        _check_reopened_in_time(visit, occurred_at)


def _check_reopened_in_time(visit: Visit, occurred_at: datetime) -> None:
    if visit.finished_at is not None and occurred_at - visit.finished_at > rules.REOPEN_WITHIN:
        raise refusals.ReopenTooLate(f"visit {visit.number} was finished at {visit.finished_at.isoformat()}")


def _check_finished(session: Session, visit: Visit) -> None:
    if visit.leader_id is not None:  # the crew's leader keeps the record
        return
    last = select(Finding).where(Finding.visit_id == visit.id).order_by(Finding.id.desc()).limit(1)
    finding = session.scalars(last).first()
    if finding is None or finding.voided_by is not None:
        raise refusals.FindingsMissing(f"visit {visit.number} has no findings")
    if current_report(session, visit.id) is None:
        raise refusals.SignatureMissing(f"the record of visit {visit.number} is not signed as it stands")


def _check_verifiable(session: Session, visit: Visit) -> None:
    session.execute(
        select(Visit.id).where(Visit.id == visit.id).with_for_update()
    )  # nothing is announced meanwhile
    if visit.billing_hold:
        raise refusals.BillingHeld(f"billing of visit {visit.number} is on hold")
    questions = select(
        _open_case(visit.id).exists(), _current(visit.id).exists(), _missing(visit.id).exists()
    )
    is_open, is_signed, lacks_bytes = session.execute(questions).one()
    if is_open:
        raise refusals.CaseStillOpen(f"visit {visit.number} has an open case")
    if not is_signed and visit.leader_id is None:
        raise refusals.SignatureMissing(f"the record of visit {visit.number} is not signed as it stands")
    if lacks_bytes:
        raise refusals.BytesMissing(f"files of visit {visit.number} are announced and not here yet")


def _missing(visit_id: uuid.UUID) -> Select[uuid.UUID]:
    """Select announced files whose bytes are not here and were not given up."""
    return select(DeclaredFile.id).where(
        DeclaredFile.visit_id == visit_id,
        DeclaredFile.attachment_id.is_(None),
        DeclaredFile.given_up_at.is_(None),
        DeclaredFile.withdrawn_at.is_(None),
    )


def _current(visit_id: uuid.UUID) -> Select[ServiceReport]:
    return select(ServiceReport).where(ServiceReport.visit_id == visit_id, ServiceReport.is_current)


def current_report(session: Session, visit_id: uuid.UUID) -> ServiceReport | None:
    """Return the signed or waived report that still says what the record says."""
    newest = _current(visit_id).order_by(ServiceReport.revision.desc())
    return session.scalars(newest.limit(1)).first()


def _open_case(visit_id: uuid.UUID) -> Select[uuid.UUID]:
    return select(ReviewCase.id).where(ReviewCase.visit_id == visit_id, ReviewCase.decided_at.is_(None))


def has_open_case(session: Session, visit_id: uuid.UUID) -> bool:
    """Tell whether somebody still has to decide something about the visit."""
    return session.scalars(_open_case(visit_id).limit(1)).first() is not None
