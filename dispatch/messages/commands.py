"""Writing messages and delivering them."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.secret import installation_secret
from dispatch.customers.model import CustomerContact
from dispatch.messages.addressing import addressed
from dispatch.messages.channels import Channel, ChannelAway, DeliveryRefused, Outgoing
from dispatch.messages.facts import Draft, draft
from dispatch.messages.model import Message
from dispatch.messages.phrases import CAUTION, house_phone, link, pictures
from dispatch.messages.templates import TEMPLATES
from dispatch.promises import linking
from dispatch.settings import Settings


def write(session: Session, *, event: str, ids: dict[str, str], settings: Settings) -> uuid.UUID | None:
    """
    Write the message of an event in its final form and ask for its delivery.

    Returns its id, or None when nobody is to be told or the message exists already.
    """
    found = draft(session, event, ids)
    return write_draft(session, found, settings) if found is not None else None


def write_draft(session: Session, found: Draft, settings: Settings) -> uuid.UUID | None:
    """
    Write a message in its final form for each who hears of it, and ask for the delivery.

    Returns the id of the first; None if it exists already.
    """
    written = [
        _write(session, _columns(told, contact, settings)) for told, contact in addressed(session, found)
    ]
    return written[0]


def _write(session: Session, columns: dict[str, object]) -> uuid.UUID | None:
    written = session.execute(
        insert(Message)
        .values(**columns)
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


def _columns(found: Draft, contact: CustomerContact | None, settings: Settings) -> dict[str, object]:
    customer = found.customer
    language = customer.language
    house = {
        "company": settings.company_name,
        "contact": house_phone(settings.company_phone, language),
        "caution": CAUTION[language],
        "link": link(_address(found, settings), language),
        "pictures": pictures(_pictures(found, settings), language),
    }
    told = {"name": contact.name} if contact is not None else {}
    words = TEMPLATES[found.template][language].fill({**found.values, **house, **told})
    address = (contact.email if contact is not None else customer.email) or ""
    return {
        "key": found.key,
        "customer_id": customer.id,
        "work_order_id": found.work_order_id,
        "template": found.template,
        "language": language,
        "channel": "email",
        "address": address,
        "subject": words.subject,
        "body": words.body,
        "state": "queued" if address else "suppressed",
        "written_at": clock.now(),
        "attempts": 0,
    }


def _pictures(found: Draft, settings: Settings) -> list[str]:
    """Return the whole addresses of a message's pictures; none where the house has no address."""
    house = settings.public_url.rstrip("/")
    return [f"{house}{picture}" for picture in found.pictures] if house else []


def _address(found: Draft, settings: Settings) -> str:
    """Return the address of the customer's link to the visit, where there is one."""
    if not settings.public_url or found.visit_id is None:
        return ""
    key = linking.signing_key(installation_secret(settings))
    token = linking.write(found.visit_id, key=key, now=clock.now())
    return f"{settings.public_url.rstrip('/')}/v/{token}"


def claim(session: Session, message_id: uuid.UUID) -> Message | None:
    """
    Mark a queued message as being sent, before the outside world hears of it; None if it is not queued.

    A message found in ``sending`` was interrupted: nobody knows whether it left, so it becomes ``unknown``
    and is never repeated blindly.
    """
    statement = select(Message).where(Message.id == message_id).with_for_update()
    message = session.scalars(statement).one()
    if message.state == "sending":
        message.state, message.error = "unknown", "interrupted while sending"
    if message.state != "queued":
        return None
    message.state, message.attempts = "sending", message.attempts + 1
    message.attempted_at = clock.now()
    return message


def deliver(channel: Channel, message: Message, *, is_last_attempt: bool = False) -> dict[str, object]:
    """Hand one message to the channel and return what the row will say; never raises."""
    outgoing = Outgoing(message.key, message.address, message.subject, message.body, message.language)
    try:
        reference = channel.send(outgoing)
    except DeliveryRefused as error:
        return {"state": "failed", "error": error.message[:1000]}
    except ChannelAway as error:
        return {"state": "failed" if is_last_attempt else "queued", "error": error.message[:1000]}
    except Exception as error:  # noqa: BLE001 - whatever it was, the mail may be on its way
        return {"state": "unknown", "error": repr(error)[:1000]}
    return {"state": "sent", "provider_reference": reference, "sent_at": clock.now(), "error": None}


def note_outcome(session: Session, message_id: uuid.UUID, outcome: dict[str, object]) -> None:
    """Keep how a delivery went."""
    session.execute(update(Message).where(Message.id == message_id).values(**outcome))
