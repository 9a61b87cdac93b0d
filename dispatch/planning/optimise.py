"""
A day through the solver: read, solve without any transaction, then store a proposal.

With ``optimise_parts`` the only module that loads the solving engine; the web process imports neither
(contract 10).
"""

from __future__ import annotations

import uuid
from datetime import date

import structlog

from dispatch import db
from dispatch.outbox import Lease
from dispatch.planning import splitting
from dispatch.planning.optimise_parts import split_day
from dispatch.planning.rules import DayNotPlannable
from dispatch.planning.snapshot import Limits, is_promised, propose, read
from optimizer.engines.base import DEFAULT, Budget, Result, warm_up
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.solve import solve
from optimizer.validate import InvalidProblem, errors_in

log = structlog.get_logger(__name__)

NOTEWORTHY_SECONDS = 5.0


def optimise_day(
    lease: Lease, territory_id: uuid.UUID, day: date, *, seed: int, reason: str, limits: Limits
) -> None:
    """
    Plan a day and store the result as a proposal on the version it was read at.

    A promise that cannot be kept any more does not push its visit out of the day: in the second half of the
    time such visits are planned with an open end, and publication tells their customers a new window. A day
    beyond one process is only cut here; its parts are planned by runs of their own (``optimise_parts``).
    """
    half = limits.seconds / 2
    with db.transaction() as session:
        snapshot = read(session, territory_id, day, limits, frozenset())
    if len(snapshot.built.problem.visits) > limits.part_visits:
        _require_plannable(snapshot.built.problem)
        split_day(lease, snapshot, seed=seed, reason=reason, limits=limits)
        return
    result = _solve(lease, snapshot.built.problem, snapshot.start, half, seed)
    late = frozenset(
        left.visit_id for left in result.plan.unserved if is_promised(snapshot.built, left.visit_id)
    )
    if late:
        with db.transaction() as session:
            relaxed = read(session, territory_id, day, limits, late)
        snapshot = relaxed if relaxed.version == snapshot.version else snapshot
    result = _solve(lease, snapshot.built.problem, result.plan, half, seed)
    with lease.finishing() as session:
        splitting.void(session, territory_id, day, before=lease.run_id)
        row = propose(session, snapshot, result, seed=seed, reason=reason)
        lease.result = {"plan_id": str(row.id), "unserved": len(result.plan.unserved)}


def warm() -> None:
    """Load the engine, and compile it if need be, so that no work-horse has to."""
    seconds = warm_up(DEFAULT)
    if seconds > NOTEWORTHY_SECONDS:
        log.info("engine_compiled", engine=DEFAULT, seconds=round(seconds))


def _solve(lease: Lease, day: Problem, start: Plan, seconds: float, seed: int) -> Result:
    # The solver holds the interpreter, so no thread beats meanwhile.
    lease.heartbeat(busy_seconds=seconds)
    try:
        return solve(day, Budget(seconds=seconds), seed=seed, start=start)
    except InvalidProblem as error:
        findings = [str(finding) for finding in error.findings[:20]]
        raise DayNotPlannable(f"{len(error.findings)} findings: {findings[0]}", findings=findings) from error


def _require_plannable(day: Problem) -> None:
    """Refuse what cannot be planned before it is shared out."""
    if findings := errors_in(day):
        words = [str(finding) for finding in findings[:20]]
        raise DayNotPlannable(f"{len(findings)} findings: {words[0]}", findings=words)
