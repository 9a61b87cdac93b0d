"""Planning gives visits to technicians and takes them back."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch import clock, db
from dispatch.access.rules import Principal
from dispatch.errors import Invalid
from dispatch.technicians.model import Technician
from dispatch.technicians.queries import check_may_be_sent, require_on_duty
from dispatch.territories.queries import zone_of
from dispatch.work_orders import refusals
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.steps import Assignment, take_step

S = VisitState


class PlannedTimesInvalid(Invalid):
    """The planned end is not after the planned start."""

    code = "PLANNED_TIMES_INVALID"
    remedy = "Plan an end after the start."


def place(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    technician_id: uuid.UUID,
    planned_start: datetime,
    planned_end: datetime,
    actor: Actor = Actor.OPTIMISER,
) -> None:
    """Note where a plan that is not published yet puts a visit; no device hears of it."""
    given = Assignment(technician_id, planned_start, planned_end)
    check_assignment(session, visit, given)
    if S(visit.state) is S.UNPLANNED:
        take_step(session, visit=visit, target=S.PLANNED, actor=actor, by=by, assignment=given)
    elif S(visit.state) is S.PLANNED:
        _move(session, visit, given)


def assign(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    technician_id: uuid.UUID,
    planned_start: datetime,
    planned_end: datetime,
    reason: str | None = None,
    knows_duty: bool = False,
) -> bool:
    """
    Publish a visit to a technician with its planned times; tell whether anything changed.

    Who ``knows_duty`` has compared the whole plan with the shifts already.

    An unplanned visit is planned and published in one go, an announced one keeps its state when only its
    times move, and a change of technician takes it from the former one's devices.
    """
    given = Assignment(technician_id, planned_start, planned_end)
    check_assignment(session, visit, given, knows_duty=knows_duty)
    state = S(visit.state)
    if state not in {S.UNPLANNED, S.PLANNED} and visit.technician_id == technician_id:
        return _move(session, visit, given)
    if state is S.UNPLANNED:
        take_step(session, visit=visit, target=S.PLANNED, actor=Actor.DISPATCHER, by=by, assignment=given)
    take_step(
        session,
        visit=visit,
        target=S.PUBLISHED,
        actor=Actor.DISPATCHER,
        by=by,
        assignment=given,
        reason=reason,
    )
    return True


def _move(session: Session, visit: Visit, given: Assignment) -> bool:
    planned = (visit.technician_id, visit.planned_start, visit.planned_end)
    if planned == (given.technician_id, given.planned_start, given.planned_end):
        return False
    visit.technician_id = given.technician_id
    visit.planned_start = clock.aware(given.planned_start)
    visit.planned_end = clock.aware(given.planned_end)
    db.flush(session)
    announce_visit(session, visit)
    return True


def release(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    actor: Actor = Actor.DISPATCHER,
    reason: str | None = None,
) -> None:
    """Take a planned, published or accepted visit back; a technician's declining needs a reason."""
    take_step(session, visit=visit, target=S.UNPLANNED, actor=actor, by=by, reason=reason)


def check_assignment(session: Session, visit: Visit, given: Assignment, *, knows_duty: bool = False) -> None:
    """Refuse a technician who is excluded (R-508), gone, not qualified on that day (R-501), or off duty."""
    if given.planned_end <= given.planned_start:
        raise PlannedTimesInvalid("the planned end is not after the planned start")
    order = visit.work_order
    if str(given.technician_id) in order.excluded_technicians:
        raise refusals.TechnicianExcluded(
            f"order {order.number} repeats this technician's repair", technician=str(given.technician_id)
        )
    technician = session.get(Technician, given.technician_id)
    if technician is None or not technician.is_active:
        raise refusals.TechnicianInactive("there is no such active technician")
    zone = zone_of(session, order.territory_id)
    check_may_be_sent(
        technician,
        skills=visit.skills if visit.crew_size == 1 else {},  # a crew holds them together: planning.crews
        certificates=visit.certificates,
        day=clock.business_day(given.planned_start, zone),
    )
    if not knows_duty:
        require_on_duty(session, technician, given.planned_start, given.planned_end)
