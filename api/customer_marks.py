"""Customers who were away or late (R-302, R-305, R-504)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.customers.queries import find_customer
from dispatch.promises import marking
from dispatch.promises.rules import MARK_KINDS
from dispatch.work_orders.queries import find_visit

resource = Resource("customer_marks", description="Customers who were away or late.")


class NewMark(Schema):
    """What happened; ``minutes_late`` for somebody who was late, beyond the band of the house rules."""

    kind = Word(MARK_KINDS, required=True)
    minutes_late = Whole(1, 1440, allow_none=True, load_default=None)
    reason = Text(500, least=0, load_default="")


class MarkReason(Schema):
    """What the customer says about it."""

    reason = Text(500, required=True)


class MarkShape(Schema):
    """One mark; each kind counts once for a visit."""

    id = Id(required=True)
    customer_id = Id(required=True)
    visit_id = Id(required=True)
    kind = Word(MARK_KINDS, required=True)
    minutes_late = Whole(required=True, allow_none=True)
    reason = fields.String(required=True)
    recorded_by = Id(required=True, allow_none=True)
    recorded_at = Moment(required=True)


MarkList = list_of(MarkShape)


@resource.get("/customers/<uuid:customer_id>/marks")
@policy(*roles.READERS)
@resource.response(200, MarkList)
def list_marks(customer_id: uuid.UUID) -> object:
    """A customer's marks, the newest first."""
    session = current_session()
    return {"items": marking.marks_of(session, find_customer(session, current_principal(), customer_id).id)}


@resource.post("/visits/<uuid:visit_id>/marks")
@policy(*roles.DESK)
@creates
@resource.arguments(NewMark)
@resource.response(201, MarkShape)
def mark_customer(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Mark the customer of a visit; a closed door is marked by itself."""
    session, me = current_session(), current_principal()
    return marking.mark_by_hand(session, by=me, visit=find_visit(session, me, visit_id), **body)


@resource.put("/customer-marks/<uuid:mark_id>/reason")
@policy(*roles.INTAKE)
@resource.arguments(MarkReason)
@resource.response(200, MarkShape)
def explain_mark(body: dict[str, Any], mark_id: uuid.UUID) -> object:
    """Write down the reason that the customer gave."""
    session, me = current_session(), current_principal()
    return marking.explain(session, by=me, found=marking.find_mark(session, me, mark_id), **body)
