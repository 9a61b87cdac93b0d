"""Message jobs, many at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import update

from dispatch import db
from dispatch.messages import commands
from dispatch.messages.channels import build_channel
from dispatch.messages.model import Message
from dispatch.outbox import Lease, finishing_together
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


def send(leases: Sequence[Lease]) -> None:
    """
    Deliver a batch of messages.

    The attempt is recorded before the channel is asked, the outcome afterwards; a kill in between leaves the
    message ``unknown``.
    """
    channel = build_channel(Settings.from_environment())
    by_message = {uuid.UUID(lease.ids["message_id"]): lease for lease in leases}
    with db.transaction() as session:
        messages = commands.claim(session, list(by_message))
    waiting = set()
    outcomes = {}
    for message in messages:
        outcomes[message.id] = commands.deliver(channel, message)
        if outcomes[message.id]["state"] == "queued":
            waiting.add(message.id)
    with db.transaction() as session:
        for message_id in waiting:
            session.execute(update(Message).where(Message.id == message_id).values(**outcomes[message_id]))
    finished = [lease for message_id, lease in by_message.items() if message_id not in waiting]
    with finishing_together(finished) as session:
        for message_id, outcome in outcomes.items():
            if message_id not in waiting:
                session.execute(update(Message).where(Message.id == message_id).values(**outcome))
    for message_id in waiting:
        by_message[message_id].error = StillQueued("the mail server could not be reached")
