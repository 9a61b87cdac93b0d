"""Messages to customers as the office reads them (R-801)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Whole, Word
from api.resource import Resource
from api.schemas import PageArgs, Schema, page_of
from api.session import current_session
from dispatch.messages import queries

resource = Resource("messages", description="Messages to customers and how their delivery went.")

MESSAGE_STATES = ("queued", "sending", "sent", "unknown", "failed", "suppressed")


class MessageShape(Schema):
    """A message in its final form, and how its delivery went."""

    id = Id(required=True)
    customer_id = Id(required=True, allow_none=True)
    work_order_id = Id(required=True, allow_none=True)
    template = fields.String(required=True)
    language = fields.String(required=True)
    channel = fields.String(required=True)
    address = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    state = Word(MESSAGE_STATES, required=True)
    written_at = Moment(required=True)
    attempts = Whole(required=True)
    sent_at = Moment(required=True, allow_none=True)


class MessageArgs(PageArgs):
    """Which order's."""

    work_order_id = Id(load_default=None)


MessagePage = page_of(MessageShape)


@resource.get("/messages")
@policy(*roles.READERS)
@resource.arguments(MessageArgs, location="query")
@resource.response(200, MessagePage)
def list_messages(args: dict[str, Any]) -> object:
    """Messages, newest first."""
    return queries.messages(current_session(), current_principal(), **args)
