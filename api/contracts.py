"""Contracts: what they cover, how fast they oblige us, and when care is due (R-401, R-402, R-406)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Text, Whole, Word
from api.house_rules import HouseRuleChanges
from api.idempotency import creates
from api.resource import Resource
from api.schemas import ListOf, PageArgs, QuerySchema, Schema, list_of, page_of
from api.session import current_session
from dispatch.contracts import commands, queries
from dispatch.contracts.commands import MOST_MINUTES, PAUSES, Terms
from dispatch.customers.queries import find_asset_of, find_customer

resource = Resource("contracts", description="Coverage and service levels of customers.")


class ContractShape(Schema):
    """Coverage and service level of a customer, for one asset or for all of them."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    customer_id = Id(required=True)
    asset_id = Id(required=True, allow_none=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)
    covers_labour = Flag(required=True)
    covers_parts = Flag(required=True)
    covers_travel = Flag(required=True)
    response_minutes = Whole(required=True, allow_none=True)
    resolution_minutes = Whole(required=True, allow_none=True)
    calendar_id = Id(required=True, allow_none=True)
    pauses_for = fields.List(fields.String(), required=True)
    inspection_every_months = Whole(required=True, allow_none=True)
    next_inspection_due_on = Day(required=True, allow_none=True)
    house_rules = fields.Dict(required=True)


class TermsShape(Schema):
    """What is agreed."""

    covers_labour = Flag(load_default=True)
    covers_parts = Flag(load_default=False)
    covers_travel = Flag(load_default=True)
    response_minutes = Whole(1, MOST_MINUTES, allow_none=True, load_default=None)
    resolution_minutes = Whole(1, MOST_MINUTES, allow_none=True, load_default=None)
    calendar_id = Id(allow_none=True, load_default=None)
    pauses_for = ListOf(Word(PAUSES), 2, load_default=lambda: ["customer"])
    inspection_every_months = Whole(1, 120, allow_none=True, load_default=None)


class NewContract(TermsShape):
    """A contract with a customer; without an asset it covers all of them."""

    number = Text(64, required=True)
    customer_id = Id(required=True)
    asset_id = Id(allow_none=True, load_default=None)
    valid_from = Day(required=True)
    valid_until = Day(required=True)


class ContractChanges(Schema):
    """What may change from now on; due times of running orders stay as they were told."""

    valid_until = Day()
    covers_labour = Flag()
    covers_parts = Flag()
    covers_travel = Flag()
    response_minutes = Whole(1, MOST_MINUTES, allow_none=True)
    resolution_minutes = Whole(1, MOST_MINUTES, allow_none=True)
    calendar_id = Id(allow_none=True)
    pauses_for = ListOf(Word(PAUSES), 2)
    inspection_every_months = Whole(1, 120, allow_none=True)
    next_inspection_due_on = Day(allow_none=True)
    house_rules = fields.Nested(HouseRuleChanges)


class ContractArgs(PageArgs):
    """Whose contracts."""

    customer_id = Id(load_default=None)


class DueArgs(QuerySchema):
    """Up to which day."""

    until = Day(required=True)


class NewInspection(Schema):
    """The day on which an inspection was done."""

    on = Day(required=True)


ContractPage = page_of(ContractShape)
ContractList = list_of(ContractShape)


@resource.get("/contracts")
@policy(*roles.READERS)
@resource.arguments(ContractArgs, location="query")
@resource.response(200, ContractPage)
def list_contracts(args: dict[str, Any]) -> object:
    """Contracts, newest first."""
    return queries.list_contracts(current_session(), current_principal(), **args)


@resource.post("/contracts")
@policy(*roles.CONTRACTORS)
@creates
@resource.arguments(NewContract)
@resource.response(201, ContractShape)
def create_contract(body: dict[str, Any]) -> object:
    """Agree on coverage and speed for one asset, or for all of a customer's."""
    session, me = current_session(), current_principal()
    customer = find_customer(session, me, body.pop("customer_id"))
    if body["asset_id"] is not None:
        find_asset_of(session, me, customer, body["asset_id"])
    terms = Terms(**{name: body.pop(name) for name in TermsShape().fields})
    return commands.create_contract(session, by=me, customer_id=customer.id, terms=terms, **body)


@resource.get("/contracts/inspections-due")
@policy(*roles.READERS)
@resource.arguments(DueArgs, location="query")
@resource.response(200, ContractList)
def list_inspections_due(args: dict[str, Any]) -> object:
    """Contracts in force whose inspection is due up to a day, most overdue first (R-406)."""
    return {"items": queries.inspections_due(current_session(), current_principal(), args["until"])}


@resource.get("/contracts/<uuid:contract_id>")
@policy(*roles.READERS)
@resource.response(200, ContractShape)
def read_contract(contract_id: uuid.UUID) -> object:
    """One contract."""
    return queries.find_contract(current_session(), current_principal(), contract_id)


@resource.patch("/contracts/<uuid:contract_id>")
@policy(*roles.CONTRACTORS)
@changes
@resource.arguments(ContractChanges)
@resource.response(200, ContractShape)
def change_contract(body: dict[str, Any], contract_id: uuid.UUID) -> object:
    """Change what is agreed from now on."""
    session, me = current_session(), current_principal()
    contract = queries.find_contract(session, me, contract_id)
    return commands.update_contract(
        session, by=me, contract=contract, changes=body, expected_version=expected_version()
    )


@resource.post("/contracts/<uuid:contract_id>/inspections")
@policy(*roles.INSPECTORS)
@changes
@resource.arguments(NewInspection)
@resource.response(200, ContractShape)
def mark_inspected(body: dict[str, Any], contract_id: uuid.UUID) -> object:
    """Note that an inspection was done; the next one is due a whole interval after it (R-406)."""
    session, me = current_session(), current_principal()
    contract = queries.find_contract(session, me, contract_id)
    return commands.mark_inspected(
        session, by=me, contract=contract, expected_version=expected_version(), **body
    )
