"""Customers who ask when we come (R-105)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Notes, Text, Whole, Word
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


class NewChaserAnswer(Schema):
    """What the customer was told."""

    told = Text(500, required=True)


class ChaserShape(Schema):
    """
    One time that a customer asked; from the second on it is the supervisor's.

    ``promise_id`` is the newest window that the customer was promised between asking and the answer.
    """

    id = Id(required=True)
    work_order_id = Id(required=True)
    ordinal = Whole(required=True)
    channel = fields.String(required=True)
    note = fields.String(required=True)
    is_escalated = Flag(required=True)
    recorded_by = Id(required=True, allow_none=True)
    recorded_at = Moment(required=True)
    taken_by = Id(required=True, allow_none=True)
    taken_at = Moment(required=True, allow_none=True)
    answered_by = Id(required=True, allow_none=True)
    answered_at = Moment(required=True, allow_none=True)
    told = fields.String(required=True)
    promise_id = Id(required=True, allow_none=True)


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
    """Chasers of unfinished orders that nobody has answered, those of the supervisor first."""
    session, me = current_session(), current_principal()
    return {"items": chasing.open_chasers(session, find_territory(session, me, territory_id).id)}


@resource.post("/chasers/<uuid:chaser_id>/taking")
@policy(*roles.INTAKE)
@creates
@resource.response(201, ChaserShape)
def take_chaser(chaser_id: uuid.UUID) -> object:
    """Say that one has taken a chaser in hand."""
    session, me = current_session(), current_principal()
    return chasing.take(session, by=me, chaser=chasing.find_chaser(session, me, chaser_id))


@resource.post("/chasers/<uuid:chaser_id>/answer")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewChaserAnswer)
@resource.response(201, ChaserShape)
def answer_chaser(body: dict[str, Any], chaser_id: uuid.UUID) -> object:
    """Write down what the customer was told; the times they asked before are answered with it."""
    session, me = current_session(), current_principal()
    return chasing.answer(session, by=me, chaser=chasing.find_chaser(session, me, chaser_id), **body)
