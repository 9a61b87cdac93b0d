"""Writing runs in the caller's transaction, and ringing the queue once it has committed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, queue
from dispatch.db import after_commit, new_id
from dispatch.events import Event
from dispatch.outbox.kinds import Job, followers, job_of
from dispatch.outbox.model import JobRun


def record(session: Session, event: Event) -> list[uuid.UUID]:
    """
    Write the runs that an event starts; return the ids of the new ones.

    The key is kind, event and ids, so that recording the same event again starts nothing. The payload is the
    event's ids and, under ``event``, its name; handlers of single runs get the ids alone.
    """
    name, ids = type(event).__name__, event.payload()
    key = ":".join((name, *ids.values()))
    payload = {"event": name, **ids}
    written = [request(session, kind, key, payload) for kind in followers(event)]
    return [run_id for run_id in written if run_id is not None]


def request(
    session: Session,
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    not_before: datetime | None = None,
) -> uuid.UUID | None:
    """
    Write one run in the caller's transaction; return its id, or None if its key already has one.

    The key is unique within the kind and stored as ``kind:key``. ``not_before`` is a moment of the business
    clock; the wait until then is counted on the database's clock.
    """
    job = job_of(kind)
    full_key = key if key.startswith(f"{kind}:") else f"{kind}:{key}"
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "key": full_key,
        "queue": job.queue,
        "payload": dict(payload),
        "state": "ready",
        "attempt": 0,
        "input_hash": fingerprint({"kind": kind, "payload": dict(payload)}),
    }
    delayed = not_before is not None and (wait := not_before - clock.now()).total_seconds() > 0
    if delayed:
        values["ready_at"] = func.now() + wait
    statement = insert(JobRun).values(values).on_conflict_do_nothing(index_elements=["key"])
    run_id = session.scalar(statement.returning(JobRun.id))
    if run_id is not None and not delayed:
        after_commit(session, partial(_first_ring, job, run_id))
    return run_id


def ring(job: Job, run_id: uuid.UUID, attempt: int, *, alone: bool = False) -> bool:
    """
    Tell the queue that a run is ready; False if nobody could be told (the sweeper repeats it).

    Runs of a batch kind share a ring, except one that is to be done ``alone``.
    """
    if job.batch and not alone:
        return queue.ring_batch(job.kind, job.queue, job.ring_seconds)
    return queue.ring(run_id, attempt, job.queue, job.ring_seconds)


def _first_ring(job: Job, run_id: uuid.UUID) -> None:
    ring(job, run_id, 0)


def retry_parked(session: Session, run_id: uuid.UUID) -> bool:
    """Give a parked run its attempts back; False if there is no such parked run."""
    statement = (
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.state == "parked")
        .values(state="ready", attempt=0, ready_at=func.now(), lease_token=None, lease_until=None)
        .returning(JobRun.kind)
        .execution_options(synchronize_session=False)
    )
    kind = session.scalar(statement)
    if kind is None:
        return False
    job = job_of(kind)
    after_commit(session, partial(_first_ring, job, run_id))
    return True


def fingerprint(content: Any) -> str:
    """Return the hash of some plain JSON content, the same for the same content."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
