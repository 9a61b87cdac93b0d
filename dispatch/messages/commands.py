"""Writing messages and delivering them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.messages.channels import Channel, DeliveryRefused, Outgoing
from dispatch.messages.facts import Draft, draft
from dispatch.messages.model import Message
from dispatch.messages.templates import TEMPLATES
from dispatch.settings import Settings

MOST_ATTEMPTS = 5


def write(session: Session, *, event: str, ids: dict[str, str], settings: Settings) -> uuid.UUID | None:
    """
    Write the message of an event in its final form and ask for its delivery.

    Returns its id, or None when nobody is to be told or the message exists already.
    """
    found = draft(session, event, ids)
    if found is None:
        return None
    written = session.execute(
        insert(Message)
        .values(**_columns(found, settings))
        .on_conflict_do_nothing(index_elements=[Message.key])
        .returning(Message.id, Message.state)
    ).one_or_none()
    if written is None:
        return None
    if written.state == "queued":
        outbox.request(
            session,
            "messages.send",
            key=f"messages.send:{written.id}",
            payload={"message_id": str(written.id)},
        )
    message_id: uuid.UUID = written.id
    return message_id


def _columns(found: Draft, settings: Settings) -> dict[str, object]:
    customer = found.customer
    words = TEMPLATES[found.template][customer.language].fill(
        {**found.values, "company": settings.company_name}
    )
    address = customer.email or ""
    return {
        "key": found.key,
        "customer_id": customer.id,
        "work_order_id": found.work_order_id,
        "template": found.template,
        "language": customer.language,
        "channel": "email",
        "address": address,
        "subject": words.subject,
        "body": words.body,
        "state": "queued" if address else "suppressed",
        "written_at": clock.now(),
        "attempts": 0,
    }


def claim(session: Session, message_ids: Sequence[uuid.UUID]) -> list[Message]:
    """
    Mark queued messages as being sent, before the outside world hears of them.

    A message found in ``sending`` was interrupted: nobody knows whether it left, so it becomes ``unknown``
    and is never repeated blindly.
    """
    session.execute(
        update(Message)
        .where(Message.id.in_(message_ids), Message.state == "sending")
        .values(state="unknown", error="interrupted while sending")
    )
    statement = select(Message).where(Message.id.in_(message_ids), Message.state == "queued")
    messages = list(session.scalars(statement.order_by(Message.id).with_for_update(skip_locked=True)))
    for message in messages:
        message.state, message.attempts = "sending", message.attempts + 1
        message.attempted_at = clock.now()
    return messages


def deliver(channel: Channel, message: Message) -> dict[str, object]:
    """Hand one message to the channel and return what the row will say."""
    outgoing = Outgoing(message.key, message.address, message.subject, message.body, message.language)
    try:
        reference = channel.send(outgoing)
    except DeliveryRefused as error:
        return {"state": "failed", "error": error.message[:1000]}
    except ConnectionRefusedError as error:
        state = "queued" if message.attempts < MOST_ATTEMPTS else "failed"
        return {"state": state, "error": repr(error)[:1000]}
    except OSError as error:
        return {"state": "unknown", "error": repr(error)[:1000]}
    return {"state": "sent", "provider_reference": reference, "sent_at": clock.now(), "error": None}
