"""
Promised visits that a published plan leaves out: never forgotten (R-503, R-802).

Somebody in the office gets a case at once; the watch of the day tells the customer of a call, unless a new
plan takes the visit in before.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.planning import nights
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.model import DayPlan
from dispatch.planning.rules import REPLANNED, told_reason
from dispatch.promises import alarming
from dispatch.promises.queries import last_promise
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.model import ReviewCase, Visit, WorkOrder

LEFT_OUT = "left_out"
"""Kind of the case of a promised visit that is on no plan any more."""


def reason_of(session: Session, plan: DayPlan) -> str:
    """Return what customers are told of why a plan was made; of rows taken over, the proposal's reason."""
    source = plan.stats.get("of_plan")
    made = session.get(DayPlan, uuid.UUID(source)) if source else None
    return told_reason((made or plan).reason)


def open_case(session: Session, by: Principal | None, plan: DayPlan, visit: Visit) -> None:
    """Open a case for a visit whose customer was told a window of the day that a plan leaves out; once."""
    promise = last_promise(session, visit.id) if visit.window_start is not None else None
    if promise is None or visit.leader_id is not None or visit.work_order.waiting_reason is not None:
        return
    if plan.day not in {day.day for day in nights.days_for(session, plan.territory_id, promise.window_start)}:
        return
    if _open_cases(session, [visit.id]):
        return
    left = {row.visit_id: row.sentence for row in plan.unserved}
    detail = {
        "plan_id": str(plan.id),
        "promise_id": str(promise.id),
        "window_end": promise.window_end.isoformat(),
        "reason": reason_of(session, plan),
        "sentence": left.get(visit.id, ""),
    }
    work_orders.open_case(session, by=by, visit=visit, kind=LEFT_OUT, detail=detail)


def settle_cases(
    session: Session, by: Principal | None, visit_ids: Collection[uuid.UUID], decision: str
) -> None:
    """Close the cases of visits that a plan takes in again, or whose customers were told another time."""
    for case in _open_cases(session, visit_ids):
        work_orders.decide_case(session, by=by, case=case, decision=decision)


def settle_over(session: Session, territory_id: uuid.UUID) -> None:
    """Close the cases of visits that were called off, or reached all the same: nobody has to call now."""
    statement = (
        select(ReviewCase)
        .join(Visit, Visit.id == ReviewCase.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(ReviewCase.kind == LEFT_OUT, ReviewCase.decided_at.is_(None))
        .where(WorkOrder.territory_id == territory_id, Visit.state.not_in(NOT_BEGUN))
        .order_by(ReviewCase.opened_at, ReviewCase.id)
    )
    for case in session.scalars(statement).all():
        work_orders.decide_case(session, by=None, case=case, decision="the visit is over")


def reason_seen(session: Session, visit_id: uuid.UUID) -> str | None:
    """Return why a visit's newest promise is in danger, or was left out; None when it is neither."""
    return alarming.reason_seen(session, visit_id) or reasons(session, [visit_id]).get(visit_id)


def reasons(session: Session, visit_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return why visits were left out, for their customers."""
    return {
        case.visit_id: str(case.detail.get("reason", REPLANNED)) for case in _open_cases(session, visit_ids)
    }


def _open_cases(session: Session, visit_ids: Collection[uuid.UUID]) -> list[ReviewCase]:
    statement = (
        select(ReviewCase)
        .where(ReviewCase.kind == LEFT_OUT, ReviewCase.decided_at.is_(None))
        .where(ReviewCase.visit_id.in_(visit_ids))
        .order_by(ReviewCase.opened_at, ReviewCase.id)
    )
    return list(session.scalars(statement))
