"""A colleague goes on with a visit that somebody has begun: by another visit, with all that is left to do."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import events, outbox, text
from dispatch.access.rules import Principal
from dispatch.parts.model import Part
from dispatch.technicians.model import Technician
from dispatch.work_orders import crews, refusals
from dispatch.work_orders.guards import check_capacity
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import PartUse, Visit, VisitEvent
from dispatch.work_orders.opening import follow_up
from dispatch.work_orders.queries import findings_of
from dispatch.work_orders.remaining import rest_of
from dispatch.work_orders.rules import HANDED_OVER, Needs
from dispatch.work_orders.signing import waive
from dispatch.work_orders.steps import take_step
from dispatch.work_orders.verifying import verify_if_complete

S = VisitState


@dataclass(frozen=True, slots=True)
class Rest:
    """What a colleague is left with: why, minutes still to work, and who should go, if it matters."""

    note: str
    minutes: int
    technician_id: uuid.UUID | None = None


def hand_over(
    session: Session,
    *,
    by: Principal,
    visit: Visit,
    rest: Rest,
    at: datetime | None = None,
    bound: datetime | None = None,
    op_id: uuid.UUID | None = None,
    expected_version: int | None = None,
    verifies: bool = True,
) -> Visit:
    """
    End one technician's part of the work and return the visit of whoever goes on.

    Time, findings and parts stay with who worked and fitted them; skills, checklists and the parts that are
    not fitted yet go to the next visit, which planning gives the earliest place. The customer signs at the
    end. Raises ``HandoverImpossible`` unless work is under way, ``NotYourVisit`` for somebody else's. A
    caller who looks first whether something speaks against the times verifies the visit (``verifies``).
    """
    crews.require_leader(visit)
    visit.expect_version(expected_version)
    if S(visit.state) not in {S.WORKING, S.PAUSED}:
        raise refusals.HandoverImpossible(f"visit {visit.number} is {visit.state}")
    if by.technician_id is not None:
        check_capacity(by, Actor.ASSIGNEE, visit)
    note = text.prose(rest.note, "note", longest=2_000)
    if not note:
        raise refusals.ReasonMissing("a colleague has to know why and how far", field="note")
    needs = _rest_of(session, visit, rest)
    visit.is_solved = False
    waive(session, by=by, visit=visit, reason=f"{HANDED_OVER}{' '.join(note.split())}"[:500], at=at)
    take_step(
        session,
        visit=visit,
        target=S.DONE,
        actor=Actor.HANDOVER,
        by=by,
        occurred_at=at,
        bound=bound,
        op_id=op_id,
        reason=note,
    )
    following = follow_up(session, by=by, visit=visit, needs=needs)
    outbox.record(session, events.VisitHandedOver(visit_id=str(following.id)))
    if verifies:
        verify_if_complete(session, visit=visit)
    return following


def _rest_of(session: Session, visit: Visit, rest: Rest) -> Needs:
    """What is left of the needs of a visit under way."""
    wanted = rest.technician_id
    if wanted is not None:
        technician = session.get(Technician, wanted)
        if wanted == visit.technician_id or technician is None or not technician.is_active:
            raise refusals.TechnicianInactive("there is no such other technician", technician=str(wanted))
    return rest_of(session, visit, minutes=rest.minutes, technician_id=wanted)


def works_before(session: Session, visits: Collection[Visit]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return what earlier visits of the same orders did, by visit, the first one first."""
    again = [visit for visit in visits if visit.attempt > 1]
    if not again:
        return {}
    statement = select(Visit).where(
        Visit.work_order_id.in_({visit.work_order_id for visit in again}), Visit.started_at.is_not(None)
    )
    begun = session.scalars(statement.order_by(Visit.attempt, Visit.seat)).all()
    told = _told(session, begun)
    return {
        visit.id: [
            told[one.id]
            for one in begun
            if one.work_order_id == visit.work_order_id and one.attempt < visit.attempt
        ]
        for visit in again
    }


def _told(session: Session, begun: Sequence[Visit]) -> dict[uuid.UUID, dict[str, Any]]:
    ids = [one.id for one in begun]
    found, used = findings_of(session, ids), _parts(session, ids)
    names, notes = _technicians(session, begun), _notes(session, ids)
    return {
        one.id: {
            "number": one.number,
            "technician": names.get(one.technician_id, ""),
            "started_at": one.started_at.isoformat() if one.started_at else None,
            "finished_at": one.finished_at.isoformat() if one.finished_at else None,
            "note": notes.get(one.id, ""),
            "findings": [
                {"fault": finding.fault, "cause": finding.cause, "action": finding.action}
                for finding in found.get(one.id, [])[-1:]
            ],
            "parts": used.get(one.id, []),
        }
        for one in begun
    }


def _parts(session: Session, ids: list[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return parts fitted and taken out, by visit."""
    statement = (
        select(PartUse.visit_id, Part.sku, PartUse.quantity, PartUse.direction)
        .join(Part, Part.id == PartUse.part_id)
        .where(PartUse.visit_id.in_(ids), PartUse.voided_by.is_(None))
        .order_by(PartUse.id)
    )
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for visit_id, sku, quantity, direction in session.execute(statement):
        found.setdefault(visit_id, []).append({"sku": sku, "quantity": quantity, "direction": direction})
    return found


def _technicians(session: Session, earlier: Sequence[Visit]) -> dict[uuid.UUID | None, str]:
    statement = select(Technician.id, Technician.name).where(
        Technician.id.in_([one.technician_id for one in earlier if one.technician_id])
    )
    return {row.id: row.name for row in session.execute(statement)}


def _notes(session: Session, ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """What was said when visits were handed over."""
    statement = (
        select(VisitEvent.visit_id, VisitEvent.reason)
        .where(VisitEvent.visit_id.in_(ids), VisitEvent.actor == Actor.HANDOVER.value)
        .order_by(VisitEvent.id)
    )
    return {visit_id: reason or "" for visit_id, reason in session.execute(statement)}
