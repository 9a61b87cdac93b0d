"""
Publishing a plan by compare-and-set, and the dispatcher's locks.

Publication swaps the day's bookings in one transaction; an exclusion constraint in the database refuses any
two that overlap for one technician, whoever wrote them.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal
from dispatch.events import PlanPublished, VisitScheduled
from dispatch.planning import heads
from dispatch.planning.model import Booking, DayPlan, PlanHead, PlanLock, PlanStop
from dispatch.planning.problem import ANNOUNCED, NOT_BEGUN, day_of
from dispatch.planning.rules import (
    DoubleBooking,
    PlanNotPublishable,
    PlanStale,
    VisitNotPlannable,
    check_window,
    new_window_around,
)
from dispatch.promises import commands as promises
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit


def publish(session: Session, *, by: Principal | None, plan: DayPlan, expected_version: int) -> PlanHead:
    """
    Make a plan binding; ``expected_version`` is the day's version that the dispatcher read.

    Raises ``PlanStale`` when the day moved on since then or since the plan was made, ``DoubleBooking`` when
    the database finds a technician in two places.
    """
    head = heads.locked(session, plan.territory_id, plan.day)
    if head.version != expected_version:
        raise PlanStale(
            f"version {expected_version} was read, the day is at {head.version}", current=head.version
        )
    if plan.state == "proposed" and plan.base_version != head.version:
        raise PlanStale(f"the plan was made on version {plan.base_version}", current=head.version)
    if plan.state not in {"draft", "proposed"} or (plan.state == "draft" and head.working_plan_id != plan.id):
        raise PlanNotPublishable(f"the plan is {plan.state}")
    former = session.get(DayPlan, head.published_plan_id) if head.published_plan_id else None
    _release_dropped(session, by, plan, former, head)
    changed = _assign(session, by, plan)
    _book(session, plan)
    _close_former(session, former, head, plan)
    head.revision += 1
    head.published_plan_id, head.working_plan_id = plan.id, None
    heads.touch(head)
    plan.state, plan.revision = "published", head.revision
    plan.published_at, plan.published_by = clock.now(), by.user_id if by else None
    session.flush()
    outbox.record(session, PlanPublished(plan_id=str(plan.id)))
    for visit in changed:
        outbox.record(session, VisitScheduled(visit_id=str(visit.id), plan_id=str(plan.id)))
    return head


def _visits_of(session: Session, plan: DayPlan) -> dict[uuid.UUID, Visit]:
    ids = [stop.visit_id for stop in plan.stops]
    statement = select(Visit).where(Visit.id.in_(ids)).order_by(Visit.id).with_for_update()
    return {visit.id: visit for visit in session.scalars(statement)}


def _release_dropped(
    session: Session, by: Principal | None, plan: DayPlan, former: DayPlan | None, head: PlanHead
) -> None:
    """Return visits that the new plan leaves out to the pool; their technicians' phones forget them."""
    kept = {stop.visit_id for stop in plan.stops}
    working = session.get(DayPlan, head.working_plan_id) if head.working_plan_id else None
    before = [*(former.stops if former else []), *(working.stops if working else [])]
    dropped = {stop.visit_id for stop in before} - kept
    for visit in session.scalars(
        select(Visit).where(Visit.id.in_(dropped)).order_by(Visit.id).with_for_update()
    ):
        if visit.state in {VisitState.PUBLISHED, VisitState.PLANNED}:
            work_orders.release(session, by=by, visit=visit, reason="left out of the plan")


def _assign(session: Session, by: Principal | None, plan: DayPlan) -> list[Visit]:
    """Give every open stop to its technician; promise a window to visits that have none or cannot keep it."""
    visits = _visits_of(session, plan)
    changed = []
    for stop in plan.stops:
        visit = visits[stop.visit_id]
        if visit.state not in NOT_BEGUN:
            continue
        is_new = visit.technician_id != stop.technician_id or visit.state not in ANNOUNCED
        work_orders.assign(
            session,
            by=by,
            visit=visit,
            technician_id=stop.technician_id,
            planned_start=stop.start,
            planned_end=stop.end,
        )
        is_new |= _promise_if_needed(session, by, visit, stop)
        if is_new:
            changed.append(visit)
    return changed


def _promise_if_needed(session: Session, by: Principal | None, visit: Visit, stop: PlanStop) -> bool:
    if visit.window_start is not None and visit.window_end is not None and stop.start <= visit.window_end:
        return False
    start, end = new_window_around(stop.start)
    reason = "first" if visit.window_start is None else "delay"
    promises.promise(
        session,
        by=by,
        visit=visit,
        window=(start, end),
        channel="message",
        slot_cost_minor=0,
        reason=reason,
    )
    return True


def _book(session: Session, plan: DayPlan) -> None:
    """Swap the day's bookings; the exclusion constraint is checked here and not only at the commit."""
    visit_ids = [stop.visit_id for stop in plan.stops]
    old = select(DayPlan.id).where(DayPlan.territory_id == plan.territory_id, DayPlan.day == plan.day)
    session.execute(delete(Booking).where(Booking.plan_id.in_(old) | Booking.visit_id.in_(visit_ids)))
    states = {visit.id: visit.state for visit in _visits_of(session, plan).values()}
    for stop in plan.stops:
        if states[stop.visit_id] in NOT_BEGUN:
            session.add(
                Booking(
                    visit_id=stop.visit_id,
                    technician_id=stop.technician_id,
                    plan_id=plan.id,
                    during=Range(stop.start, stop.end, bounds="[)"),
                )
            )
    try:
        session.flush()
        session.execute(text("set constraints ex_booking_technician immediate"))
    except IntegrityError as error:
        raise DoubleBooking("a technician would be in two places at once") from error


def _close_former(session: Session, former: DayPlan | None, head: PlanHead, plan: DayPlan) -> None:
    if former is not None:
        former.state = "superseded"
    if head.working_plan_id and head.working_plan_id != plan.id:
        working = session.get(DayPlan, head.working_plan_id)
        if working is not None:
            working.state = "superseded"


def lock_visit(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    technician_id: uuid.UUID | None,
    start: datetime | None,
    reason: str = "",
) -> PlanLock:
    """Pin a visit to a technician, a start time, or both; planning keeps it."""
    if visit.state not in NOT_BEGUN:
        raise VisitNotPlannable(f"visit {visit.number} is {visit.state}")
    if start is not None:
        check_window(clock.aware(start), clock.aware(start).replace(microsecond=999_999), clock.now())
    lock = session.scalars(select(PlanLock).where(PlanLock.visit_id == visit.id)).one_or_none()
    if lock is None:
        lock = PlanLock(visit_id=visit.id)
        session.add(lock)
    lock.technician_id, lock.start, lock.reason = technician_id, start, reason
    lock.locked_by, lock.locked_at = by.user_id if by else None, clock.now()
    _touch_day(session, visit)
    session.flush()
    return lock


def unlock_visit(session: Session, *, visit: Visit) -> None:
    """Take the pin off a visit."""
    session.execute(delete(PlanLock).where(PlanLock.visit_id == visit.id))
    _touch_day(session, visit)


def _touch_day(session: Session, visit: Visit) -> None:
    """Move the version of the day a visit is promised on, so that older proposals become stale."""
    if visit.window_start is None:
        return
    territory_id = visit.work_order.territory_id
    zone = day_of(session, territory_id, visit.window_start.date()).timezone
    heads.touch(heads.locked(session, territory_id, clock.business_day(visit.window_start, zone)))
