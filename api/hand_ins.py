"""The day-end hand-in of sheets, money and van stock (R-603)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.fields import Day, Id, Moment, Notes, Text, Whole, Word
from api.idempotency import creates
from api.papers import LanguageArgs, file_answer, serves
from api.resource import Resource
from api.schemas import Counts, ListOf, Money, PageArgs, QuerySchema, Schema, page_of
from api.session import current_session
from dispatch.hand_ins import commands, queries, rules
from dispatch.money import METHODS
from dispatch.technicians.queries import find_technician

resource = Resource("hand_ins", description="What technicians hand in at the end of a day.")


class CountedMoney(Schema):
    """Money of one method as the cashier counted it."""

    method = Word(METHODS, required=True)
    amount = Money(required=True)


class NewHandIn(Schema):
    """What was handed in; every sheet that is missing needs a reason."""

    day = Day(required=True)
    sheets = ListOf(Text(64), required=True)
    reasons = fields.Dict(keys=Text(64), values=Text(500), load_default=dict)
    money = ListOf(fields.Nested(CountedMoney), 20, load_default=list)
    stock = Counts(200, allow_none=True, load_default=None)
    note = Notes(2000, load_default="")


class MoneyRowShape(Schema):
    """Money of one method: expected, counted, and the difference booked to the keeper."""

    method = fields.String(required=True)
    currency = fields.String(required=True)
    expected_minor = Whole(required=True)
    counted_minor = Whole(required=True)
    difference_minor = Whole(required=True)


class StockRowShape(Schema):
    """Pieces of one part on the van: expected, counted, difference."""

    sku = fields.String(required=True)
    expected = Whole(required=True)
    counted = Whole(required=True)
    difference = Whole(required=True)


class MissingSheetShape(Schema):
    """A sheet that was not handed in, and why."""

    sheet = fields.String(required=True)
    reason = fields.String(required=True)


class HandInShape(Schema):
    """One technician's day, closed."""

    id = Id(required=True)
    technician_id = Id(required=True)
    day = Day(required=True)
    handed_in_at = Moment(required=True)
    received_by = Id(required=True, allow_none=True)
    sheets_expected = fields.List(fields.String(), required=True)
    sheets_missing = fields.List(fields.Nested(MissingSheetShape), required=True)
    money = fields.List(fields.Nested(MoneyRowShape), required=True)
    stock = fields.List(fields.Nested(StockRowShape), required=True)
    note = fields.String(required=True)


class ExpectedShape(Schema):
    """What a technician owes for a day: sheets, money in minor units by method, pieces by part."""

    sheets = fields.List(fields.String(), required=True)
    currency = fields.String(required=True)
    money_minor = Counts(required=True)
    stock = Counts(required=True)


class HandInArgs(PageArgs):
    """Which day."""

    day = Day(load_default=None)


class ExpectedArgs(QuerySchema):
    """Which day."""

    day = Day(required=True)


HandInPage = page_of(HandInShape)


@resource.get("/hand-ins")
@policy(*roles.LOG_READERS)
@resource.arguments(HandInArgs, location="query")
@resource.response(200, HandInPage)
def list_hand_ins(args: dict[str, Any]) -> object:
    """Hand-ins, newest first; technicians see their own."""
    return queries.hand_ins(current_session(), current_principal(), **args)


@resource.get("/hand-ins/<uuid:hand_in_id>")
@policy(*roles.LOG_READERS)
@resource.response(200, HandInShape)
def read_hand_in(hand_in_id: uuid.UUID) -> object:
    """One hand-in."""
    return queries.find_hand_in(current_session(), current_principal(), hand_in_id)


@resource.get("/hand-ins/<uuid:hand_in_id>/sheet.pdf")
@policy(*roles.LOG_READERS)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_sheet(args: dict[str, Any], hand_in_id: uuid.UUID) -> Response:
    """The hand-in sheet, to be signed by technician and cashier."""
    from dispatch.hand_ins import papers

    session, me, settings = current_session(), current_principal(), current_settings()
    found = queries.find_hand_in(session, me, hand_in_id)
    content = papers.hand_in_sheet(session, found, args["language"] or settings.language, settings)
    return file_answer(content, name=f"hand-in-{found.day.isoformat()}.pdf")


@resource.get("/technicians/<uuid:technician_id>/hand-ins/expected")
@policy(*roles.LOG_READERS)
@resource.arguments(ExpectedArgs, location="query")
@resource.response(200, ExpectedShape)
def read_expected(args: dict[str, Any], technician_id: uuid.UUID) -> object:
    """What a technician owes for a day."""
    session, me = current_session(), current_principal()
    due = queries.expected(session, find_technician(session, me, technician_id), args["day"])
    return {
        "sheets": due.sheets,
        "currency": current_settings().currency,
        "money_minor": due.money_minor,
        "stock": due.stock,
    }


@resource.post("/technicians/<uuid:technician_id>/hand-ins")
@policy(*roles.CASHIERS)
@creates
@resource.arguments(NewHandIn)
@resource.response(201, HandInShape)
def receive_hand_in(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Receive a technician's day: sheets complete or explained, money and stock counted."""
    session, me, currency = current_session(), current_principal(), current_settings().currency
    return commands.hand_in(
        session,
        by=me,
        technician=find_technician(session, me, technician_id),
        day=body["day"],
        sheets=body["sheets"],
        reasons=body["reasons"],
        counted_minor=rules.counted_by_method([(m["method"], m["amount"]) for m in body["money"]], currency),
        currency=currency,
        counted_stock=body["stock"],
        note=body["note"],
    )
