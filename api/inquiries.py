"""Inquiries: what came in and waits for somebody to make a call of it (R-101, R-103)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.calls import CallShape, NewCall
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.papers import file_answer, serves
from api.resource import Resource
from api.schemas import PageArgs, Schema, list_of, page_of
from api.session import current_session
from dispatch import travel
from dispatch.calls.rules import CHANNELS
from dispatch.customers.rules import Caller, Equipment, Person, Place
from dispatch.intake import handling, machines
from dispatch.intake.rules import STATES
from dispatch.work_orders.attachments import SUFFIX

resource = Resource("inquiries", description="What came in and is no call yet.")


class InquiryShape(Schema):
    """Something that came in, as it came; ``territory_id`` is empty where nobody can tell where it is."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    channel = Word(CHANNELS, required=True)
    source = fields.String(required=True)
    territory_id = Id(required=True, allow_none=True)
    state = Word(STATES, required=True)
    requested_at = Moment(required=True)
    received_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    address = fields.String(required=True)
    language = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    asset_serial = fields.String(required=True, allow_none=True)
    call_id = Id(required=True, allow_none=True)
    handled_by = Id(required=True, allow_none=True)
    handled_at = Moment(required=True, allow_none=True)
    note = fields.String(required=True)


class InquiryFileShape(Schema):
    """A file that came with it."""

    id = Id(required=True)
    media_type = fields.String(required=True)
    size_bytes = Whole(required=True)
    sha256 = fields.String(required=True)


class InquiryCall(NewCall):
    """What the call is about; channel and moments are those of the inquiry."""

    class Meta(NewCall.Meta):
        exclude = ("channel", "requested_at", "answered_at")


class NewInquiry(Schema):
    """A call at the desk's own telephone, or somebody at the counter, from the first moment on."""

    channel = Word(("phone", "counter", "letter", "message"), required=True)
    reference = Text(200, required=True)
    requested_at = Moment(required=True)
    answered_at = Moment(allow_none=True, load_default=None)
    phone = Text(64, allow_none=True, load_default=None)


class NewDismissal(Schema):
    """Why no call is made of it."""

    reason = Text(500, required=True)


class InquiryArgs(PageArgs):
    """Which inquiries."""

    state = Word(STATES, load_default=None)


InquiryPage = page_of(InquiryShape)
InquiryFileList = list_of(InquiryFileShape)


@resource.get("/inquiries")
@policy(*roles.INTAKE)
@resource.arguments(InquiryArgs, location="query")
@resource.response(200, InquiryPage)
def list_inquiries(args: dict[str, Any]) -> object:
    """Inquiries, newest first."""
    return handling.list_inquiries(current_session(), current_principal(), **args)


@resource.post("/inquiries")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewInquiry)
@resource.response(201, InquiryShape)
def open_inquiry(body: dict[str, Any]) -> object:
    """Note that somebody rings or stands at the counter, before anything is typed in (R-102)."""
    return machines.at_desk(current_session(), by=current_principal(), **body)


@resource.get("/inquiries/<uuid:inquiry_id>")
@policy(*roles.INTAKE)
@resource.response(200, InquiryShape)
def read_inquiry(inquiry_id: uuid.UUID) -> object:
    """One inquiry."""
    return handling.find_inquiry(current_session(), current_principal(), inquiry_id)


@resource.get("/inquiries/<uuid:inquiry_id>/files")
@policy(*roles.INTAKE)
@resource.response(200, InquiryFileList)
def list_files(inquiry_id: uuid.UUID) -> object:
    """What came with an inquiry."""
    session = current_session()
    found = handling.find_inquiry(session, current_principal(), inquiry_id)
    return {"items": handling.files_of(session, found.id)}


@resource.get("/inquiries/<uuid:inquiry_id>/files/<uuid:file_id>")
@policy(*roles.INTAKE)
@serves(resource, "application/octet-stream")
def read_file(inquiry_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """The bytes of a file, to be saved and never shown in place."""
    session = current_session()
    inquiry = handling.find_inquiry(session, current_principal(), inquiry_id)
    found = handling.find_file(session, inquiry, file_id)
    content = handling.content_of(found, current_settings().attachments)
    name = f"{found.id}{SUFFIX[found.media_type]}"
    return file_answer(content, name=name, media_type=found.media_type)


@resource.post("/inquiries/<uuid:inquiry_id>/call")
@policy(*roles.INTAKE)
@changes
@resource.arguments(InquiryCall)
@resource.response(201, CallShape)
def register_inquiry(body: dict[str, Any], inquiry_id: uuid.UUID) -> object:
    """Make a call of it; its files go with the order. If-Match is the inquiry's version."""
    session, me = current_session(), current_principal()
    caller, place, equipment = body.pop("caller"), body.pop("place"), body.pop("equipment")
    contact = body.pop("contact")
    return handling.register_inquiry(
        session,
        by=me,
        inquiry=handling.find_inquiry(session, me, inquiry_id),
        expected_version=expected_version(),
        template_code=body.pop("template"),
        caller=Caller(**caller) if caller else None,
        place=Place(**place) if place else None,
        equipment=Equipment(**equipment) if equipment else None,
        contact=Person(**contact) if contact else None,
        geocoder=travel.addresses(),
        **body,
    )


@resource.post("/inquiries/<uuid:inquiry_id>/dismissal")
@policy(*roles.INTAKE)
@changes
@resource.arguments(NewDismissal)
@resource.response(200, InquiryShape)
def dismiss_inquiry(body: dict[str, Any], inquiry_id: uuid.UUID) -> object:
    """Take it off the list without a call. If-Match is the inquiry's version."""
    session, me = current_session(), current_principal()
    return handling.dismiss(
        session,
        by=me,
        inquiry=handling.find_inquiry(session, me, inquiry_id),
        expected_version=expected_version(),
        **body,
    )
