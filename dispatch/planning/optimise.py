"""
A day through the solver: read, solve without any transaction, then store a proposal.

What a territory lets planning publish by itself is published in the same transaction.
"""

from __future__ import annotations

import uuid
from datetime import date

import structlog

from dispatch import db
from dispatch.outbox import Lease
from dispatch.planning import auto_publishing, heads, splitting
from dispatch.planning.optimise_parts import split_day
from dispatch.planning.rules import DayNotPlannable
from dispatch.planning.snapshot import Limits, Snapshot, is_promised, propose, read
from dispatch.planning.solving import Asked, in_two_halves
from optimizer.check import cost
from optimizer.engines.base import DEFAULT, Result, warm_up
from optimizer.in_parts import laid
from optimizer.insertion import sequences_of
from optimizer.problem import Problem
from optimizer.validate import errors_in

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

    A run that is called off leaves its best plan so far as a proposal, if it costs less than what the plan in
    force still says; nobody but a person publishes it. Otherwise it leaves nothing.
    """

    def again(late: frozenset[str]) -> Snapshot:
        with db.transaction() as session:
            return read(session, territory_id, day, limits, late)

    first = again(frozenset())
    if len(first.built.problem.visits) > limits.part_visits:
        _require_plannable(first.built.problem)
        split_day(lease, first, seed=seed, reason=reason, limits=limits)
        return
    seconds, processes = limits.seconds, limits.processes
    snapshot, result = in_two_halves(
        lease, first, _asked, again, seconds=seconds, seed=seed, processes=processes
    )
    is_worth = not lease.called_off or _is_better(snapshot, result)
    with lease.finishing() as session:
        if not is_worth:
            lease.cancelled = True
            return
        heads.locked(session, territory_id, day)  # before rows of splits, as everywhere
        splitting.void(session, territory_id, day, before=lease.run_id)
        row = propose(session, snapshot, result, seed=seed, reason=reason)
        lease.result = {"plan_id": str(row.id), "unserved": len(result.plan.unserved)}
        lease.cancelled = lease.is_called_off(session)
        if not lease.cancelled:
            lease.result |= auto_publishing.consider(session, row)


def _is_better(snapshot: Snapshot, result: Result) -> bool:
    """Whether a plan costs less than the one in force, without what the day no longer allows there."""
    problem = snapshot.built.problem
    today = laid(problem, sequences_of(problem, snapshot.start))
    return result.cost < sum(cost(problem, today).values())


def warm() -> None:
    """Load the engine, and compile it if need be, so that no work-horse has to."""
    seconds = warm_up(DEFAULT)
    if seconds > NOTEWORTHY_SECONDS:
        log.info("engine_compiled", engine=DEFAULT, seconds=round(seconds))


def _asked(snapshot: Snapshot) -> Asked:
    names = (visit.id for visit in snapshot.built.problem.visits)
    promised = frozenset(name for name in names if is_promised(snapshot.built, name))
    return Asked(snapshot.built.problem, snapshot.start, snapshot.version, promised)


def _require_plannable(day: Problem) -> None:
    """Refuse what cannot be planned before it is shared out."""
    if findings := errors_in(day):
        words = [str(finding) for finding in findings[:20]]
        raise DayNotPlannable(f"{len(findings)} findings: {words[0]}", findings=words)
