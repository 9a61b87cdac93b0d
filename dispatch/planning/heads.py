"""The one row per territory and day that every change of a plan goes through."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch.planning.model import DayPlan, PlanHead, PlanStop
from dispatch.planning.rules import PlanStale


def locked(session: Session, territory_id: uuid.UUID, day: date) -> PlanHead:
    """Return the day's head, made if missing, locked until the transaction ends."""
    session.execute(
        insert(PlanHead)
        .values(territory_id=territory_id, day=day, version=1, revision=0, touched_at=datetime.now(UTC))
        .on_conflict_do_nothing()
    )
    statement = select(PlanHead).where(PlanHead.territory_id == territory_id, PlanHead.day == day)
    return session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one()


def hold(session: Session, territory_id: uuid.UUID, day: date) -> None:
    """Hold a day until the transaction ends, if it has a head; one without any has no plan to wait for."""
    if find(session, territory_id, day) is not None:
        locked(session, territory_id, day)


def check_version(head: PlanHead, expected: int | None) -> None:
    """Refuse a decision on a day that moved on since it was read; ``None`` skips the check."""
    if expected is not None and head.version != expected:
        raise PlanStale(f"version {expected} was read, the day is at {head.version}", current=head.version)


def find(session: Session, territory_id: uuid.UUID, day: date) -> PlanHead | None:
    """Return the day's head without locking it."""
    return session.get(PlanHead, (territory_id, day))


def versions(session: Session, territory_id: uuid.UUID, first: date, last: date) -> dict[date, int]:
    """Return the versions of the days from first to last that have any."""
    statement = select(PlanHead.day, PlanHead.version).where(
        PlanHead.territory_id == territory_id, PlanHead.day >= first, PlanHead.day <= last
    )
    return {row.day: row.version for row in session.execute(statement)}


def in_force(session: Session, head: PlanHead | None) -> DayPlan | None:
    """
    Return the plan that the next change starts from: the working draft, else the published one.

    Read anew, since another session may have changed the draft after this one saw it first.
    """
    if head is None:
        return None
    plan_id = in_force_id(head)
    if plan_id is None:
        return None
    session.flush()
    return session.get(DayPlan, plan_id, populate_existing=True)


def in_force_id(head: PlanHead) -> uuid.UUID | None:
    """Return which plan of a day the next change starts from."""
    return head.working_plan_id or head.published_plan_id


IN_FORCE = func.coalesce(PlanHead.working_plan_id, PlanHead.published_plan_id)
"""The same for a query of heads."""


def days_with(session: Session, territory_id: uuid.UUID, visit_id: uuid.UUID) -> list[date]:
    """Return the days whose plan in force holds a visit, oldest first."""
    statement = (
        select(PlanHead.day)
        .join(PlanStop, PlanStop.plan_id == IN_FORCE)
        .where(PlanHead.territory_id == territory_id, PlanStop.visit_id == visit_id)
    )
    return list(session.scalars(statement.order_by(PlanHead.day)))


def touch(head: PlanHead) -> None:
    """
    Mark the head as changed; its version rises with the next flush.

    Real time, since a simulated clock may stand still between two changes.
    """
    head.touched_at = datetime.now(UTC)
