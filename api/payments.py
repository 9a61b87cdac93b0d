"""Money received, and the prices that hold from a day on."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.fields import Day, Exact, Fraction, Id, Moment, ProvisionalNumber, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Money, PageArgs, Schema, list_of, page_of
from api.session import current_session
from dispatch.access.rules import Role
from dispatch.billing import commands, queries
from dispatch.money import METHODS
from dispatch.technicians.queries import find_technician
from dispatch.work_orders.queries import find_order

resource = Resource("payments", description="Money received, and tariffs.")


class NewPayment(Schema):
    """How much was received, how, and when; a technician's own payments name the technician by themselves."""

    method = Word(METHODS, required=True)
    amount = Money(required=True)
    received_at = Moment(required=True)
    reference = Text(allow_none=True, load_default=None)
    technician_id = Id(allow_none=True, load_default=None)


class PaymentShape(Schema):
    """Money received, with the receipt's number."""

    id = Id(required=True)
    work_order_id = Id(required=True)
    method = Word(METHODS, required=True)
    amount = Money(minor="amount_minor", required=True)
    reference = fields.String(required=True, allow_none=True)
    receipt_number = fields.String(required=True)
    provisional_number = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of the receipt that a phone gave before it had contact."},
    )
    technician_id = Id(required=True, allow_none=True, attribute="collected_by_technician_id")
    received_at = Moment(required=True)
    recorded_at = Moment(required=True)


class PaymentArgs(PageArgs):
    """Which payments; a disputed one is found by the number of the receipt that the phone gave."""

    provisional_number = ProvisionalNumber(load_default=None)


class NewTariff(Schema):
    """Prices that hold from a day on."""

    code = Text(64, required=True)
    valid_from = Day(required=True)
    labour_per_hour = Money(required=True)
    travel_fee = Money(required=True)
    tax_rate = Fraction(required=True)
    payment_days = Whole(0, 365, load_default=14)
    minimum_minutes = Whole(0, 480, load_default=30)
    increment_minutes = Whole(1, 240, load_default=15)
    warranty_days = Whole(0, 36_500, load_default=1095)
    estimate_tolerance_percent = Whole(0, 100, load_default=10)


class TariffShape(Schema):
    """Prices of labour and travel from a day on."""

    code = fields.String(required=True)
    valid_from = Day(required=True)
    labour_per_hour = Money(minor="labour_per_hour_minor", required=True)
    travel_fee = Money(minor="travel_fee_minor", required=True)
    tax_rate = Exact(required=True)
    minimum_minutes = Whole(required=True)
    increment_minutes = Whole(required=True)
    payment_days = Whole(required=True)
    warranty_days = Whole(required=True)
    estimate_tolerance_percent = Whole(required=True)


PaymentPage = page_of(PaymentShape)
TariffList = list_of(TariffShape)


@resource.get("/payments")
@policy(*roles.MONEY)
@resource.arguments(PaymentArgs, location="query")
@resource.response(200, PaymentPage)
def list_payments(args: dict[str, Any]) -> object:
    """Payments, newest first."""
    return queries.payments(current_session(), current_principal(), **args)


@resource.get("/work-orders/<uuid:order_id>/payments")
@policy(*roles.COLLECTORS)
@resource.arguments(PageArgs, location="query")
@resource.response(200, PaymentPage)
def list_payments_of_order(args: dict[str, Any], order_id: uuid.UUID) -> object:
    """Payments of one work order, newest first."""
    session, me = current_session(), current_principal()
    return queries.payments(session, me, work_order_id=find_order(session, me, order_id).id, **args)


@resource.post("/work-orders/<uuid:order_id>/payments")
@policy(*roles.COLLECTORS)
@creates
@resource.arguments(NewPayment)
@resource.response(201, PaymentShape)
def record_payment(body: dict[str, Any], order_id: uuid.UUID) -> object:
    """Record money received; the receipt's number is in the answer."""
    session, me = current_session(), current_principal()
    collector = me.technician_id if me.role is Role.TECHNICIAN else body["technician_id"]
    if collector is not None:
        find_technician(session, me, collector)
    order = find_order(session, me, order_id)
    return commands.record_payment(session, by=me, order=order, **body | {"technician_id": collector})


@resource.get("/tariffs")
@policy(*roles.READERS)
@resource.response(200, TariffList)
def list_tariffs() -> object:
    """Every tariff, oldest first."""
    return {"items": queries.tariffs(current_session())}


@resource.post("/tariffs")
@policy(*roles.MONEY)
@creates
@resource.arguments(NewTariff)
@resource.response(201, TariffShape)
def add_tariff(body: dict[str, Any]) -> object:
    """Add the prices that hold from a day on; tariffs are followed by newer ones, never edited."""
    return commands.add_tariff(
        current_session(), by=current_principal(), company_currency=current_settings().currency, **body
    )
