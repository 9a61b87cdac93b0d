"""The one way in which a visit changes its state, whoever asks: office, phone, job or planning (S5)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal
from dispatch.work_orders import guards
from dispatch.work_orders.announcing import announce_visit, is_announced, withdraw_visit
from dispatch.work_orders.lifecycle import (
    NOT_SET_OUT,
    OPEN_STATES,
    Actor,
    OrderState,
    VisitState,
    order_state,
    step,
)
from dispatch.work_orders.model import Visit, VisitEvent, WorkOrder
from dispatch.work_orders.stamping import Happened, stamp

S = VisitState
SETTLED = frozenset({OrderState.INVOICED})
GO_ALONG = NOT_SET_OUT | {S.TRAVELLING, S.ON_SITE}
"""Where a member is who has not begun to work: a closed door is theirs as well."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who goes, and when service is planned."""

    technician_id: uuid.UUID
    planned_start: datetime
    planned_end: datetime


def take_step(
    session: Session,
    *,
    visit: Visit,
    target: VisitState,
    actor: Actor,
    by: Principal | None,
    occurred_at: datetime | None = None,
    bound: datetime | None = None,
    op_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    reason: str | None = None,
    assignment: Assignment | None = None,
) -> VisitEvent:
    """
    Take one step of the table and everything that follows from it.

    Sets the visit's times, writes its history, carries the order's state, tells the devices concerned and
    records the event that others react to. ``bound`` is what counts of a time that nobody could verify.
    Raises ``TransitionRefused``, or the guard's refusal.
    """
    guards.check_capacity(by, actor, visit)
    taken = step(S(visit.state), target, actor)
    happened = clock.aware(occurred_at) if occurred_at else clock.now()
    why = text.prose(reason, "reason", longest=2_000) or None if reason else None
    guards.check_step(session, visit, taken, happened, why)
    former = visit.technician_id if is_announced(visit) else None
    stamp(session, visit, taken.from_state, target, Happened(happened, bound))
    responsible = visit.technician_id
    _set_assignment(visit, target, actor, by, assignment)
    _set_flags(session, visit, target, actor)
    visit.state = target.value
    entry = VisitEvent(
        visit_id=visit.id,
        from_state=taken.from_state.value,
        to_state=target.value,
        actor=actor.value,
        user_id=by.user_id if by else None,
        technician_id=visit.technician_id or responsible,
        device_id=device_id or (by.device_id if by else None),
        op_id=op_id,
        reason=why,
        occurred_at=happened,
        counts_at=bound,
        recorded_at=clock.now(),
    )
    session.add(entry)
    db.flush(session)
    carry_order_state(session, visit.work_order)
    db.flush(session)
    if former is not None and (former != visit.technician_id or not is_announced(visit)):
        withdraw_visit(session, visit, former)
    announce_visit(session, visit)
    _record_event(session, visit, target)
    if target is S.UNPLANNED and actor is Actor.ASSIGNEE:
        outbox.record(session, events.VisitDeclined(visit_id=str(visit.id), step_id=str(entry.id)))
    _lead_crew(session, visit, target, by, entry)
    return entry


def _lead_crew(
    session: Session, visit: Visit, target: VisitState, by: Principal | None, entry: VisitEvent
) -> None:
    """Let a crew's members follow their leader who was called off, or who met a closed door."""
    if visit.leader_id is not None or target not in {S.CANCELLED, S.NO_ACCESS}:
        return
    for member in visit.crew[1:]:
        state = S(member.state)
        goal = target if target is S.CANCELLED or state in {S.TRAVELLING, S.ON_SITE} else S.CANCELLED
        if state in (OPEN_STATES if target is S.CANCELLED else GO_ALONG):
            take_step(
                session,
                visit=member,
                target=goal,
                actor=Actor.CREW,
                by=by,
                occurred_at=entry.occurred_at,
                bound=entry.counts_at,
                reason=entry.reason,
            )


def _set_assignment(
    visit: Visit, target: VisitState, actor: Actor, by: Principal | None, assignment: Assignment | None
) -> None:
    """Who goes: named when published, nobody when taken back, whoever did it when a case keeps the fact."""
    if assignment is not None:
        visit.technician_id = assignment.technician_id
        visit.planned_start = clock.aware(assignment.planned_start)
        visit.planned_end = clock.aware(assignment.planned_end)
    elif target is S.UNPLANNED:
        visit.technician_id = visit.planned_start = visit.planned_end = None
    elif actor is Actor.CASE and by is not None and by.technician_id is not None:
        visit.technician_id = by.technician_id


def _set_flags(session: Session, visit: Visit, target: VisitState, actor: Actor) -> None:
    if actor is Actor.CASE:
        visit.needs_review = visit.billing_hold = True
    if target is S.TRAVELLING and visit.technician_id is not None:
        elsewhere = select(Visit.id).where(
            Visit.technician_id == visit.technician_id,
            Visit.state == S.TRAVELLING.value,
            Visit.id != visit.id,
        )
        visit.needs_review = visit.needs_review or session.scalars(elsewhere.limit(1)).first() is not None


def carry_order_state(session: Session, order: WorkOrder) -> None:
    """Derive the order's state from its visits, of crews their leaders'; an invoiced one keeps its state."""
    if order.state not in SETTLED:
        leading = (visit for visit in order.visits if visit.leader_id is None)
        order.state = order_state(S(visit.state) for visit in leading).value


_EVENTS: dict[VisitState, Callable[[Visit], events.Event]] = {
    S.TRAVELLING: lambda visit: events.TechnicianOnTheWay(visit_id=str(visit.id)),
    S.ON_SITE: lambda visit: events.TechnicianArrived(visit_id=str(visit.id)),
    S.DONE: lambda visit: events.VisitCompleted(visit_id=str(visit.id)),
    S.VERIFIED: lambda visit: events.VisitVerified(
        visit_id=str(visit.id), work_order_id=str(visit.work_order_id)
    ),
    S.NO_ACCESS: lambda visit: events.VisitFailed(visit_id=str(visit.id)),
    S.CANCELLED: lambda visit: events.VisitCancelled(visit_id=str(visit.id)),
}


def _record_event(session: Session, visit: Visit, target: VisitState) -> None:
    """Let others react; of a crew's member only settlement hears, since the leader speaks for all."""
    if visit.leader_id is not None and target in {S.CANCELLED, S.NO_ACCESS}:
        outbox.record(
            session, events.SeatGivenUp(visit_id=str(visit.id), work_order_id=str(visit.work_order_id))
        )
    elif target in _EVENTS and (visit.leader_id is None or target is S.VERIFIED):
        outbox.record(session, _EVENTS[target](visit))
    report = guards.current_report(session, visit.id) if target is S.DONE else None
    if report is not None and report.revision > 1:
        # The event's own run may have printed an earlier revision of a visit that was reopened.
        key = f"{visit.id}:{report.revision}"
        outbox.request(session, "work_orders.render_report", key, {"visit_id": str(visit.id)})
