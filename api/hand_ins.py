"""The day-end hand-in of sheets, money and van stock (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Moment, Notes, Text, Whole, Word
from api.idempotency import creates
from api.papers import LanguageArgs, file_answer, serves
from api.resource import Resource
from api.schemas import Counts, Joined, ListOf, Money, PageArgs, QuerySchema, Schema, list_of, page_of
from api.session import current_session
from dispatch.access.rules import Role
from dispatch.hand_ins import commands, queries, receiving, rules
from dispatch.money import METHODS
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory
from dispatch.text import MOST_STROKES

resource = Resource("hand_ins", description="What technicians hand in at the end of a day.")


class CountedMoney(Schema):
    """Money of one method as it was counted."""

    method = Word(METHODS, required=True)
    amount = Money(required=True)


class NewVoucher(Schema):
    """A receipt for what the technician paid on the way, from the cash collected."""

    number = Text(64, required=True)
    kind = Word(rules.VOUCHERS, required=True)
    amount = Money(required=True)


class DrawnSignature(Schema):
    """The technician's signature at the counter, under the count as it is sent."""

    name = Text(200, required=True)
    path = Notes(MOST_STROKES, required=True, metadata={"description": "SVG path data."})


class CountShape(Schema):
    """
    What the cashier counted.

    ``reasons`` by payment method and part number: every difference needs one, or the note tells of all.
    ``missing``: sheets and vouchers the cashier did not find, with the reason.
    """

    money = ListOf(fields.Nested(CountedMoney), 20, load_default=list)
    stock = Counts(200, allow_none=True, load_default=None)
    missing = fields.Dict(keys=Text(64), values=Text(500), load_default=dict)
    difference_reasons = fields.Dict(keys=Text(64), values=Text(200), load_default=dict)
    note = Notes(2000, load_default="")
    signature_path = Notes(
        MOST_STROKES, allow_none=True, load_default=None, metadata={"description": "The cashier's, SVG."}
    )
    technician_signature = fields.Nested(DrawnSignature, allow_none=True, load_default=None)


class NewHandIn(CountShape):
    """What was handed in at the counter; every sheet that is missing needs a reason."""

    day = Day(required=True)
    sheets = ListOf(Text(64), required=True)
    reasons = fields.Dict(keys=Text(64), values=Text(500), load_default=dict)
    vouchers = ListOf(fields.Nested(NewVoucher), 100, load_default=list)


class Decision(Schema):
    """Whose count stands, and why."""

    stands = Word(rules.STANDS, required=True)
    reason = Text(500, required=True)


class MoneyRowShape(Schema):
    """Money of one method: expected after vouchers, counted, and the difference booked to the keeper."""

    method = fields.String(required=True)
    currency = fields.String(required=True)
    expected_minor = Whole(required=True)
    counted_minor = Whole(required=True)
    difference_minor = Whole(required=True)
    vouchers_minor = Whole(
        dump_default=0, metadata={"description": "What vouchers have lowered the expectation by."}
    )


class ReceivedMoneyShape(MoneyRowShape):
    """The cashier's count beside the technician's."""

    handed_minor = Whole(required=True)
    reason = fields.String(required=True)


class StockRowShape(Schema):
    """Pieces of one part on the van: expected, counted, difference."""

    sku = fields.String(required=True)
    expected = Whole(required=True)
    counted = Whole(required=True)
    difference = Whole(required=True)


class ReceivedStockShape(StockRowShape):
    """The cashier's count beside the technician's, which is null for a part the technician did not count."""

    handed = Whole(required=True, allow_none=True)
    reason = fields.String(required=True)


class MissingSheetShape(Schema):
    """A sheet that was not handed in, and why."""

    sheet = fields.String(required=True)
    reason = fields.String(required=True)


class MissingPaperShape(Schema):
    """A sheet or voucher that the cashier did not find, and why."""

    number = fields.String(required=True)
    reason = fields.String(required=True)


class VoucherShape(Schema):
    """A receipt, in minor units of the company's currency."""

    number = fields.String(required=True)
    kind = Word(rules.VOUCHERS, required=True)
    amount_minor = Whole(required=True)


class ReceiptShape(Schema):
    """The cashier's count; ``shown_sha256`` of ``shown`` is what the technician signs."""

    received_by = Id(required=True)
    received_at = Moment(required=True)
    money = fields.List(fields.Nested(ReceivedMoneyShape), required=True)
    stock = fields.List(fields.Nested(ReceivedStockShape), required=True)
    missing = fields.List(fields.Nested(MissingPaperShape), required=True)
    note = fields.String(required=True)
    signed_by_name = fields.String(required=True)
    shown = fields.String(required=True)
    shown_sha256 = fields.String(required=True)


class HandInWordShape(Schema):
    """What was said about the cashier's count."""

    kind = fields.String(required=True)
    said_by = Id(required=True, allow_none=True)
    said_at = Moment(required=True)
    stands = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    signed_by_name = fields.String(required=True, allow_none=True)


class HandInShape(Schema):
    """
    One technician's day, or what came later as a supplement, with both sides.

    ``handed_in`` waits for the cashier, ``received`` for the technician, ``disputed`` for a supervisor;
    ``closed`` is booked.
    """

    id = Id(required=True)
    version = Whole(required=True)
    technician_id = Id(required=True)
    day = Day(required=True)
    supplement = Whole(required=True)
    state = Word(rules.STATES, required=True)
    handed_in_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    received_by = Id(required=True, allow_none=True)
    sheets_expected = fields.List(fields.String(), required=True)
    sheets_missing = fields.List(fields.Nested(MissingSheetShape), required=True)
    vouchers = fields.List(fields.Nested(VoucherShape), required=True)
    money = fields.List(fields.Nested(MoneyRowShape), required=True)
    stock = fields.List(fields.Nested(StockRowShape), required=True)
    van_uncounted = fields.List(
        fields.String(), required=True, metadata={"description": "Parts of the van that nobody counted."}
    )
    van_reason = fields.String(required=True)
    note = fields.String(required=True)
    signed_by_name = fields.String(required=True, allow_none=True)
    shown_sha256 = fields.String(required=True, allow_none=True)
    receipt = fields.Nested(ReceiptShape, required=True, allow_none=True)
    words = fields.List(fields.Nested(HandInWordShape), required=True)


class ExpectedShape(Schema):
    """What a technician owes for a day: sheets, money in minor units by method, pieces by part."""

    sheets = fields.List(fields.String(), required=True)
    currency = fields.String(required=True)
    money_minor = Counts(required=True)
    stock = Counts(required=True)


class OwedShape(Schema):
    """A day that is not handed in, or what came after it was."""

    technician_id = Id(required=True)
    day = Day(required=True)
    is_supplement = Flag(required=True)
    sheets = fields.List(fields.String(), required=True)
    money_minor = Counts(required=True)


class HandInArgs(PageArgs):
    """Which day."""

    day = Day(load_default=None)


class ExpectedArgs(QuerySchema):
    """Which day."""

    day = Day(required=True)


HandInPage = page_of(HandInShape)
OwedList = list_of(OwedShape)


@resource.get("/hand-ins")
@policy(*roles.LOG_READERS)
@resource.arguments(HandInArgs, location="query")
@resource.response(200, HandInPage)
def list_hand_ins(args: dict[str, Any]) -> object:
    """Hand-ins, newest first; technicians see their own."""
    found = queries.hand_ins(current_session(), current_principal(), **args)
    return {"items": _shown(found.items), "next_cursor": found.next_cursor}


@resource.get("/hand-ins/<uuid:hand_in_id>")
@policy(*roles.LOG_READERS)
@resource.response(200, HandInShape)
def read_hand_in(hand_in_id: uuid.UUID) -> object:
    """One hand-in."""
    return _shown([queries.find_hand_in(current_session(), current_principal(), hand_in_id)])[0]


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


@resource.get("/technicians/<uuid:technician_id>/hand-ins/owed")
@policy(*roles.LOG_READERS)
@resource.response(200, OwedList)
def list_owed(technician_id: uuid.UUID) -> object:
    """Days that a technician has not handed in, the oldest first, however long ago."""
    session, me = current_session(), current_principal()
    return {"items": queries.owed_by(session, find_technician(session, me, technician_id))}


@resource.get("/territories/<uuid:territory_id>/hand-ins/owed")
@policy(*roles.CASHIERS, Role.SUPERVISOR)
@resource.response(200, OwedList)
def list_owed_of_territory(territory_id: uuid.UUID) -> object:
    """Days that the technicians of a territory have not handed in, the oldest first, however long ago."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": queries.owed_within(session, place.id)}


@resource.post("/technicians/<uuid:technician_id>/hand-ins")
@policy(*roles.CASHIERS)
@creates
@resource.arguments(NewHandIn)
@resource.response(201, HandInShape)
def receive_hand_in(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """
    Receive a day at the counter, both sides at once.

    Without the technician's signature a difference is booked only when the technician accepts it.
    """
    session, me, currency = current_session(), current_principal(), current_settings().currency
    vouchers = [(one["number"], one["kind"], one["amount"]) for one in body["vouchers"]]
    record = commands.hand_in(
        session,
        by=me,
        technician=find_technician(session, me, technician_id),
        day=body["day"],
        sheets=body["sheets"],
        reasons=body["reasons"],
        counted_minor=_counted(body, currency),
        currency=currency,
        counted_stock=body["stock"],
        vouchers=rules.vouchers_of(vouchers, currency),
        note=body["note"],
    )
    return _receive(record, body, currency)


@resource.post("/hand-ins/<uuid:hand_in_id>/receipt")
@policy(*roles.CASHIERS)
@creates
@resource.arguments(CountShape)
@resource.response(201, HandInShape)
def count_again(body: dict[str, Any], hand_in_id: uuid.UUID) -> object:
    """
    Count a hand-in as its cashier.

    It is booked at once where the technician signed the same figures or signs here; else the technician
    accepts or disputes it on the phone.
    """
    record = queries.find_hand_in(current_session(), current_principal(), hand_in_id)
    return _receive(record, body, current_settings().currency)


@resource.post("/hand-ins/<uuid:hand_in_id>/decision")
@policy(*roles.JUDGES)
@changes
@resource.arguments(Decision)
@resource.response(200, HandInShape)
def decide(body: dict[str, Any], hand_in_id: uuid.UUID) -> object:
    """Decide whose count stands where the technician disputes it or does not answer."""
    session, me = current_session(), current_principal()
    record = queries.find_hand_in(session, me, hand_in_id)
    receiving.decide(session, by=me, hand_in=record, expected_version=expected_version(), **body)
    return _shown([record])[0]


def _receive(record: Any, body: dict[str, Any], currency: str) -> object:
    signed = body["technician_signature"]
    receiving.receive(
        current_session(),
        by=current_principal(),
        hand_in=record,
        counted_minor=_counted(body, currency),
        currency=currency,
        counted_stock=body["stock"],
        missing=body["missing"],
        reasons=body["difference_reasons"],
        note=body["note"],
        signature_path=body["signature_path"],
        countersigned=(signed["name"], signed["path"]) if signed else None,
    )
    return _shown([record])[0]


def _counted(body: dict[str, Any], currency: str) -> dict[str, int]:
    return rules.counted_by_method([(one["method"], one["amount"]) for one in body["money"]], currency)


def _shown(records: Iterable[Any]) -> list[Joined]:
    """Hand-ins with the cashier's count and what was said about it."""
    return [
        Joined(one.hand_in, receipt=one.receipt, words=one.words)
        for one in queries.shown(current_session(), records)
    ]
