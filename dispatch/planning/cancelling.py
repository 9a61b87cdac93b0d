"""Calling an optimisation off: what waits is cancelled at once, what runs stops within a second or two."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Principal
from dispatch.outbox import JobRun
from dispatch.planning import heads, splitting
from dispatch.planning.model import PlanSplit
from dispatch.planning.queries import PARTS, RunView, run_in_scope, view_of_run
from dispatch.planning.rules import RunNotCancellable

KINDS = ("planning.optimise_day", "planning.replan")
OVER = ("done", "parked")


def cancel_run(session: Session, *, by: Principal, run_id: uuid.UUID) -> RunView:
    """
    Call an optimisation of a day off; repeated, it changes nothing.

    A day that is planned in parts leaves nothing; another one its best plan so far, if it is better than what
    is in force.
    """
    run = run_in_scope(session, by, run_id)
    if run.kind not in KINDS:
        raise RunNotCancellable(f"a run of the kind {run.kind} is not called off")
    run = outbox.call_off(session, run.id)
    if run.result is not None and "split_id" in run.result:
        _cancel_parts(session, uuid.UUID(run.result["split_id"]))
    elif run.state in OVER:
        raise RunNotCancellable(f"the run is {run.state}")
    return view_of_run(session, run)


def _cancel_parts(session: Session, split_id: uuid.UUID) -> None:
    """Make the split of a day void, and call off the runs that plan its parts or join them."""
    split = session.get_one(PlanSplit, split_id)
    heads.locked(session, split.territory_id, split.day)  # before rows of splits, as everywhere
    locked = splitting.locked(session, split_id)
    if locked is None or locked.state == splitting.JOINED:
        raise RunNotCancellable("the run is done")
    if locked.state == splitting.OPEN:
        splitting.void(session, split.territory_id, split.day)
    of_parts = select(JobRun.id).where(
        JobRun.kind.in_(PARTS),
        JobRun.payload["split_id"].as_string() == str(split_id),
        JobRun.state.in_(("ready", "running")),
    )
    for part_id in session.scalars(of_parts.order_by(JobRun.id)).all():
        outbox.call_off(session, part_id)
    session.expire(split)
