"""Publishing without a person, within what a territory allows (journey (e))."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatch.errors import DispatchError
from dispatch.planning import heads
from dispatch.planning.differences import differences
from dispatch.planning.model import DayPlan
from dispatch.planning.publishing import publish
from dispatch.planning.rules import AutoPublish
from dispatch.territories.model import Territory


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
    objection = policy.objection(plan.reason, differences(session, plan).rows)
    if objection is not None:
        return {"not_published": objection}
    try:
        with session.begin_nested():
            publish(session, by=None, plan=plan, expected_version=head.version)
    except DispatchError as refusal:
        return {"not_published": str(refusal)}
    return {"published": "by policy"}
