"""Takes operations from a phone: each decided once, all in one transaction (reliability §2.2)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, feed
from dispatch.access.model import Device
from dispatch.access.rules import Principal
from dispatch.crashpoints import crashpoint
from dispatch.sync import refusals
from dispatch.sync.clock_repair import DeviceClock
from dispatch.sync.deciding import Decider, TooBold, heard
from dispatch.sync.envelope import Incoming, read_batch
from dispatch.sync.locking import hold
from dispatch.sync.model import DeviceEpoch, Operation
from dispatch.sync.protocol import MARKER, MARKER_VALUE, SCHEMA
from dispatch.sync.reuse import refuse
from dispatch.work_orders.queries import visits_ever_held

HOLD_FOR = timedelta(hours=72)
"""How long an operation waits for an earlier one before it is decided without it."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """The receipts in the order of the request, and how far each installation is decided without a gap."""

    receipts: Sequence[str]
    acked_seq: Mapping[str, int]
    server_time: datetime

    @property
    def text(self) -> str:
        """The answer's body; receipts are put in as they are stored, byte for byte."""
        head = {
            MARKER: MARKER_VALUE,
            "schema": SCHEMA,
            "server_time": self.server_time.isoformat(),
            "acked_seq": dict(self.acked_seq),
        }
        return f'{json.dumps(head)[:-1]}, "receipts": [{",".join(self.receipts)}]}}'


def device_scope(device_id: uuid.UUID | None) -> str:
    """Return the scope key of what concerns one device alone: how far its operations are acknowledged."""
    return f"device:{device_id}"


def push(
    session: Session,
    *,
    by: Principal,
    batch: Mapping[str, Any],
    company_currency: str,
    admitted_at: datetime | None = None,
) -> Pushed:
    """
    Decide the operations of a batch, in the order of their seq, each by itself: a refused one leaves nothing.

    Nothing is decided unless the caller's transaction commits. An operation that was decided before gets its
    stored receipt again. ``admitted_at`` is when a revoked phone handed the batch over that is admitted now.
    """
    if admitted_at is None:
        require_device(session, by, hold=True)
    operations = read_batch(batch.get("ops"))
    given = batch.get("clock")
    device_clock = DeviceClock.read(given if isinstance(given, Mapping) else {})
    now = admitted_at or clock.now()
    epochs = _lock_epochs(session, by, {operation.install_epoch for operation in operations})
    hold(session, by, [(one, heard(one, device=device_clock, now=now)[0].moment) for one in operations])
    named = {operation.visit_id for operation in operations if operation.visit_id is not None}
    visits = visits_ever_held(session, by, sorted(named)) if named else {}
    answers, fresh = _sort_out(session, by, operations)
    for name in sorted({operation.install_epoch for operation in operations}):
        mine = [op for op in fresh if op.install_epoch == name]
        decider_of = partial(
            Decider,
            session,
            by,
            epochs[name],
            device_clock=device_clock,
            now=now,
            company_currency=company_currency,
            visits=visits,
        )
        answers |= _decide_quickly(session, by, decider_of, mine, waits=admitted_at is None)
    crashpoint("sync.push.before_commit")
    db.after_commit(session, partial(crashpoint, "sync.push.after_commit"))
    receipts = [answers[_identity(operation)] for operation in operations]
    return Pushed(receipts, {name: epochs[name].acked_seq for name in sorted(epochs)}, now)


def require_device(session: Session, by: Principal, *, hold: bool = False) -> None:
    """Refuse callers without a registered phone; held, a revocation waits for this transaction or wins."""
    if by.device_id is None or by.technician_id is None:
        raise refusals.DeviceNeeded("this login is not bound to a phone")
    statement = select(Device.revoked_at).where(Device.id == by.device_id)
    if session.scalars(statement.with_for_update(read=True) if hold else statement).one() is not None:
        raise refusals.DeviceRevoked("this phone was revoked")


def acknowledged(session: Session, by: Principal) -> dict[str, int]:
    """Return how far the operations of each installation of a phone are decided without a gap."""
    statement = select(DeviceEpoch.install_epoch, DeviceEpoch.acked_seq)
    rows = session.execute(statement.where(DeviceEpoch.device_id == by.device_id).order_by("install_epoch"))
    return {epoch: acked for epoch, acked in rows}  # noqa: C416 - rows are no pairs for the type checker


def _lock_epochs(session: Session, by: Principal, names: set[str]) -> dict[str, DeviceEpoch]:
    """
    Return every installation of the phone, those named included.

    Two pushes of one phone wait for each other, so that each operation is decided once.
    """
    found = _locked_epochs(session, by)
    if missing := sorted(names - found.keys()):
        rows = [{"device_id": by.device_id, "install_epoch": name, "acked_seq": 0} for name in missing]
        session.execute(insert(DeviceEpoch).values(rows).on_conflict_do_nothing())
        found = _locked_epochs(session, by)
    return found


def _locked_epochs(session: Session, by: Principal) -> dict[str, DeviceEpoch]:
    statement = select(DeviceEpoch).filter_by(device_id=by.device_id).order_by(DeviceEpoch.install_epoch)
    locked = statement.with_for_update().execution_options(populate_existing=True)
    return {epoch.install_epoch: epoch for epoch in session.scalars(locked)}


Identity = tuple[uuid.UUID, str]


def _identity(operation: Incoming) -> Identity:
    return operation.op_id, operation.sha256


def _sort_out(
    session: Session, by: Principal, operations: Sequence[Incoming]
) -> tuple[dict[Identity, str], list[Incoming]]:
    """Return receipts of what was seen before or contradicts it, and the operations that are new."""
    known, taken = _seen_before(session, by, operations)
    answers: dict[Identity, str] = {}
    fresh: list[Incoming] = []
    for operation in operations:
        stored = known.get(operation.op_id)
        if stored is not None:
            answers[_identity(operation)] = _again(session, by, operation, stored)
            continue
        place = (operation.install_epoch, operation.seq)
        if taken.setdefault(place, operation.op_id) != operation.op_id:
            answers[_identity(operation)] = refuse(session, by, operation, refusals.SeqReuse)
            continue
        known[operation.op_id] = _Seen(operation.sha256, by.technician_id, None)
        fresh.append(operation)
    return answers, fresh


@dataclass(frozen=True, slots=True)
class _Seen:
    sha256: str
    technician_id: uuid.UUID | None
    receipt: str | None


def _seen_before(
    session: Session, by: Principal, operations: Sequence[Incoming]
) -> tuple[dict[uuid.UUID, _Seen], dict[tuple[str, int], uuid.UUID]]:
    """Return what is known under the same ids, and the ids that hold the same places of this phone."""
    ids = {operation.op_id for operation in operations}
    is_here = (
        (Operation.device_id == by.device_id)
        & Operation.install_epoch.in_({operation.install_epoch for operation in operations})
        & Operation.seq.in_({operation.seq for operation in operations})
    )
    statement = (
        select(
            Operation.op_id,
            Operation.body_sha256,
            Device.technician_id,
            Operation.receipt,
            Operation.device_id,
            Operation.install_epoch,
            Operation.seq,
        )
        .join(Device, Device.id == Operation.device_id)
        .where(Operation.op_id.in_(ids) | is_here)
    )
    rows = session.execute(statement).all()
    known = {row.op_id: _Seen(*row[1:4]) for row in rows if row.op_id in ids}
    taken = {(row.install_epoch, row.seq): row.op_id for row in rows if row.device_id == by.device_id}
    return known, taken


def _again(session: Session, by: Principal, operation: Incoming, stored: _Seen) -> str:
    if stored.sha256 == operation.sha256 and stored.technician_id == by.technician_id:
        return stored.receipt or ""
    return refuse(session, by, operation, refusals.IdReuse)


def _decide_quickly(
    session: Session,
    by: Principal,
    decider_of: Callable[..., Decider],
    fresh: Sequence[Incoming],
    *,
    waits: bool,
) -> dict[Identity, str]:
    """Decide several operations in one savepoint; if one is refused, all again, each in its own."""
    if len(fresh) > 1:
        try:
            with session.begin_nested():
                return _decide(session, by, decider_of(is_bold=True), fresh, waits=waits)
        except TooBold:
            session.expire_all()
    return _decide(session, by, decider_of(), fresh, waits=waits)


def _decide(
    session: Session, by: Principal, decider: Decider, fresh: Sequence[Incoming], *, waits: bool
) -> dict[Identity, str]:
    """
    Decide new and waiting operations of one installation as far as their seq has no gap.

    What is admitted of a revoked phone does not wait for what may never come.
    """
    epoch, acked = decider.epoch, decider.epoch.acked_seq
    waiting = {row.seq: row for row in decider.held()}
    arrived = {operation.seq: operation for operation in fresh}
    answers: dict[Identity, str] = {}
    for seq in sorted({*waiting, *arrived}):
        is_late = not waits or (seq in waiting and waiting[seq].received_at <= decider.now - HOLD_FOR)
        is_forced = seq > acked + 1 and is_late
        is_due = seq <= acked + 1 or is_forced
        if seq in waiting:
            if is_due:
                row = waiting[seq]
                answers[row.op_id, row.body_sha256] = decider.decide_held(row, is_forced=is_forced)
        elif is_due:
            answers[_identity(arrived[seq])] = decider.decide(arrived[seq], is_forced=is_forced)
        else:
            answers[_identity(arrived[seq])] = decider.hold(arrived[seq], acked + 1)
        if is_due:
            acked = max(acked, seq)
            crashpoint("sync.push.decided")
    if acked > epoch.acked_seq:
        epoch.acked_seq = acked
        feed.announce(session, device_scope(by.device_id), "ack", epoch.install_epoch, version=acked)
    decider.store()
    return answers
