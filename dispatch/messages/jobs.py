"""Message jobs, many at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from dispatch.crashpoints import crashpoint
from dispatch.messages import clocked, commands
from dispatch.messages.channels import Channel, build_channel
from dispatch.outbox import Lease, finishing_together, job_of
from dispatch.settings import Settings


class StillQueued(RuntimeError):
    """The mail server could not be reached; the run is tried again later."""


def write(leases: Sequence[Lease]) -> None:
    """Write the messages of a batch of events."""
    settings = Settings.from_environment()
    with finishing_together(leases) as session:
        for lease in leases:
            message_id = commands.write(session, event=lease.event or "", ids=lease.ids, settings=settings)
            lease.result = {"message_id": str(message_id) if message_id else None}


def write_clocked(lease: Lease, **_: str) -> None:
    """Write what the clock asks for now: invitations, announcements, confirmations (R-304, R-307)."""
    settings = Settings.from_environment()
    with lease.finishing() as session:
        lease.result = {"written": clocked.write_due(session, settings)}


def send(leases: Sequence[Lease]) -> None:
    """
    Deliver messages one by one.

    The attempt is recorded before the channel is asked, the outcome afterwards; a kill in between leaves that
    one message ``unknown``. A channel that stays in the house needs no such care: all go in one transaction.
    """
    channel = build_channel(Settings.from_environment())
    if not channel.leaves_the_house:
        _note_all(channel, leases)
        return
    for lease in leases:
        try:
            _send_one(channel, lease)
        except Exception as error:  # noqa: BLE001 - stored with this run; the others are sent all the same
            lease.error = error


def _note_all(channel: Channel, leases: Sequence[Lease]) -> None:
    with finishing_together(leases) as session:
        for lease in leases:
            message = commands.claim(session, uuid.UUID(lease.ids["message_id"]))
            if message is not None:
                commands.note_outcome(session, message.id, commands.deliver(channel, message))


def _send_one(channel: Channel, lease: Lease) -> None:
    with lease.step() as session:
        message = commands.claim(session, uuid.UUID(lease.ids["message_id"]))
    if message is None:
        with lease.finishing():
            return
    crashpoint("send.before_delivery")
    is_last = lease.attempt >= job_of(lease.kind).max_attempts
    outcome = commands.deliver(channel, message, is_last_attempt=is_last)
    crashpoint("send.after_delivery")
    if outcome["state"] == "queued":
        with lease.step() as session:
            commands.note_outcome(session, message.id, outcome)
        raise StillQueued("the mail server took nothing; the message is tried again")
    with lease.finishing() as session:
        commands.note_outcome(session, message.id, outcome)
        lease.result = {"state": outcome["state"]}
