"""Day plans as dispatchers read them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.outbox import JobRun
from dispatch.planning import heads
from dispatch.planning.model import DayPlan, PlanHead, PlanSplit
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit

PARTS = ("planning.optimise_part", "planning.join_parts")
"""Kinds of runs that a split starts."""


@dataclass(frozen=True, slots=True)
class DayView:
    """A territory's day: its head, the published plan, the draft, and proposals on the newest version."""

    territory_id: uuid.UUID
    day: date
    version: int
    revision: int
    published: DayPlan | None
    draft: DayPlan | None
    proposals: Sequence[DayPlan]


@dataclass(frozen=True, slots=True)
class RunView:
    """How an optimisation is getting on."""

    id: uuid.UUID
    state: str
    attempt: int
    plan_id: str | None
    error: str | None
    is_called_off: bool
    progress: Mapping[str, float | None] | None


def _require_seen(session: Session, principal: Principal, territory_id: uuid.UUID) -> None:
    statement = select(Territory.id).where(Territory.id == territory_id, in_scope(principal, Territory.id))
    if session.scalars(statement).one_or_none() is None:
        raise NotFound("no such territory")


def day_version(session: Session, principal: Principal, territory_id: uuid.UUID, day: date) -> int:
    """Return the version of a day within the person's scope; 0 for one that nothing was planned on."""
    _require_seen(session, principal, territory_id)
    head = heads.find(session, territory_id, day)
    return head.version if head is not None else 0


def day_view(session: Session, principal: Principal, territory_id: uuid.UUID, day: date) -> DayView:
    """Return a day of a territory within the person's scope."""
    _require_seen(session, principal, territory_id)
    head = heads.find(session, territory_id, day)
    if head is None:
        return DayView(territory_id, day, 0, 0, None, None, ())
    return DayView(
        territory_id,
        day,
        head.version,
        head.revision,
        _plan(session, head.published_plan_id),
        _plan(session, head.working_plan_id),
        _proposals(session, head),
    )


def _plan(session: Session, plan_id: uuid.UUID | None) -> DayPlan | None:
    return session.get(DayPlan, plan_id) if plan_id else None


def _proposals(session: Session, head: PlanHead) -> Sequence[DayPlan]:
    statement = (
        select(DayPlan)
        .where(
            DayPlan.territory_id == head.territory_id,
            DayPlan.day == head.day,
            DayPlan.state == "proposed",
            DayPlan.base_version == head.version,
        )
        .order_by(DayPlan.created_at.desc())
    )
    return session.scalars(statement).all()


def find_plan(session: Session, principal: Principal, plan_id: uuid.UUID) -> DayPlan:
    """Return a plan within the person's scope."""
    statement = select(DayPlan).where(DayPlan.id == plan_id, in_scope(principal, DayPlan.territory_id))
    plan = session.scalars(statement).one_or_none()
    if plan is None:
        raise NotFound("no such plan")
    return plan


def find_run(session: Session, principal: Principal, run_id: uuid.UUID) -> RunView:
    """Return an optimisation's progress, if its territory lies within the person's scope."""
    return view_of_run(session, run_in_scope(session, principal, run_id))


def run_in_scope(session: Session, principal: Principal, run_id: uuid.UUID) -> JobRun:
    """Return a run of planning, if its territory lies within the person's scope."""
    run = session.get(JobRun, run_id)
    if run is None or not run.kind.startswith("planning."):
        raise NotFound("no such run")
    territory_id = _territory_of(session, run)
    if principal.territory_ids is not None and territory_id not in principal.territory_ids:
        raise NotFound("no such run")
    return run


def view_of_run(session: Session, run: JobRun) -> RunView:
    """Return how a run is getting on."""
    result = run.result or {}
    if "split_id" in result:
        return _of_split(session, run, uuid.UUID(result["split_id"]))
    state = "cancelled" if result.get("void") else run.state
    is_called_off = run.called_off_at is not None
    return RunView(run.id, state, run.attempt, result.get("plan_id"), run.error, is_called_off, run.progress)


def _of_split(session: Session, run: JobRun, split_id: uuid.UUID) -> RunView:
    """How a day that was cut into parts is getting on: running until they are joined to a proposal."""
    state, plan_id = session.execute(
        select(PlanSplit.state, PlanSplit.plan_id).where(PlanSplit.id == split_id)
    ).one()
    parts = session.scalars(
        select(JobRun)
        .where(JobRun.kind.in_(PARTS), JobRun.payload["split_id"].as_string() == str(split_id))
        .order_by(JobRun.id)
    ).all()
    error = next((part.error for part in parts if part.state == "parked"), None)
    shown = {"open": "parked" if error else "running", "void": "cancelled"}.get(state, run.state)
    told = [part.progress for part in parts if part.kind == PARTS[0]]
    plan = str(plan_id) if plan_id else None
    return RunView(
        run.id, shown, run.attempt, plan, error, run.called_off_at is not None, _of_all_parts(told)
    )


def _of_all_parts(told: Sequence[dict[str, float | None] | None]) -> dict[str, float | None] | None:
    """How far the parts of a day are together; what one of them has not told yet is not known of the day."""
    known = [each for each in told if each is not None]
    if not known:
        return None
    figures: dict[str, float | None] = {"seconds": max(each["seconds"] or 0 for each in known)}
    for name in ("iterations", "cost_minor", "unserved"):
        counts = [each[name] if each is not None else None for each in told]
        figures[name] = None if None in counts else sum(count or 0 for count in counts)
    return figures


def _territory_of(session: Session, run: JobRun) -> uuid.UUID | None:
    """The territory a run plans: named by itself, or that of the emergency it was started for."""
    if "split_id" in run.payload:
        split_id = uuid.UUID(run.payload["split_id"])
        return session.scalar(select(PlanSplit.territory_id).where(PlanSplit.id == split_id))
    if "territory_id" in run.payload:
        return uuid.UUID(run.payload["territory_id"])
    visit_id = run.payload.get("visit_id")
    visit = session.get(Visit, uuid.UUID(visit_id)) if visit_id else None
    return visit.work_order.territory_id if visit else None
