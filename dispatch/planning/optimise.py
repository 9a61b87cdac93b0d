"""
A day through the solver: read, solve without any transaction, then store a proposal.

The only module that loads the solving engine; the web process never imports it (contract 10).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

import structlog
from sqlalchemy.orm import Session

from dispatch import db, travel
from dispatch.outbox import Lease
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.days import day_of
from dispatch.planning.model import DayPlan
from dispatch.planning.problem import Built
from dispatch.planning.rules import DayNotPlannable, DayTooLarge
from optimizer.engines.base import DEFAULT, Budget, Result, warm_up
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.solve import solve
from optimizer.validate import InvalidProblem

log = structlog.get_logger(__name__)

NOTEWORTHY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one optimisation (S9)."""

    seconds: float = 10
    visits: int = 2000
    technicians: int = 300


@dataclass(frozen=True, slots=True)
class _Snapshot:
    built: Built
    start: Plan
    version: int


def optimise_day(
    lease: Lease, territory_id: uuid.UUID, day: date, *, seed: int, reason: str, limits: Limits
) -> None:
    """
    Plan a day and store the result as a proposal on the version it was read at.

    A promise that cannot be kept any more does not push its visit out of the day: in the second half of the
    time such visits are planned with an open end, and publication tells their customers a new window.
    """
    half = limits.seconds / 2
    with db.transaction() as session:
        snapshot = _read(session, territory_id, day, limits, frozenset())
    result = _solve(lease, snapshot.built.problem, snapshot.start, half, seed)
    late = frozenset(
        left.visit_id for left in result.plan.unserved if _is_promised(snapshot.built, left.visit_id)
    )
    if late:
        with db.transaction() as session:
            relaxed = _read(session, territory_id, day, limits, late)
        snapshot = relaxed if relaxed.version == snapshot.version else snapshot
    result = _solve(lease, snapshot.built.problem, result.plan, half, seed)
    with lease.finishing() as session:
        row = _store(session, snapshot, result, seed, reason)
        lease.result = {"plan_id": str(row.id), "unserved": len(result.plan.unserved)}


def warm() -> None:
    """Load the engine, and compile it if need be, so that no work-horse has to."""
    seconds = warm_up(DEFAULT)
    if seconds > NOTEWORTHY_SECONDS:
        log.info("engine_compiled", engine=DEFAULT, seconds=round(seconds))


def _read(
    session: Session, territory_id: uuid.UUID, on: date, limits: Limits, relaxed: frozenset[str]
) -> _Snapshot:
    day = day_of(session, territory_id, on)
    head = heads.locked(session, territory_id, on)
    current = heads.in_force(session, head)
    built = problem.build(session, day, travel.times(), plan=current, relaxed=relaxed)
    if len(built.problem.visits) > limits.visits or len(built.problem.technicians) > limits.technicians:
        raise DayTooLarge(
            f"{len(built.problem.visits)} visits and {len(built.problem.technicians)} technicians",
            visits_most=limits.visits,
            technicians_most=limits.technicians,
        )
    return _Snapshot(built, plan_rows.to_plan(built, current), head.version)


def _is_promised(built: Built, visit_id: str) -> bool:
    return built.visits[visit_id].window_start is not None


def _solve(lease: Lease, day: Problem, start: Plan, seconds: float, seed: int) -> Result:
    # The solver holds the interpreter, so no thread beats meanwhile.
    lease.heartbeat(busy_seconds=seconds)
    try:
        return solve(day, Budget(seconds=seconds), seed=seed, start=start)
    except InvalidProblem as error:
        findings = [str(finding) for finding in error.findings[:20]]
        raise DayNotPlannable(f"{len(error.findings)} findings: {findings[0]}", findings=findings) from error


def _store(session: Session, snapshot: _Snapshot, result: Result, seed: int, reason: str) -> DayPlan:
    return plan_rows.store(
        session,
        snapshot.built,
        result.plan,
        state="proposed",
        base_version=snapshot.version,
        reason=reason,
        seed=seed,
        engine=str(result.stats.get("engine", "")),
        cost_by_term=dict(result.cost_by_term),
        stats=dict(result.stats),
    )
