"""What customers get for broken promises (R-605, R-802)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Money, QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.promises import compensating
from dispatch.promises.rules import COMPENSATION_STATES
from dispatch.territories.queries import find_territory

resource = Resource("compensations", description="What customers get for broken promises.")


class CompensationShape(Schema):
    """One compensation; ``proposed`` until somebody decides, where it lies beyond the rule's authority."""

    id = Id(required=True)
    promise_id = Id(required=True)
    work_order_id = Id(required=True)
    rule = fields.String(required=True)
    amount = Money(minor="amount_minor", required=True)
    state = Word(COMPENSATION_STATES, required=True)
    created_at = Moment(required=True)
    decided_by = Id(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)


class CompensationArgs(QuerySchema):
    """Which ones."""

    state = Word(COMPENSATION_STATES, load_default=None)


class CompensationDecision(Schema):
    """Whether the customer gets it."""

    decision = Word(compensating.DECISIONS, required=True)


CompensationList = list_of(CompensationShape)


@resource.get("/territories/<uuid:territory_id>/compensations")
@policy(*roles.MONEY_READERS)
@resource.arguments(CompensationArgs, location="query")
@resource.response(200, CompensationList)
def list_compensations(args: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Compensations of a territory, those that wait for a decision first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": compensating.compensations_of(session, place.id, **args)}


@resource.post("/compensations/<uuid:compensation_id>/decision")
@policy(*roles.JUDGES)
@creates
@resource.arguments(CompensationDecision)
@resource.response(201, CompensationShape)
def decide_compensation(body: dict[str, Any], compensation_id: uuid.UUID) -> object:
    """Grant or refuse a compensation beyond the rule's authority, once."""
    session, me = current_session(), current_principal()
    found = compensating.find_compensation(session, me, compensation_id)
    return compensating.decide(session, by=me, found=found, **body)
