"""Arrival windows: offered by inserting the visit into the plan, promised once (R-303, R-309)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Moment, Real, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.revealing import shown_visit, told_visit
from api.schemas import Joined, QuerySchema, Schema, Window, list_of
from api.session import current_session
from api.visit_shapes import VisitShape
from dispatch.messages.queries import told_of
from dispatch.planning import commands
from dispatch.planning.rules import OfferPolicy
from dispatch.promises import linking, naming, queries
from dispatch.promises.naming import RELEASE_REASONS
from dispatch.promises.rules import CHANNELS
from dispatch.technicians.queries import find_technician
from dispatch.work_orders.queries import find_visit

resource = Resource("promises", description="Arrival windows offered and promised.")


class OffersArgs(QuerySchema):
    """Which days, from today on without ``first_day``; and whom the customer asks for by name."""

    named_technician_id = Id(load_default=None)
    first_day = Day(load_default=None)
    days = Whole(1, 14, load_default=3)
    limit = Whole(1, 50, load_default=12)


class PriceShape(Schema):
    """What a window costs the plan in minor units: driving, overtime, and what it does to others."""

    travel_minor = Whole(required=True)
    overtime_minor = Whole(required=True)
    displacement_minor = Whole(required=True)


class OfferShape(Schema):
    """
    A window that the plan can hold, with its price to the plan in minor units.

    ``chance`` is the probability of arriving by its end, ``load`` the part of its working time that is taken,
    ``along`` who goes along with the technician, where it takes a crew.
    """

    day = Day(required=True)
    window = Window(start="start", end="end", required=True)
    cost_minor = Whole(required=True)
    price = fields.Nested(PriceShape, required=True)
    chance = Real(0, 1, required=True)
    fullness = Real(0, 1, required=True, attribute="load", data_key="load")
    technician_id = Id(required=True)
    along = fields.List(Id(), required=True)
    expected_start = Moment(required=True)
    slack_seconds = Whole(required=True)
    meets_response = Flag(required=True)
    meets_resolution = Flag(required=True)
    plan_version = Whole(required=True)


class RefusalShape(Schema):
    """Why one technician, or nobody at all, can take the visit on a day."""

    day = Day(required=True)
    technician_id = Id(required=True, allow_none=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class HiddenShape(Schema):
    """A window that is not offered, and why."""

    day = Day(required=True)
    window = Window(start="start", end="end", required=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class OffersShape(Schema):
    """Windows that can be promised, the best first; hidden ones; and why nobody can when there are none."""

    windows = fields.List(fields.Nested(OfferShape), required=True)
    hidden = fields.List(fields.Nested(HiddenShape), required=True)
    refusals = fields.List(fields.Nested(RefusalShape), required=True)


class NewPromise(Schema):
    """
    The window the customer chose, how it was told, why there is a new one, and the hold it uses up.

    ``named_technician_id`` is whom the customer asks for by name, as a reservation may.
    """

    window = Window(required=True)
    hold_id = Id(allow_none=True, load_default=None)
    named_technician_id = Id(allow_none=True, load_default=None)
    channel = Word(CHANNELS, required=True)
    reason = Text(load_default="first")


class PromiseShape(Schema):
    """A window told once; never changed."""

    id = Id(required=True)
    visit_id = Id(required=True)
    ordinal = Whole(required=True)
    window = Window(start="window_start", end="window_end", required=True)
    promised_by = Id(required=True, allow_none=True)
    promised_at = Moment(required=True)
    channel = fields.String(required=True)
    slot_cost_minor = Whole(required=True)
    reason = fields.String(required=True)
    is_reservation = Flag(required=True)
    named_technician_id = Id(required=True, allow_none=True)


class NameRelease(Schema):
    """Why somebody else may come than the technician who was promised by name."""

    reason = Word(RELEASE_REASONS, required=True)


class CustomerAnswerShape(Schema):
    """What a customer said by the link in a message: ``confirmed``, ``moved`` or ``cancelled``."""

    promise_id = Id(required=True)
    kind = fields.String(required=True)
    note = fields.String(required=True)
    recorded_at = Moment(required=True)


class ToldMessageShape(Schema):
    """One message to the customer about a promise: which one, and how its delivery went."""

    id = Id(required=True)
    template = fields.String(required=True)
    channel = fields.String(required=True)
    state = fields.String(required=True)
    written_at = Moment(required=True)
    sent_at = Moment(required=True, allow_none=True)


class LedgerShape(PromiseShape):
    """A promise with what its customer was told about it, the oldest message first."""

    told = fields.List(fields.Nested(ToldMessageShape), required=True)


PromiseList = list_of(LedgerShape)
CustomerAnswerList = list_of(CustomerAnswerShape)


@resource.get("/visits/<uuid:visit_id>/offers")
@policy(*roles.INTAKE)
@resource.arguments(OffersArgs, location="query")
@resource.response(200, OffersShape)
def read_offers(args: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Windows that some technician can keep, found by inserting the visit into each day's plan."""
    session, me = current_session(), current_principal()
    visit = find_visit(session, me, visit_id)
    if args["named_technician_id"]:
        find_technician(session, me, args["named_technician_id"])
    return commands.offer(session, visit, policy=OfferPolicy.of(current_settings()), **args)


@resource.post("/visits/<uuid:visit_id>/promise")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewPromise)
@resource.response(201, PromiseShape)
def promise_window(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Promise a window; when somebody took it meanwhile, 409 SLOT_GONE with fresh ones under cause."""
    session, me = current_session(), current_principal()
    start, end = body.pop("window")
    visit = find_visit(session, me, visit_id)
    if body["named_technician_id"]:
        find_technician(session, me, body["named_technician_id"])
    return commands.book(session, by=me, visit=visit, start=start, end=end, **body)


@resource.post("/visits/<uuid:visit_id>/release-technician")
@policy(*roles.DESK)
@changes
@resource.arguments(NameRelease)
@resource.response(200, VisitShape)
def release_technician(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Give up the technician who was promised by name; the window stays, and the customer is told (R-306)."""
    session, me = current_session(), current_principal()
    visit = find_visit(session, me, visit_id)
    return naming.release(session, by=me, visit=visit, expected_version=expected_version(), **body)


@resource.get("/visits/<uuid:visit_id>/promises")
@policy(*roles.ALL)
@resource.response(200, PromiseList)
def list_promises(visit_id: uuid.UUID) -> object:
    """Every window told for a visit, the first one first, with what its customer was written (R-309)."""
    visit, session = told_visit(visit_id, "promises_read"), current_session()
    promises = queries.ledger(session, current_principal(), visit.id)
    told = told_of(session, visit, promises)
    return {"items": [Joined(promise, told=told.get(promise.id, [])) for promise in promises]}


@resource.get("/visits/<uuid:visit_id>/customer-answers")
@policy(*roles.ALL)
@resource.response(200, CustomerAnswerList)
def list_customer_answers(visit_id: uuid.UUID) -> object:
    """What the customer said about a visit by the link in a message, the oldest first."""
    visit = shown_visit(visit_id, "customer_answers_read")
    return {"items": linking.answers_of(current_session(), visit)}
