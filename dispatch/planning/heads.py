"""The one row per territory and day that every change of a plan goes through."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch.planning.model import DayPlan, PlanHead


def locked(session: Session, territory_id: uuid.UUID, day: date) -> PlanHead:
    """Return the day's head, made if missing, locked until the transaction ends."""
    session.execute(
        insert(PlanHead)
        .values(territory_id=territory_id, day=day, version=1, revision=0, touched_at=datetime.now(UTC))
        .on_conflict_do_nothing()
    )
    statement = select(PlanHead).where(PlanHead.territory_id == territory_id, PlanHead.day == day)
    return session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one()


def find(session: Session, territory_id: uuid.UUID, day: date) -> PlanHead | None:
    """Return the day's head without locking it."""
    return session.get(PlanHead, (territory_id, day))


def in_force(session: Session, head: PlanHead | None) -> DayPlan | None:
    """Return the plan that the next change starts from: the working draft, else the published one."""
    if head is None:
        return None
    plan_id = head.working_plan_id or head.published_plan_id
    return session.get(DayPlan, plan_id) if plan_id else None


def touch(head: PlanHead) -> None:
    """
    Mark the head as changed; its version rises with the next flush.

    Real time, since a simulated clock may stand still between two changes.
    """
    head.touched_at = datetime.now(UTC)
