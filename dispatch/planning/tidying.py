"""
Drafts planned better between calls, so that whoever asks next is offered what a good plan has room for.

A booking puts its visit where it costs least on the routes as they are; call after call that leaves routes
which nobody would plan so. Only days that nobody has published are tidied: no technician has heard of them,
and customers were told windows, which are kept. What was booked or changed meanwhile wins.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.outbox import Lease
from dispatch.planning import heads, open_days, plan_rows
from dispatch.planning.days import Day, day_of
from dispatch.planning.drafts import note_place
from dispatch.planning.fingerprint import fingerprint
from dispatch.planning.model import DayPlan
from dispatch.planning.questions import OpenDay
from dispatch.planning.solving import solved
from dispatch.planning.supplying import keep_store
from dispatch.planning.telling import Telling
from dispatch.work_orders.model import Visit
from optimizer.check import check, cost
from optimizer.engines.base import Budget
from optimizer.plan import Plan

ROUNDS = 2_000
"""Iterations for a draft, unless time is up before."""
WHOLE = 5_000
"""A draft with more visits is left to planning in parts."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A draft as it was read, with the room that is held for callers."""

    day: Day
    mark: str
    opened: OpenDay

    @property
    def start(self) -> Plan:
        """The routes with what is held on them."""
        return self.opened.oracle.plan


def tidy_day(lease: Lease, territory_id: uuid.UUID, on: date, *, seconds: float) -> None:
    """Plan a draft better with the same visits in their windows; whatever stands against it leaves it."""
    with db.transaction() as session:
        found = _read(session, territory_id, on)
    after = _better(lease, found, seconds) if found is not None else None
    with lease.finishing() as session:
        is_written = found is not None and after is not None and _written(session, found, after)
        lease.result = {"tidied": is_written}


def _draft_of(session: Session, day: Day) -> DayPlan | None:
    """The draft of a day that nobody has published."""
    head = heads.find(session, day.territory_id, day.day)
    current = heads.in_force(session, head)
    if head is None or current is None or head.published_plan_id is not None or current.state != "draft":
        return None
    return current


def _read(session: Session, territory_id: uuid.UUID, on: date) -> _Draft | None:
    day = day_of(session, territory_id, on)
    if _draft_of(session, day) is None:
        return None
    mark = fingerprint(session, day)
    opened = open_days.open_day(session, day)
    problem = opened.oracle.problem
    if opened.built.begun or len(problem.visits) > WHOLE or check(problem, opened.oracle.plan):
        return None  # begun, too large, or somebody has to look at it first
    return _Draft(day, mark, opened)


def _better(lease: Lease, found: _Draft, seconds: float) -> Plan | None:
    """A cheaper plan with everything on it that the draft has; None where there is none."""
    problem, start = found.opened.oracle.problem, found.start
    result = solved(Telling(lease), problem, start, Budget(solutions=ROUNDS, seconds=seconds), 1, WHOLE)
    is_whole = set(plan_rows.ids_on(start)) <= set(plan_rows.ids_on(result.plan))
    is_cheaper = sum(result.cost_by_term.values()) < sum(cost(problem, start).values())
    return result.plan if is_whole and is_cheaper else None


def _written(session: Session, found: _Draft, after: Plan) -> bool:
    """Write the better draft if the day is what was read, and held windows find their room on it."""
    day, built = found.day, found.opened.built
    heads.locked(session, day.territory_id, day.day)
    draft = _draft_of(session, day)
    keep_store(session, day.territory_id, {sku for job in built.problem.visits for sku in job.parts})
    if draft is None or fingerprint(session, day) != found.mark:
        return False
    after = plan_rows.without_holds(built.problem, after, built.holds)
    if not open_days.has_room_for_held(built, after, found.start):
        return False
    plan_rows.replace_routes(session, draft, built, before=found.opened.stored, after=after)
    names = [uuid.UUID(name) for name in plan_rows.ids_on(after)]
    for visit in session.scalars(select(Visit).where(Visit.id.in_(names)).order_by(Visit.id)):
        note_place(session, None, visit, day, after)
    return True
