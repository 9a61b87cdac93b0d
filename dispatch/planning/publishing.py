"""
Publishing a plan by compare-and-set, and the dispatcher's locks.

Publication swaps the day's bookings in one transaction; an exclusion constraint in the database refuses any
two that overlap for one technician, whoever wrote them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from dispatch import clock, db, outbox
from dispatch.access.rules import Principal
from dispatch.events import PlanPublished, VisitScheduled
from dispatch.planning import backing, crews, heads, leaving_out, nights
from dispatch.planning.candidates import ANNOUNCED, BEGUN, NOT_BEGUN
from dispatch.planning.model import Booking, DayPlan, PlanHead, PlanLock, PlanStop
from dispatch.planning.rules import (
    PLAN_REASONS,
    DoubleBooking,
    LockEmpty,
    PlanNotPublishable,
    PlanStale,
    VisitNotPlannable,
    check_window,
    new_window_around,
)
from dispatch.promises import commands as promises
from dispatch.technicians import queries as technicians
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.crews import require_leader
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit, WorkOrder

Visits = Mapping[uuid.UUID, Visit]


def publish(session: Session, *, by: Principal | None, plan: DayPlan, expected_version: int) -> PlanHead:
    """
    Make a plan binding; ``expected_version`` is the day's version that the dispatcher read.

    Raises ``PlanStale`` when the day moved on since then or since the plan was made, ``PlanNotPublishable``
    when pieces that a proposal counts on are another day's by now, ``DoubleBooking`` when the database finds
    a technician in two places.
    """
    head = heads.locked(session, plan.territory_id, plan.day)
    session.refresh(plan)
    heads.check_version(head, expected_version)
    if plan.state == "proposed" and plan.base_version != head.version:
        raise PlanStale(f"the plan was made on version {plan.base_version}", current=head.version)
    if plan.state not in {"draft", "proposed"} or (plan.state == "draft" and head.working_plan_id != plan.id):
        raise PlanNotPublishable(f"the plan is {plan.state}")
    if plan.state == "proposed":
        backing.require_pieces(session, plan, heads.in_force(session, head))
    visits = _visits_of(session, plan)
    _require_not_begun_elsewhere(plan, visits)
    _require_on_duty(session, plan, visits)
    crews.require_whole(session, plan, visits)
    former = session.get(DayPlan, head.published_plan_id) if head.published_plan_id else None
    _release_dropped(session, by, plan, former, head)
    changed = _assign(session, by, plan, visits)
    leaving_out.settle_cases(session, by, visits, "planned again")
    _book(session, plan, visits)
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


def _require_not_begun_elsewhere(plan: DayPlan, visits: Visits) -> None:
    """Refuse a plan that gives somebody a visit which another one has begun since it was made."""
    begun = [
        visits[stop.visit_id].number
        for stop in plan.stops
        if visits[stop.visit_id].state in BEGUN and visits[stop.visit_id].technician_id != stop.technician_id
    ]
    if begun:
        raise PlanNotPublishable(f"{', '.join(sorted(begun))} has begun since with somebody else")


def _require_on_duty(session: Session, plan: DayPlan, visits: Visits) -> None:
    """
    Refuse a plan that sends somebody whose shift was taken away or who fell ill since it was made.

    Who has a visit pinned to them works as long as that takes, though never while absent: planning lengthened
    the shift for the pin (``optimizer.concessions``), and publishing does not take that back.
    """
    duties = {d.technician.id: d for d in technicians.on_duty(session, plan.territory_id, plan.day)}
    pins = select(PlanLock.technician_id).where(
        PlanLock.visit_id.in_(visits), PlanLock.technician_id.is_not(None)
    )
    pinned = set(session.scalars(pins))
    absent = []
    for stop in plan.stops:
        duty = duties.get(stop.technician_id)
        if duty is not None and _works(duty, stop):
            continue
        is_pinned = duty is not None and stop.technician_id in pinned
        if not is_pinned or technicians.is_absent(session, stop.technician_id, stop.start, stop.end):
            absent.append(stop)
    open_stops = [stop for stop in absent if visits[stop.visit_id].state in NOT_BEGUN]
    if open_stops:
        names = sorted({str(stop.technician_id) for stop in open_stops})
        raise PlanNotPublishable(
            f"{len(open_stops)} visits are planned for technicians who are not on duty then",
            technicians=names,
        )


def _works(duty: technicians.OnDuty, stop: PlanStop) -> bool:
    """Whether a stop lies within somebody's duty and allowed overtime."""
    overtime = timedelta(minutes=duty.technician.overtime_minutes)
    return any(piece.start <= stop.start and stop.end <= piece.end + overtime for piece in duty.free)


def _visits_of(session: Session, plan: DayPlan) -> Visits:
    """Lock and return the visits of a plan as they stand now."""
    ids = [stop.visit_id for stop in plan.stops]
    statement = select(Visit).where(Visit.id.in_(ids)).order_by(Visit.id).with_for_update()
    order = selectinload(Visit.work_order).selectinload(WorkOrder.visits)
    statement = statement.options(order).execution_options(populate_existing=True)
    return {visit.id: visit for visit in session.scalars(statement)}


def _release_dropped(
    session: Session, by: Principal | None, plan: DayPlan, former: DayPlan | None, head: PlanHead
) -> None:
    """
    Return visits that the new plan leaves out to the pool; their technicians' phones forget them.

    One whose customer was told a window of this day becomes a case: somebody has to call (R-802).
    """
    kept = {stop.visit_id for stop in plan.stops}
    working = session.get(DayPlan, head.working_plan_id) if head.working_plan_id else None
    before = [*(former.stops if former else []), *(working.stops if working else [])]
    dropped = {stop.visit_id for stop in before} - kept
    statement = select(Visit).where(Visit.id.in_(dropped)).order_by(Visit.id).with_for_update()
    for visit in session.scalars(statement, execution_options={"populate_existing": True}).all():
        moved = set(heads.days_with(session, plan.territory_id, visit.id)) - {plan.day}
        if visit.state not in NOT_BEGUN or moved:
            continue
        leaving_out.open_case(session, by, plan, visit)
        if visit.state in {VisitState.PLANNED, *ANNOUNCED}:
            work_orders.release(session, by=by, visit=visit, reason="left out of the plan")


def _assign(session: Session, by: Principal | None, plan: DayPlan, visits: Visits) -> list[Visit]:
    """Give every open stop to its technician; promise a window to visits that have none or cannot keep it."""
    changed = []
    for stop in plan.stops:
        visit = visits[stop.visit_id]
        if visit.state not in NOT_BEGUN:
            continue
        former = visit.technician_id, visit.planned_start
        is_new = visit.technician_id != stop.technician_id or visit.state not in ANNOUNCED
        if is_new or (visit.planned_start, visit.planned_end) != (stop.start, stop.end):
            work_orders.assign(
                session,
                by=by,
                visit=visit,
                technician_id=stop.technician_id,
                planned_start=stop.start,
                planned_end=stop.end,
                knows_duty=True,
            )
        if visit.leader_id is not None:  # the leader's customer hears of the leader
            continue
        is_new |= _promise_if_needed(session, by, visit, stop, plan, former)
        if is_new:
            changed.append(visit)
    return changed


def _promise_if_needed(  # noqa: PLR0917 - a stop of a plan, and where its visit was before
    session: Session,
    by: Principal | None,
    visit: Visit,
    stop: PlanStop,
    plan: DayPlan,
    former: tuple[uuid.UUID | None, datetime | None],
) -> bool:
    if (
        visit.window_start is not None
        and visit.window_end is not None
        and visit.window_start <= stop.start <= visit.window_end
    ):
        return False
    start, end = new_window_around(stop.start)
    reason = "first" if visit.window_start is None else _why_anew(session, visit, plan, *former)
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


def _why_anew(
    session: Session, visit: Visit, plan: DayPlan, technician_id: uuid.UUID | None, start: datetime | None
) -> str:
    """
    Return why a customer is told another window, for the ledger and the message (R-309, R-802).

    The visit's own reason comes first: whoever was to come is away, or what was seen in danger before; then
    why the plan was made.
    """
    is_away = (
        technician_id is not None
        and start is not None
        and technicians.is_absent(session, technician_id, start, start + timedelta(seconds=1))
    )
    if is_away:
        return PLAN_REASONS["absence"]
    return leaving_out.reason_seen(session, visit.id) or leaving_out.reason_of(session, plan)


def _book(session: Session, plan: DayPlan, visits: Visits) -> None:
    """Swap the day's bookings; the exclusion constraint is checked here and not only at the commit."""
    visit_ids = [stop.visit_id for stop in plan.stops]
    old = select(DayPlan.id).where(DayPlan.territory_id == plan.territory_id, DayPlan.day == plan.day)
    session.execute(delete(Booking).where(Booking.plan_id.in_(old) | Booking.visit_id.in_(visit_ids)))
    for stop in plan.stops:
        if visits[stop.visit_id].state in NOT_BEGUN:
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
    expected_version: int | None = None,
) -> PlanLock:
    """Pin a visit to a technician, a start time, or both; planning keeps it. Raises the visit's version."""
    visit.expect_version(expected_version)
    if visit.state not in NOT_BEGUN:
        raise VisitNotPlannable(f"visit {visit.number} is {visit.state}")
    if str(technician_id) in visit.work_order.excluded_technicians:
        raise VisitNotPlannable(f"R-508: this technician is excluded from order {visit.work_order.number}")
    if technician_id is None and start is None:
        raise LockEmpty("neither a technician nor a start is named")
    if start is not None:
        require_leader(visit)
    crews.require_pin_of_one(session, visit, technician_id)
    if start is not None:
        check_window(clock.aware(start), clock.aware(start) + timedelta(seconds=1), clock.now())
    _touch_days(session, visit, start)
    _raise_version(session, visit)
    lock = session.scalars(select(PlanLock).where(PlanLock.visit_id == visit.id)).one_or_none()
    if lock is None:
        lock = PlanLock(visit_id=visit.id)
        session.add(lock)
    lock.technician_id, lock.start, lock.reason = technician_id, start, reason
    lock.locked_by, lock.locked_at = by.user_id if by else None, clock.now()
    session.flush()
    return lock


def unlock_visit(session: Session, *, visit: Visit, expected_version: int | None = None) -> None:
    """Take the pin off a visit. Raises the visit's version."""
    visit.expect_version(expected_version)
    pinned = session.scalars(select(PlanLock.start).where(PlanLock.visit_id == visit.id)).one_or_none()
    _touch_days(session, visit, pinned)
    _raise_version(session, visit)
    session.execute(delete(PlanLock).where(PlanLock.visit_id == visit.id))


def _raise_version(session: Session, visit: Visit) -> None:
    """
    Raise the visit's version: its lock is a row of its own, decided on that version.

    After the days' heads, in the order in which a publication locks them.
    """
    flag_modified(visit, "state")
    db.flush(session)


def _touch_days(session: Session, visit: Visit, pinned: datetime | None) -> None:
    """Move the versions of the days a visit is promised on or pinned to, so that older proposals go stale."""
    territory_id = visit.work_order.territory_id
    moments = [moment for moment in (visit.window_start, pinned) if moment is not None]
    days = {day.day for moment in moments for day in nights.days_for(session, territory_id, moment)}
    for on in sorted(days | set(heads.days_with(session, territory_id, visit.id))):
        heads.touch(heads.locked(session, territory_id, on))
