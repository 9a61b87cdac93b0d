"""Customers who ask when we come (R-105)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Notes, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.promises import chasing
from dispatch.promises.rules import CHANNELS
from dispatch.territories.queries import find_territory
from dispatch.work_orders.queries import find_order

resource = Resource("chasers", description="Customers who ask when somebody comes.")


class NewChaser(Schema):
    """How the customer asked, and what was said."""

    channel = Word(CHANNELS, required=True)
    note = Notes(500, load_default="")


class ChaserShape(Schema):
    """One time that a customer asked; from the second on it is the supervisor's."""

    id = Id(required=True)
    work_order_id = Id(required=True)
    ordinal = Whole(required=True)
    channel = fields.String(required=True)
    note = fields.String(required=True)
    is_escalated = Flag(required=True)
    recorded_by = Id(required=True, allow_none=True)
    recorded_at = Moment(required=True)


ChaserList = list_of(ChaserShape)


@resource.post("/work-orders/<uuid:order_id>/chasers")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewChaser)
@resource.response(201, ChaserShape)
def record_chaser(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Note that the customer asked when somebody comes."""
    session, me = current_session(), current_principal()
    return chasing.record_chaser(session, by=me, order=find_order(session, me, order_id), **body)


@resource.get("/work-orders/<uuid:order_id>/chasers")
@policy(*roles.READERS)
@resource.response(200, ChaserList)
def list_chasers_of_order(order_id: uuid.UUID) -> object:
    """Every time the customer of an order asked."""
    session = current_session()
    order = find_order(session, current_principal(), order_id)
    return {"items": chasing.chasers_of(session, [order.id]).get(order.id, [])}


@resource.get("/territories/<uuid:territory_id>/chasers")
@policy(*roles.READERS)
@resource.response(200, ChaserList)
def list_chasers(territory_id: uuid.UUID) -> object:
    """Chasers of unfinished orders, those of the supervisor first."""
    session, me = current_session(), current_principal()
    return {"items": chasing.open_chasers(session, find_territory(session, me, territory_id).id)}
