"""
What a plan changes for people against the plan in force, row by row, with reasons (journey (e)).

A visit may be new, dropped, given to somebody else, or begin at another time; who has been told of the former
place, and whether a promise would break, stands beside it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import heads
from dispatch.planning.causes import Assumed, assumed_of
from dispatch.planning.model import DayPlan, PlanStop
from dispatch.technicians import queries as technicians
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.model import Visit

NOTEWORTHY = timedelta(minutes=1)
"""A start that moves by less is none that anybody would notice."""
TOLD = frozenset({VisitState.PUBLISHED, VisitState.ACCEPTED, VisitState.TRAVELLING})


class Change(StrEnum):
    """What happens to a visit."""

    ADDED = "added"
    DROPPED = "dropped"
    TECHNICIAN = "technician"
    EARLIER = "earlier"
    LATER = "later"


class Cause(StrEnum):
    """
    Why: it is new, somebody is away, time has passed, a rule stands in the way, or it is cheaper.

    In a scenario somebody may be assumed to be away, or a road to be closed.
    """

    NEW = "NEW"
    OFF_DUTY = "OFF_DUTY"
    ROAD_CLOSED = "ROAD_CLOSED"
    LATE = "LATE"
    RULE = "RULE"
    CHEAPER = "CHEAPER"


@dataclass(frozen=True, slots=True)
class Place:
    """Who goes, and when service begins."""

    technician_id: uuid.UUID
    start: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One visit that the plan treats otherwise.

    is_told
        Whether technician and customer have heard of the former place; of a crew its leader stands for all.
    breaks_promise
        Whether the new start lies after the promised window, or the visit is dropped although promised.
    """

    visit_id: uuid.UUID
    number: str
    change: Change
    before: Place | None
    after: Place | None
    is_told: bool
    breaks_promise: bool
    cause: Cause
    sentence: str

    @property
    def changes_technician(self) -> bool:
        """Whether somebody else comes, or nobody."""
        return self.change in {Change.TECHNICIAN, Change.DROPPED}


@dataclass(frozen=True, slots=True)
class Differences:
    """
    A plan against the one in force: what it changes, and what both cost by term, in minor units.

    doubts
        What the plan keeps against a rule (``doubting``).
    """

    plan_id: uuid.UUID
    against_plan_id: uuid.UUID | None
    rows: Sequence[Difference]
    cost_before: Mapping[str, int]
    cost_after: Mapping[str, int]
    doubts: Sequence[Mapping[str, Any]] = ()


def differences(session: Session, plan: DayPlan) -> Differences:
    """Return what a plan changes against the plan in force of its day, in the order of the former starts."""
    former = heads.in_force(session, heads.find(session, plan.territory_id, plan.day))
    return between(session, former if former is not plan else None, plan)


def between(session: Session, former: DayPlan | None, plan: DayPlan) -> Differences:
    """Return what one plan changes against another of the same day."""
    before = {stop.visit_id: stop for stop in former.stops} if former is not None else {}
    after = {stop.visit_id: stop for stop in plan.stops}
    changed = [name for name in {**before, **after} if _change(before.get(name), after.get(name))]
    visits = {visit.id: visit for visit in session.scalars(select(Visit).where(Visit.id.in_(changed)))}
    on_duty = {duty.technician.id for duty in technicians.on_duty(session, plan.territory_id, plan.day)}
    reasons = {left.visit_id: left.sentence for left in plan.unserved}
    assumed = assumed_of(session, former, plan)
    rows = list(_rows(changed, (before, after), visits, (on_duty, assumed), reasons))
    rows.sort(key=lambda row: (_moment(row), row.number))
    return Differences(
        plan.id,
        former.id if former is not None else None,
        rows,
        dict(former.cost_by_term) if former is not None else {},
        dict(plan.cost_by_term),
        plan.doubts,
    )


def _rows(
    changed: Sequence[uuid.UUID],
    sides: tuple[Mapping[uuid.UUID, PlanStop], Mapping[uuid.UUID, PlanStop]],
    visits: Mapping[uuid.UUID, Visit],
    circumstances: tuple[set[uuid.UUID], Assumed],
    reasons: Mapping[uuid.UUID, str],
) -> Iterator[Difference]:
    for name in changed:
        visit, old, new = visits[name], sides[0].get(name), sides[1].get(name)
        change = _change(old, new)
        if change is None:
            continue
        cause = _cause(old, new, *circumstances)
        yield Difference(
            visit_id=name,
            number=visit.number,
            change=change,
            before=_place(old),
            after=_place(new),
            is_told=old is not None and VisitState(visit.state) in TOLD and visit.leader_id is None,
            breaks_promise=_breaks(visit, new),
            cause=cause,
            sentence=reasons.get(name, SENTENCES[cause]),
        )


SENTENCES = {
    Cause.NEW: "it was on no route before",
    Cause.OFF_DUTY: "its technician is not on duty",
    Cause.ROAD_CLOSED: "a road on the way to it is closed",
    Cause.LATE: "its former start has passed",
    Cause.RULE: "no route has room for it",
    Cause.CHEAPER: "the day costs less this way",
}


def _change(old: PlanStop | None, new: PlanStop | None) -> Change | None:
    """What happens to a visit; None for nothing anybody would notice."""
    if old is None or new is None:
        return None if old is new else Change.ADDED if old is None else Change.DROPPED
    if old.technician_id != new.technician_id:
        return Change.TECHNICIAN
    if abs(new.start - old.start) < NOTEWORTHY:
        return None
    return Change.EARLIER if new.start < old.start else Change.LATER


def _cause(old: PlanStop | None, new: PlanStop | None, on_duty: set[uuid.UUID], assumed: Assumed) -> Cause:
    if old is None:
        return Cause.NEW
    if old.technician_id not in on_duty or old.visit_id in assumed.away:
        return Cause.OFF_DUTY
    if old.visit_id in assumed.cut_off:
        return Cause.ROAD_CLOSED
    if new is None:
        return Cause.RULE
    return Cause.LATE if old.start < clock.now() else Cause.CHEAPER


def _breaks(visit: Visit, new: PlanStop | None) -> bool:
    """Of a crew the leader's promise is the customer's; who goes along has made none."""
    late = visit.window_end is not None and (new is None or new.start > visit.window_end)
    return late and visit.leader_id is None


def _place(stop: PlanStop | None) -> Place | None:
    return Place(stop.technician_id, stop.start) if stop is not None else None


def _moment(row: Difference) -> datetime:
    place = row.before or row.after
    assert place is not None  # noqa: S101 - one of them is there, or it would be no difference
    return place.start
