"""Decides operations of one installation: applies each in a savepoint, and stores what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db
from dispatch.access.rules import Principal
from dispatch.clock import TimeWithoutZone
from dispatch.errors import DispatchError, Stale
from dispatch.sync import receipts, refusals
from dispatch.sync.applying import apply
from dispatch.sync.clock_repair import (
    UNVERIFIED,
    Corrected,
    DeviceClock,
    correct,
    read_moment,
)
from dispatch.sync.conflicts import Applied, Reported
from dispatch.sync.envelope import Incoming
from dispatch.sync.model import DeviceEpoch, Operation, Rejection
from dispatch.sync.protocol import BLOCKING, HELD, NEVER_BLOCKED, REJECTED
from dispatch.sync.receipts import Decision
from dispatch.sync.whereabouts import body_kept
from dispatch.work_orders.model import Visit

log = structlog.get_logger(__name__)

ATTEMPTS = 3


def heard(op: Incoming, *, device: DeviceClock, now: datetime) -> tuple[Corrected, TimeWithoutZone | None]:
    """Return when an operation that arrives now happened, and why that cannot be read."""
    try:
        occurred_at = read_moment(op.body.get("occurred_at"))
    except TimeWithoutZone as why:
        return Corrected(now, UNVERIFIED), why
    return correct(occurred_at, op.body.get("mono_ms"), op.body.get("boot_id"), device=device, now=now), None


class Decider:
    """Decides for one installation of a phone, within the transaction of one push."""

    def __init__(
        self,
        session: Session,
        by: Principal,
        epoch: DeviceEpoch,
        *,
        device_clock: DeviceClock,
        now: datetime,
        company_currency: str,
        visits: Mapping[uuid.UUID, Visit] | None = None,
        is_bold: bool = False,
    ) -> None:
        self.epoch = epoch
        self.now = now
        self._session = session
        self._by = by
        self._clock = device_clock
        self._currency = company_currency
        self._visits = visits or {}
        self._apply = boldly if is_bold else attempt
        self._stored: list[Operation] = []
        self._rejected: list[Rejection] = []
        self._held: list[Operation] = []
        self._blockers: dict[uuid.UUID, list[tuple[int, uuid.UUID]]] = {}
        self._read_open()

    def held(self) -> Sequence[Operation]:
        """The operations that wait for an earlier one."""
        return self._held

    def decide(self, op: Incoming, *, is_forced: bool = False) -> str:
        """Decide an operation that just arrived; return its receipt."""
        at, unreadable = self._when(op)
        decision = self._decision(op, at, unreadable, is_forced=is_forced)
        self._keep(op, at, decision)
        return decision.receipt

    def hold(self, op: Incoming, missing_seq: int) -> str:
        """Keep an operation until the one before it arrives; return its provisional receipt."""
        at, _ = self._when(op)
        decision = receipts.held(op, missing_seq)
        self._keep(op, at, decision)
        return decision.receipt

    def decide_held(self, row: Operation, *, is_forced: bool) -> str:
        """Decide an operation that waited; its time was corrected when it arrived. Return its receipt."""
        op = Incoming(row.op_id, row.install_epoch, row.seq, row.body, row.body_sha256)
        _, unreadable = self._when(op)
        at = Corrected(row.occurred_at, row.clock_quality, heard_at=row.received_at)
        decision = self._decision(op, at, unreadable, is_forced=is_forced)
        self._settle(row, op, decision)
        return decision.receipt

    def reject_held(self, row: Operation, why: DispatchError) -> str:
        """Reject an operation that waited, so that somebody decides about it. Return its receipt."""
        op = Incoming(row.op_id, row.install_epoch, row.seq, row.body, row.body_sha256)
        decision = receipts.rejected(op, why)
        self._settle(row, op, decision)
        return decision.receipt

    def _settle(self, row: Operation, op: Incoming, decision: Decision) -> None:
        row.state, row.receipt, row.body = decision.state, decision.receipt, body_kept(op)
        self._note_rejection(op, decision)

    def store(self) -> None:
        """Write what was decided, all at once; nothing is told to the phone before this."""
        for rows in (self._stored, self._rejected):
            self._session.add_all(rows)
            db.flush(self._session)
            rows.clear()

    def _when(self, op: Incoming) -> tuple[Corrected, TimeWithoutZone | None]:
        return heard(op, device=self._clock, now=self.now)

    def _decision(
        self, op: Incoming, at: Corrected, unreadable: TimeWithoutZone | None, *, is_forced: bool = False
    ) -> Decision:
        if unreadable is not None:
            return receipts.rejected(op, unreadable)
        blocker = self._blocker_of(op)
        if blocker is not None:
            return receipts.rejected(op, refusals.Blocked("an earlier one was rejected"), blocked_by=blocker)
        reported = Reported(self._by, op, at, op.op_id, self._currency, is_forced, self._visits)
        outcome = self._apply(self._session, reported)
        if isinstance(outcome, Applied):
            return receipts.accepted(op, at, outcome)
        return receipts.rejected(op, outcome)

    def _keep(self, op: Incoming, at: Corrected, decision: Decision) -> None:
        try:
            said = read_moment(op.body.get("occurred_at"))
        except TimeWithoutZone:
            said = self.now
        self._stored.append(
            Operation(
                op_id=op.op_id,
                device_id=self.epoch.device_id,
                install_epoch=op.install_epoch,
                seq=op.seq,
                type=op.type,
                schema=op.schema,
                visit_id=op.visit_id,
                body=op.body if decision.state == HELD else body_kept(op),
                body_sha256=op.sha256,
                state=decision.state,
                receipt=decision.receipt,
                occurred_at_device=said,
                occurred_at=at.moment,
                clock_quality=at.quality,
                received_at=self.now,
            )
        )
        self._note_rejection(op, decision)

    def _note_rejection(self, op: Incoming, decision: Decision) -> None:
        if decision.state != REJECTED:
            return
        self._rejected.append(
            Rejection(
                op_id=op.op_id,
                technician_id=self._by.technician_id,
                code=decision.code,
                reason=decision.reason,
                rejected_at=self.now,
            )
        )
        self._block(op.visit_id, op.type, decision.code, (op.seq, op.op_id))

    def _read_open(self) -> None:
        """Read what waits for an earlier one, and by visit what was rejected and nobody decided about yet."""
        is_open = (Rejection.op_id == Operation.op_id) & Rejection.decided_at.is_(None)
        statement = (
            select(Operation, Rejection.code)
            .outerjoin(Rejection, is_open)
            .where(
                Operation.device_id == self.epoch.device_id,
                Operation.install_epoch == self.epoch.install_epoch,
                Operation.state.in_((HELD, REJECTED)),
                (Operation.state == HELD) | Rejection.op_id.is_not(None),
            )
        )
        for row, code in self._session.execute(statement):
            if row.state == HELD:
                self._held.append(row)
            else:
                self._block(row.visit_id, row.type, code, (row.seq, row.op_id))

    def _block(self, visit_id: uuid.UUID | None, kind: str, code: str, place: tuple[int, uuid.UUID]) -> None:
        if visit_id is not None and kind in BLOCKING and code != refusals.Blocked.code:
            self._blockers.setdefault(visit_id, []).append(place)

    def _blocker_of(self, op: Incoming) -> uuid.UUID | None:
        """The first rejected operation of the visit that the phone did not know of when this was recorded."""
        if op.visit_id is None or op.type in NEVER_BLOCKED:
            return None
        known = self._blockers.get(op.visit_id, [])
        return next((op_id for seq, op_id in sorted(known) if op.known_seq < seq < op.seq), None)


class TooBold(Exception):
    """An operation was refused outside a savepoint of its own: all is to be decided again, with care."""


def boldly(session: Session, reported: Reported) -> Applied:
    """Apply an operation without a savepoint, as most need none; the caller holds one for all of them."""
    try:
        applied = apply(session, reported)
        db.flush(session)
    except Exception as error:
        raise TooBold from error
    return applied


def attempt(session: Session, reported: Reported) -> Applied | DispatchError:
    """Apply an operation in a savepoint; return why not, or raise when the database is not able to at all."""
    for _ in range(ATTEMPTS):
        try:
            with session.begin_nested():
                applied = apply(session, reported)
                db.flush(session)
        except Exception as error:
            why = _refusal(error, reported)
            if why.kind == "unavailable":
                raise
            if not isinstance(why, Stale):
                return why
            session.expire_all()
        else:
            return applied
    raise db.Unavailable("another change got in between")


def _refusal(error: Exception, reported: Reported) -> DispatchError:
    found = error if isinstance(error, DispatchError) else db.refusal_of(error)
    if found is not None:
        return found
    log.error("sync_operation_failed", op_type=reported.op.type, op_id=str(reported.op.op_id), exc_info=error)
    return refusals.ServerFault("the server failed at this operation")
