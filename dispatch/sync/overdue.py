"""
Operations whose predecessor never came: after 72 hours they are decided without it (reliability §2.2).

A push does so for its own installation; this is for phones that never push again, such as one that was
restored from a backup. What a revoked phone sent before is rejected, so that somebody decides about it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, feed
from dispatch.access.model import Device
from dispatch.access.rules import Principal, Role
from dispatch.sync.clock_repair import DeviceClock
from dispatch.sync.deciding import Decider
from dispatch.sync.locking import hold
from dispatch.sync.model import DeviceEpoch, Operation
from dispatch.sync.protocol import HELD
from dispatch.sync.push import HOLD_FOR, device_scope
from dispatch.sync.refusals import DeviceRevoked


def overdue(session: Session) -> Sequence[tuple[uuid.UUID, str]]:
    """Return installations in which something waits for longer than 72 hours: device and name."""
    waiting = (
        select(Operation.device_id, Operation.install_epoch)
        .where(Operation.state == HELD, Operation.received_at <= clock.now() - HOLD_FOR)
        .distinct()
        .order_by(Operation.device_id, Operation.install_epoch)
    )
    return [(device_id, name) for device_id, name in session.execute(waiting)]


def decide_overdue(session: Session, device_id: uuid.UUID, name: str, *, company_currency: str) -> int:
    """Decide what waits for longer than 72 hours in one installation; return how many operations."""
    device = session.get_one(Device, device_id, with_for_update={"read": True})
    place = (device_id, name)
    epoch = session.get_one(DeviceEpoch, place, with_for_update=True, populate_existing=True)
    by = Principal(device.user_id, Role.TECHNICIAN, frozenset(), device.technician_id, device.id)
    decider = Decider(
        session,
        by,
        epoch,
        device_clock=DeviceClock(None, None, None),
        now=clock.now(),
        company_currency=company_currency,
    )
    hold(session, by, ())
    return _decide(session, decider, is_revoked=device.revoked_at is not None)


def _decide(session: Session, decider: Decider, *, is_revoked: bool) -> int:
    """Decide what is overdue and what follows it without a gap; return how many."""
    epoch, before, decided = decider.epoch, decider.epoch.acked_seq, 0
    rows = sorted(decider.held(), key=lambda row: row.seq)
    for row in rows:
        is_late = row.received_at <= decider.now - HOLD_FOR
        if not is_late and row.seq != epoch.acked_seq + 1:
            continue
        if is_revoked:
            decider.reject_held(row, DeviceRevoked("the phone was revoked while this waited"))
        else:
            decider.decide_held(row, is_forced=row.seq > epoch.acked_seq + 1)
        epoch.acked_seq = max(epoch.acked_seq, row.seq)
        decided += 1
    if epoch.acked_seq > before:
        scope = device_scope(epoch.device_id)
        feed.announce(session, scope, "ack", epoch.install_epoch, version=epoch.acked_seq)
    decider.store()
    return decided
