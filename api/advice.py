"""Advised work that waits, the company's code lists, and what solved a fault before (R-505, R-509, R-510)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Text, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.customers.queries import find_customer
from dispatch.work_orders import advising, coding, commands

resource = Resource("advice", description="Advised work, code lists, and what solved a fault before.")


class AdviceShape(Schema):
    """Work that was advised and not done; dangers first."""

    id = Id(required=True)
    visit_id = Id(required=True)
    site_id = Id(required=True)
    asset_id = Id(required=True, allow_none=True)
    words = fields.String(required=True)
    is_danger = Flag(required=True)
    state = fields.String(required=True)
    advised_at = Moment(required=True)
    settled_at = Moment(required=True, allow_none=True)
    settled_visit_id = Id(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)


class AdviceSettlement(Schema):
    """It was done, or the customer does not want it."""

    result = Word((advising.DONE, advising.DECLINED), required=True)
    note = Text(500, allow_none=True, load_default=None)


class ServiceCodeShape(Schema):
    """A word of the lists of faults, causes and actions."""

    kind = Word(coding.KINDS, required=True)
    code = Text(64, required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    is_active = Flag(load_default=True)


class ServiceCodeArgs(QuerySchema):
    """Which codes."""

    only_active = Flag(load_default=True)


class SolutionArgs(QuerySchema):
    """Which equipment comes first."""

    product_kind = Text(64, load_default="")
    model = Text(load_default="")


class SolutionShape(Schema):
    """What solved a fault once, and the fault did not come back as a repeat."""

    product_kind = fields.String(required=True)
    model = fields.String(required=True)
    fault = fields.String(required=True)
    cause = fields.String(required=True)
    action = fields.String(required=True)
    cause_code = fields.String(required=True, allow_none=True)
    action_code = fields.String(required=True, allow_none=True)
    solved_at = Moment(required=True)


AdviceList = list_of(AdviceShape)
ServiceCodeList = list_of(ServiceCodeShape)
SolutionList = list_of(SolutionShape)


@resource.get("/customers/<uuid:customer_id>/advised-work")
@policy(*roles.READERS)
@resource.response(200, AdviceList)
def list_advice(customer_id: uuid.UUID) -> object:
    """Work advised and not done at a customer's sites (R-103, R-505)."""
    session, me = current_session(), current_principal()
    customer = find_customer(session, me, customer_id)
    return {"items": advising.advice_of_customer(session, me, customer.id)}


@resource.post("/advised-work/<uuid:advice_id>/settlement")
@policy(*roles.INTAKE)
@resource.arguments(AdviceSettlement)
@resource.response(200, AdviceShape)
def settle_advice(body: dict[str, Any], advice_id: uuid.UUID) -> object:
    """Note that advised work was done, or that the customer does not want it."""
    session, me = current_session(), current_principal()
    advice = advising.find_advice(session, me, advice_id)
    return commands.settle_advice(session, by=me, advice=advice, **body)


@resource.get("/service-codes")
@policy(*roles.ALL)
@resource.arguments(ServiceCodeArgs, location="query")
@resource.response(200, ServiceCodeList)
def list_service_codes(args: dict[str, Any]) -> object:
    """The company's words for faults, causes and actions."""
    return {"items": coding.service_codes(current_session(), **args)}


@resource.post("/service-codes")
@policy(*roles.JUDGES)
@creates
@resource.arguments(ServiceCodeShape)
@resource.response(201, ServiceCodeShape)
def write_service_code(body: dict[str, Any]) -> object:
    """Put a word into a list, change its titles, or retire it."""
    return commands.write_service_code(current_session(), by=current_principal(), **body)


@resource.get("/fault-codes/<string:code>/solutions")
@policy(*roles.ALL)
@resource.arguments(SolutionArgs, location="query")
@resource.response(200, SolutionList)
def list_solutions(args: dict[str, Any], code: str) -> object:
    """What solved a fault before, equipment of the same model first (R-510)."""
    return {"items": coding.solutions(current_session(), fault_code=code, **args)}
