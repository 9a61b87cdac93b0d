"""Publishing without a person, within what a territory allows (journey (e))."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.errors import DispatchError
from dispatch.planning import heads
from dispatch.planning.differences import differences
from dispatch.planning.model import DayPlan
from dispatch.planning.publishing import publish
from dispatch.planning.rules import AutoPublish, Told
from dispatch.territories.model import Territory
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

UNHEARD = (VisitState.UNPLANNED, VisitState.PLANNED)


@dataclass(frozen=True, slots=True)
class _First:
    """A visit whose people hear of it for the first time."""

    is_told: bool = True
    breaks_promise: bool = False
    changes_technician: bool = False


def _rows(session: Session, plan: DayPlan) -> list[Told]:
    """What people would hear: of places that change, and of visits that nobody was told of before."""
    rows = differences(session, plan).rows
    told = {row.visit_id for row in rows if row.is_told}
    ids = [stop.visit_id for stop in plan.stops]
    unheard = select(Visit.id).where(Visit.id.in_(ids), Visit.state.in_(UNHEARD))
    return [*rows, *(_First() for visit_id in session.scalars(unheard) if visit_id not in told)]


def consider(session: Session, plan: DayPlan) -> dict[str, str]:
    """
    Publish a fresh proposal if its territory's policy allows; return what was done, for the run's result.

    Whatever refuses the publication leaves the proposal to a person.
    """
    territory = session.get_one(Territory, plan.territory_id)
    policy = AutoPublish.of(territory.auto_publish)
    if not policy.reasons:
        return {}
    head = heads.locked(session, plan.territory_id, plan.day)
    if head.version != plan.base_version:
        return {"not_published": "the day moved on meanwhile"}
    if head.published_plan_id is None:
        return {"not_published": "the first publication of a day is for a person"}
    objection = policy.objection(plan.reason, _rows(session, plan))
    if objection is not None:
        return {"not_published": objection}
    try:
        with session.begin_nested():
            publish(session, by=None, plan=plan, expected_version=head.version)
    except DispatchError as refusal:
        return {"not_published": str(refusal)}
    return {"published": "by policy"}
