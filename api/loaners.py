"""Loaner units, and what is lent to whom (R-402)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Flag, Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Money, Schema, list_of
from api.session import current_session
from dispatch.loaners import commands, queries
from dispatch.loaners.rules import LOAN_STATES, UNIT_STATES
from dispatch.territories.queries import find_territory
from dispatch.work_orders.queries import find_order

resource = Resource("loaners", description="Units that stand in for equipment under repair.")


class LoanerUnitShape(Schema):
    """A unit that may be lent; the charge is before tax, for a unit that never comes back."""

    id = Id(required=True)
    version = Whole(required=True)
    territory_id = Id(required=True)
    product_kind = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True)
    charge = Money(minor="charge_minor", required=True)
    state = Word(UNIT_STATES, required=True)


class NewLoanerUnit(Schema):
    """A unit of a territory."""

    product_kind = Text(64, required=True)
    model = Text(required=True)
    serial = Text(64, required=True)
    charge = Money(required=True)


class LoanerUnitChanges(Schema):
    """What may change of a unit that is not with a customer."""

    model = Text()
    charge = Money()
    is_retired = Flag()


class LoanShape(Schema):
    """
    A loan.

    ``wanted`` while no unit is free; bringing and fetching are orders of their own; after ``due_back_at`` the
    unit is charged.
    """

    id = Id(required=True)
    version = Whole(required=True)
    work_order_id = Id(required=True)
    unit_id = Id(required=True, allow_none=True)
    state = Word(LOAN_STATES, required=True)
    delivery_order_id = Id(required=True, allow_none=True)
    pickup_order_id = Id(required=True, allow_none=True)
    wanted_at = Moment(required=True)
    delivered_at = Moment(required=True, allow_none=True)
    due_back_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)
    settlement_id = Id(required=True, allow_none=True)


LoanerUnitList = list_of(LoanerUnitShape)
LoanList = list_of(LoanShape)


@resource.get("/territories/<uuid:territory_id>/loaner-units")
@policy(*roles.READERS)
@resource.response(200, LoanerUnitList)
def list_units(territory_id: uuid.UUID) -> object:
    """Units of a territory and where they are."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": queries.units_of(session, place.id)}


@resource.post("/territories/<uuid:territory_id>/loaner-units")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewLoanerUnit)
@resource.response(201, LoanerUnitShape)
def add_unit(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Enter a unit that may be lent."""
    session, me = current_session(), current_principal()
    return commands.add_unit(
        session,
        by=me,
        territory=find_territory(session, me, territory_id),
        company_currency=current_settings().currency,
        **body,
    )


@resource.get("/loaner-units/<uuid:unit_id>")
@policy(*roles.READERS)
@resource.response(200, LoanerUnitShape)
def read_unit(unit_id: uuid.UUID) -> object:
    """One unit."""
    return queries.find_unit(current_session(), current_principal(), unit_id)


@resource.patch("/loaner-units/<uuid:unit_id>")
@policy(*roles.JUDGES)
@changes
@resource.arguments(LoanerUnitChanges)
@resource.response(200, LoanerUnitShape)
def change_unit(body: dict[str, Any], unit_id: uuid.UUID) -> object:
    """Rename, price or retire a unit."""
    session, me = current_session(), current_principal()
    unit = queries.find_unit(session, me, unit_id)
    return commands.change_unit(
        session,
        by=me,
        unit=unit,
        changes=body,
        company_currency=current_settings().currency,
        expected_version=expected_version(),
    )


@resource.get("/territories/<uuid:territory_id>/loans")
@policy(*roles.READERS)
@resource.response(200, LoanList)
def list_loans(territory_id: uuid.UUID) -> object:
    """Loans that have not ended, the oldest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": queries.running_loans(session, place.id)}


@resource.get("/work-orders/<uuid:order_id>/loans")
@policy(*roles.READERS)
@resource.response(200, LoanList)
def list_loans_of_order(order_id: uuid.UUID) -> object:
    """Every loan for an order."""
    session = current_session()
    return {"items": queries.loans_of(session, find_order(session, current_principal(), order_id).id)}


@resource.post("/work-orders/<uuid:order_id>/loans")
@policy(*roles.DESK)
@creates
@resource.response(201, LoanShape)
def lend(order_id: uuid.UUID) -> object:
    """Lend a unit before the limit is missed; its delivery becomes an order of its own."""
    session, me = current_session(), current_principal()
    return commands.lend(session, by=me, order=find_order(session, me, order_id))


@resource.get("/loans/<uuid:loan_id>")
@policy(*roles.READERS)
@resource.response(200, LoanShape)
def read_loan(loan_id: uuid.UUID) -> object:
    """One loan."""
    return queries.find_loan(current_session(), current_principal(), loan_id)


@resource.post("/loans/<uuid:loan_id>/return")
@policy(*roles.DESK)
@resource.response(200, LoanShape)
def give_back(loan_id: uuid.UUID) -> object:
    """
    Note that a unit is back, however it came; a pick-up that is still open is called off.

    Of a unit that was charged as lost the charge is withdrawn, or credited where it was invoiced.
    """
    session, me = current_session(), current_principal()
    return commands.give_back(session, loan=queries.find_loan(session, me, loan_id))
