"""The office amends a visit's times with a reason; what was told stays on record (reliability §2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, text
from dispatch.access.rules import Principal
from dispatch.work_orders import refusals
from dispatch.work_orders.guards import check_capacity
from dispatch.work_orders.lifecycle import Actor
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.stamping import MOMENTS, PAUSES
from dispatch.work_orders.timekeeping import AMENDED, CLOCK_UNVERIFIED, change_times, changes_of
from dispatch.work_orders.verifying import close_case

LONGEST_PAUSES = 86_400
LONGEST_VISIT = timedelta(days=31)
"""From setting out to the end; beyond it a year or month was mistyped."""


def amend_times(
    session: Session, *, by: Principal, visit: Visit, times: Mapping[str, datetime | int], reason: str
) -> bool:
    """
    Let other times count than were told: when somebody set out, arrived, began, ended, and seconds of pauses.

    Tell whether anything changes. The caller has asked whether the visit is invoiced. A time that nobody has
    told is written only where a later one was (``TimeNotTold``); times follow one another and are over
    (``TimesContradict``). Amending the last of the unverified times decides their case.
    """
    check_capacity(by, Actor.DISPATCHER, visit)
    why = text.line(reason, "reason", longest=500)
    values = {name: _checked(visit, name, value) for name, value in times.items()}
    fresh = {
        name: value
        for name, value in values.items()
        if value != getattr(visit, name) or name in visit.unverified
    }
    _check_order(visit, fresh)
    if not fresh:
        return False
    change_times(session, by=by, visit=visit, kind=AMENDED, values=fresh, reason=why)
    if not visit.unverified:
        waiting = select(ReviewCase).where(
            ReviewCase.visit_id == visit.id,
            ReviewCase.kind == CLOCK_UNVERIFIED,
            ReviewCase.decided_at.is_(None),
        )
        for case in session.scalars(waiting).all():
            close_case(session, by=by, case=case, decision=why)
    return True


def contradicts_amended(session: Session, visit: Visit) -> bool:
    """Whether a visit's times do not follow one another any more, one of them amended by the office."""
    if all(before <= after for (_, before), (_, after) in pairwise(_moments(visit, {}).items())):
        return False
    return any(change.kind == AMENDED for change in changes_of(session, visit))


def _checked(visit: Visit, name: str, value: datetime | int) -> datetime | int:
    if isinstance(value, int):
        if name != PAUSES or visit.started_at is None:
            raise refusals.TimeNotTold(f"no work was begun at visit {visit.number}", field=name)
        return text.whole(value, name, 0, LONGEST_PAUSES)
    later = MOMENTS[MOMENTS.index(name) :]
    if all(getattr(visit, other) is None for other in later):
        raise refusals.TimeNotTold(f"visit {visit.number} has not come so far", field=name)
    return clock.aware(value)


def _check_order(visit: Visit, values: Mapping[str, datetime | int]) -> None:
    now = clock.now()
    if any(isinstance(value, datetime) and value > now for value in values.values()):
        raise refusals.TimesContradict("a time lies ahead")
    moments = _moments(visit, values)
    if values and moments and max(moments.values()) - min(moments.values()) > LONGEST_VISIT:
        raise refusals.TimesContradict("the times are more than a month apart")
    for (first, before), (second, after) in pairwise(moments.items()):
        if before > after and {first, second} & values.keys():
            raise refusals.TimesContradict(f"{second} would be before {first}", fields=[first, second])


def _moments(visit: Visit, values: Mapping[str, datetime | int]) -> dict[str, datetime]:
    """The moments of a visit in the order in which they pass, with others in their place."""
    found = {name: values.get(name, getattr(visit, name)) for name in MOMENTS}
    return {name: moment for name, moment in found.items() if isinstance(moment, datetime)}
