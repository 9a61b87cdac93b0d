"""Repair calls: registration, read-back, estimate, assessment (R-101 to R-104, R-201 to R-204)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.config import current_settings
from api.customer_contacts import NewContact
from api.etags import changes, expected_version
from api.fields import Choice, Day, Flag, Id, Moment, Notes, Real, Text, Whole, Word
from api.idempotency import creates
from api.past_orders import BackgroundShape
from api.resource import Resource
from api.schemas import Counts, Joined, ListOf, Money, PageArgs, Schema, Window, page_of
from api.session import current_session
from dispatch import travel
from dispatch.calls import answering, commands, estimating, queries
from dispatch.calls.background import background
from dispatch.calls.rules import CHANNELS, RESOLUTIONS, Judgement, Told
from dispatch.customers.rules import KINDS, LANGUAGES, Caller, Equipment, Person, Place
from dispatch.intake.answering import answer_clocks
from dispatch.money import Money as Amount
from dispatch.territories.queries import find_territory
from dispatch.work_orders.rules import FaultClass, OrderKind

resource = Resource("calls", description="Repair calls and the supervisor's assessment.")

STATES = ("registered", "assessed", "closed_remotely", "cancelled")
FAULT_CLASSES = [word.value for word in FaultClass]
ORDER_KINDS = [word.value for word in OrderKind]


class CallerShape(Schema):
    """Who is calling; a file is opened at once for somebody unknown."""

    name = Text(required=True)
    phone = Text(64, allow_none=True, load_default=None)
    email = Text(254, allow_none=True, load_default=None)
    kind = Word(KINDS, load_default="person")
    language = Word(LANGUAGES, load_default="en")
    needs_home_service = Flag(load_default=False)


class PlaceShape(Schema):
    """
    Where it is; without a position the address is looked up.

    One that is not found may be entered all the same: ``approximate``, in the middle of its street or town,
    or of the territory named.
    """

    address = Text(300, required=True)
    latitude = Real(-90, 90, allow_none=True, load_default=None)
    longitude = Real(-180, 180, allow_none=True, load_default=None)
    approximate = Flag(load_default=False)
    territory_id = Id(allow_none=True, load_default=None)
    parking_minutes = Whole(0, 240, load_default=0)
    access_minutes = Whole(0, 240, load_default=0)
    access_notes = Notes(2000, load_default="")
    safety_notes = Notes(2000, load_default="")


class EquipmentShape(Schema):
    """What is broken, with the days that decide warranty."""

    product_kind = Text(64, required=True)
    model = Text(required=True)
    serial = Text(64, allow_none=True, load_default=None)
    purchased_on = Day(allow_none=True, load_default=None)
    accepted_on = Day(allow_none=True, load_default=None)
    maker_warranty_until = Day(allow_none=True, load_default=None)


class NewCall(Schema):
    """
    Who asks, where, for what, since when. Name what is known by id, describe what is not.

    ``customer_reference`` is the customer's own order number.
    """

    channel = Word(CHANNELS, required=True)
    requested_at = Moment(required=True)
    answered_at = Moment(allow_none=True, load_default=None)
    template = Text(64, required=True)
    description = Notes(load_default="")
    demand = Notes(load_default="")
    customer_id = Id(allow_none=True, load_default=None)
    caller = fields.Nested(CallerShape, allow_none=True, load_default=None)
    site_id = Id(allow_none=True, load_default=None)
    place = fields.Nested(PlaceShape, allow_none=True, load_default=None)
    asset_id = Id(allow_none=True, load_default=None)
    equipment = fields.Nested(EquipmentShape, allow_none=True, load_default=None)
    contact_id = Id(allow_none=True, load_default=None)
    contact = fields.Nested(NewContact, allow_none=True, load_default=None)
    customer_reference = Text(64, allow_none=True, load_default=None)
    priority = Whole(1, 5, allow_none=True, load_default=None)
    allow_duplicate = Flag(load_default=False)


class CallShape(Schema):
    """A repair call."""

    id = Id(required=True)
    version = Whole(required=True)
    number = Text(required=True)
    channel = Text(required=True)
    requested_at = Moment(required=True)
    received_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    customer_id = Id(required=True)
    site_id = Id(required=True)
    asset_id = Id(required=True, allow_none=True)
    contact_id = Id(required=True, allow_none=True)
    customer_reference = fields.String(required=True, allow_none=True)
    territory_id = Id(required=True)
    template = Text(required=True, attribute="template_code")
    description = fields.String(required=True)
    demand = fields.String(required=True)
    priority = Whole(required=True)
    state = Word(STATES, required=True)
    taken_by = Id(required=True, allow_none=True)


class AnswerClockShape(Schema):
    """
    The answer to a call, or to an inquiry that has become none.

    ``unknown`` where somebody answered and nobody said when.
    """

    call_id = Id(required=True, allow_none=True)
    inquiry_id = Id(required=True, allow_none=True)
    number = fields.String(required=True)
    channel = fields.String(required=True)
    requested_at = Moment(required=True)
    due_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    state = Choice(answering.AnswerState, required=True)


class AnswerClocksShape(Schema):
    """The answers of a day, and how many of those that are decided were in time."""

    kept = Whole(required=True)
    decided = Whole(required=True)
    items = fields.List(fields.Nested(AnswerClockShape), required=True)


class ReadBackShape(Schema):
    """What is read back to the caller: every fact, the window, the price and the time it will take."""

    call_number = fields.String(required=True)
    state = fields.String(required=True)
    customer_name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    contact = fields.String(required=True, allow_none=True)
    customer_reference = fields.String(required=True, allow_none=True)
    address = fields.String(required=True)
    asset = fields.String(required=True, allow_none=True)
    problem_en = fields.String(required=True)
    problem_zh = fields.String(required=True)
    description = fields.String(required=True)
    requested_at = Moment(required=True)
    order_number = fields.String(required=True, allow_none=True)
    window = Window(start="window_start", end="window_end", required=True, allow_none=True)
    repair_minutes = Whole(required=True, allow_none=True)
    done_by = Moment(required=True, allow_none=True)
    labour = Money(required=True, allow_none=True)
    parts = Money(required=True, allow_none=True)
    travel = Money(required=True, allow_none=True)
    total = Money(required=True, allow_none=True)
    guidance_en = fields.String(required=True, allow_none=True)
    guidance_zh = fields.String(required=True, allow_none=True)


class AssessmentShape(Schema):
    """The supervisor's judgement, as it was made."""

    id = Id(required=True)
    call_id = Id(required=True)
    assessed_at = Moment(required=True)
    resolution = Word(RESOLUTIONS, required=True)
    fault_class = fields.String(required=True)
    kind = fields.String(required=True)
    fault_code = fields.String(required=True)
    skills = Counts(required=True)
    certificates = fields.List(fields.String(), required=True)
    parts = Counts(required=True)
    crew_size = Whole(required=True)
    duration_minutes = Whole(required=True)
    priority = Whole(required=True)
    estimate_labour = Money(minor="estimate_labour_minor", required=True)
    estimate_parts = Money(minor="estimate_parts_minor", required=True)
    estimate_travel = Money(minor="estimate_travel_minor", required=True)
    told_to_customer_at = Moment(required=True, allow_none=True)
    is_accepted_by_customer = Flag(required=True)
    article_code = fields.String(required=True, allow_none=True)
    work_order_id = Id(required=True, allow_none=True)
    visit_id = Id(required=True, allow_none=True)


class RegisteredCallShape(CallShape):
    """A call as it was registered, and what is known of asset and customer."""

    background = fields.Nested(BackgroundShape, required=True)


class CallFileShape(RegisteredCallShape):
    """A call with what is read back as well."""

    read_back = fields.Nested(ReadBackShape, required=True)


class EstimateShape(Schema):
    """The price to be told, before tax."""

    duration_minutes = Whole(required=True)
    labour = Money(required=True)
    parts = Money(required=True)
    travel = Money(required=True)
    total = Money(required=True)


class ToldShape(Schema):
    """The price as it was told, when, and whether the customer agreed; without parts: list prices."""

    labour = Money(required=True)
    travel = Money(required=True)
    parts = Money(allow_none=True, load_default=None)
    told_at = Moment(allow_none=True, load_default=None)
    is_accepted = Flag(load_default=False)


class JudgementShape(Schema):
    """What the supervisor decides beyond the template; what is left out stays as the template says."""

    fault_class = Word(FAULT_CLASSES, allow_none=True)
    kind = Word(ORDER_KINDS, allow_none=True)
    fault_code = Text(64, allow_none=True)
    skills = Counts(allow_none=True)
    certificates = ListOf(Text(64), 20, allow_none=True)
    parts = Counts(allow_none=True)
    crew_size = Whole(1, 4, allow_none=True)
    duration_minutes = Whole(1, 1440, allow_none=True)
    priority = Whole(1, 5, allow_none=True)
    required_technician_id = Id(allow_none=True)
    overrule_reason = Text(500, allow_none=True)
    refused_part_lots = ListOf(Text(64), 50)
    article = Text(64, allow_none=True)


class NewAssessment(Schema):
    """Guidance closes the call; a visit needs the price told and accepted."""

    resolution = Word(RESOLUTIONS, load_default="visit")
    told = fields.Nested(ToldShape, allow_none=True, load_default=None)
    judgement = fields.Nested(JudgementShape, allow_none=True, load_default=None)


class CallArgs(PageArgs):
    """Which calls."""

    state = Word(STATES, load_default=None)
    customer_id = Id(load_default=None)


CallPage = page_of(CallShape)


@resource.get("/calls")
@policy(*roles.READERS)
@resource.arguments(CallArgs, location="query")
@resource.response(200, CallPage)
def list_calls(args: dict[str, Any]) -> object:
    """Calls, newest first."""
    return queries.list_calls(current_session(), current_principal(), **args)


@resource.post("/calls")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewCall)
@resource.response(201, RegisteredCallShape)
def register_call(body: dict[str, Any]) -> object:
    """Register a call; customer, site and asset are found or made on the way, and what is known is told."""
    caller, place, equipment = body.pop("caller"), body.pop("place"), body.pop("equipment")
    contact = body.pop("contact")
    session, me = current_session(), current_principal()
    call = commands.register(
        session,
        by=me,
        template_code=body.pop("template"),
        caller=Caller(**caller) if caller else None,
        place=Place(**place) if place else None,
        equipment=Equipment(**equipment) if equipment else None,
        contact=Person(**contact) if contact else None,
        geocoder=travel.addresses(),
        **body,
    )
    return Joined(call, background=background(session, me, call))


@resource.get("/calls/<uuid:call_id>")
@policy(*roles.READERS)
@resource.response(200, CallFileShape)
def read_call(call_id: uuid.UUID) -> object:
    """One call, with every fact that is read back to the caller."""
    session, me = current_session(), current_principal()
    call = queries.find_call(session, me, call_id)
    return Joined(
        call,
        read_back=queries.read_back(session, me, call_id),
        background=background(session, me, call),
    )


@resource.get("/calls/<uuid:call_id>/estimate")
@policy(*roles.INTAKE)
@resource.response(200, EstimateShape)
def read_estimate(call_id: uuid.UUID) -> object:
    """Labour, parts and travel by template and tariff, to be told to the customer."""
    session = current_session()
    return estimating.estimate(session, queries.find_call(session, current_principal(), call_id))


@resource.get("/calls/<uuid:call_id>/assessment")
@policy(*roles.READERS)
@resource.response(200, AssessmentShape)
def read_assessment(call_id: uuid.UUID) -> object:
    """The supervisor's judgement of a call."""
    return _with_visit(queries.assessment_of(current_session(), current_principal(), call_id))


@resource.post("/calls/<uuid:call_id>/assessment")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewAssessment)
@resource.response(201, AssessmentShape)
def assess_call(body: dict[str, Any], call_id: uuid.UUID) -> object:
    """Judge a call once: guidance, or a work order with its first visit."""
    session, me, settings = current_session(), current_principal(), current_settings()
    nothing = Amount(0, settings.currency)
    judgement = body["judgement"] or {}
    if judgement.get("certificates") is not None:
        judgement["certificates"] = tuple(judgement["certificates"])
    judged = commands.assess(
        session,
        by=me,
        call=queries.find_call(session, me, call_id),
        told=Told(**body["told"]) if body["told"] else Told(labour=nothing, parts=nothing, travel=nothing),
        company_currency=settings.currency,
        resolution=body["resolution"],
        judgement=Judgement(**judgement),
    )
    return _with_visit(judged)


@resource.post("/calls/<uuid:call_id>/answer")
@policy(*roles.INTAKE)
@creates
@resource.response(201, CallShape)
def answer_call(call_id: uuid.UUID) -> object:
    """Say that somebody answered a call that came in writing (R-102)."""
    session, me = current_session(), current_principal()
    return answering.answer(session, by=me, call=queries.find_call(session, me, call_id))


@resource.get(DAY_ADDRESS + "/answer-clocks", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, AnswerClocksShape)
def read_answer_clocks(territory_id: uuid.UUID, day: str) -> object:
    """How soon everybody who asked on a day was answered."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return answer_clocks(session, place.id, day_in_address(day))


@resource.post("/calls/<uuid:call_id>/cancel")
@policy(*roles.INTAKE)
@changes
@resource.response(200, CallShape)
def cancel_call(call_id: uuid.UUID) -> object:
    """Call a call off before it was assessed."""
    session, me = current_session(), current_principal()
    call = queries.find_call(session, me, call_id)
    return commands.cancel(session, by=me, call=call, expected_version=expected_version())


def _with_visit(judged: Any) -> Joined:
    visit = queries.first_visit_of(current_session(), judged)
    return Joined(judged, visit_id=visit.id if visit else None)
