"""Which visits a plan of a day is about, read from the database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from dispatch import clock
from dispatch.customers.model import Site
from dispatch.planning import heads, nights
from dispatch.planning.days import Day
from dispatch.planning.model import PlanHead, PlanLock, PlanStop, Routes
from dispatch.technicians.model import Shift
from dispatch.work_orders.lifecycle import FINISHED_STATES, ON_DUTY_STATES, VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.rules import EMERGENCY

NOT_BEGUN = (VisitState.UNPLANNED, VisitState.PLANNED, VisitState.PUBLISHED, VisitState.ACCEPTED)
ANNOUNCED = frozenset({VisitState.PUBLISHED, VisitState.ACCEPTED})
BEGUN = tuple(ON_DUTY_STATES | FINISHED_STATES)
NOT_OVER = (*NOT_BEGUN, *ON_DUTY_STATES)

Facts = tuple[Visit, WorkOrder, Site]
_LEADER = aliased(Visit)


def candidates(
    session: Session,
    day: Day,
    plan: Routes | None,
    extra: Iterable[uuid.UUID],
    *,
    only_routes: bool = False,
    of: uuid.UUID | None = None,
) -> Sequence[Facts]:
    """
    Return the visits that a plan of this day is about, as they stand in the database now.

    Promised for the day or pinned to it, on the day's plan already, begun on the day, or still without
    any promise. With ``only_routes`` what has neither begun nor is on the plan stays away, and what anybody
    but the technician ``of`` has begun.

    What waits for a part or the customer is left out until it has begun (decision 15). What is promised
    after midnight is the night shift's of the evening before if its window is over with that shift, unless
    the plan of the calendar day has it; what the other day has on its plan is left to it. A crew's members
    are there where their leader is, until the leader has finished.
    """
    on_plan = [stop.visit_id for stop in plan.stops] if plan else []
    still_wanted = or_(Visit.leader_id.is_(None), _LEADER.state.in_(NOT_OVER))
    waiting = and_(Visit.state.in_(NOT_BEGUN), WorkOrder.waiting_reason.is_(None), still_wanted)
    ids = [*on_plan, *extra]
    named = or_(Visit.id.in_(ids), Visit.leader_id.in_(ids))
    of_day = named if only_routes else or_(named, _for_day(session, day))
    begun = _begun(session, day, on_plan)
    mine = begun if of is None else and_(begun, Visit.technician_id == of)
    wanted = or_(mine, and_(waiting, of_day))
    statement = (
        select(Visit, WorkOrder, Site)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .join(Site, WorkOrder.site_id == Site.id)
        .outerjoin(_LEADER, _LEADER.id == Visit.leader_id)
        .outerjoin(PlanLock, PlanLock.visit_id == func.coalesce(Visit.leader_id, Visit.id))
        .where(WorkOrder.territory_id == day.territory_id, wanted)
        .order_by(Visit.id)
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).all()


def _for_day(session: Session, day: Day) -> ColumnElement[bool]:
    """
    Promised for the day, pinned to it, or free of both.

    A further attempt waits until the customer was asked, so that nobody is sent to a closed door again;
    only what is urgent goes without.
    """
    start, end = clock.day_bounds(day.day, day.timezone)
    told = func.coalesce(PlanLock.start, Visit.window_start)
    over = func.coalesce(PlanLock.start, Visit.window_end)
    eve, morrow = day.later(-1), day.later(1)
    night_over = nights.end_of(session, eve)
    is_left = or_(over > night_over, _pinned_to_days(start)) if night_over > start else true()
    by_day = and_(told >= start, told < end, is_left, Visit.id.not_in(on_plan_of(eve)))
    by_night = and_(
        told >= end,
        over <= nights.end_of(session, day),
        not_(_pinned_to_days(end)),
        Visit.id.not_in(on_plan_of(morrow)),
    )
    promised = or_(by_day, by_night)
    may_go = or_(Visit.attempt == 1, WorkOrder.priority >= EMERGENCY)
    free = and_(told.is_(None), may_go, WorkOrder.opened_at < end)
    return or_(promised, free)


def _pinned_to_days(midnight: datetime) -> ColumnElement[bool]:
    """Pinned to somebody who does not work over a midnight, so that no night shift can serve it."""
    works = exists().where(
        Shift.technician_id == PlanLock.technician_id,
        Shift.starts_at < midnight,
        Shift.ends_at > midnight,
    )
    return func.coalesce(and_(PlanLock.technician_id.is_not(None), not_(works)), false())


def on_plan_of(day: Day) -> Select[uuid.UUID]:
    """Select the ids of visits on the plan in force of a day."""
    return (
        select(PlanStop.visit_id)
        .join(PlanHead, PlanStop.plan_id == heads.IN_FORCE)
        .where(PlanHead.territory_id == day.territory_id, PlanHead.day == day.day)
    )


def is_on_a_plan(first: date, last: date) -> ColumnElement[bool]:
    """Whether a visit, asked beside its order, is on the plan in force of any day from first to last."""
    return exists().where(
        PlanHead.territory_id == WorkOrder.territory_id,
        PlanHead.day >= first,
        PlanHead.day <= last,
        PlanStop.plan_id == heads.IN_FORCE,
        PlanStop.visit_id == Visit.id,
    )


def _begun(session: Session, day: Day, on_plan: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    """
    Under way or finished between the day's midnight and the end of its night shift.

    What the evening before has on its plan is left to it only as long as its own shifts can have begun it;
    yesterday's work that is begun today keeps its technician busy today.
    """
    eve = day.later(-1)
    moment = func.coalesce(Visit.started_at, Visit.arrived_at, Visit.planned_start)
    is_late = moment >= nights.end_of(session, eve) + nights.AFTER_DUTY
    mine = or_(Visit.id.in_(on_plan), Visit.id.not_in(on_plan_of(eve)), is_late)
    return and_(Visit.state.in_(BEGUN), moment >= day.midnight, moment < day.moment(day.LATEST), mine)
