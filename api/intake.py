"""What comes in by itself: the web form, telephones that ring, devices that raise alarms (R-101, R-102)."""

from __future__ import annotations

import hmac
import uuid
from typing import Any

from flask import request
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_config, current_settings
from api.etags import changes, expected_version
from api.fields import Flag, Id, Moment, Notes, Text, Whole, Word
from api.idempotency import creates_secret
from api.papers import refuse_form_fields, takes_files
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from api.visit_papers import NewAttachment
from dispatch import clock, travel
from dispatch.customers.rules import LANGUAGES
from dispatch.db import new_id
from dispatch.intake import handling, machines, receiving
from dispatch.intake.receiving import Arrival
from dispatch.intake.rules import KEY_PATTERN, SOURCE_KINDS, NothingToAnswer
from dispatch.promises import linking
from dispatch.work_orders.attachments import MOST_BYTES

resource = Resource("intake", description="What comes in by itself, before anybody has typed it in.")

KEY_HEADER = "X-Intake-Key"
KEY = {
    "in": "header",
    "name": KEY_HEADER,
    "required": True,
    "description": "Key of the machine, as it was shown when its source was entered.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}


class NewForm(Schema):
    """What a customer fills in without a login; ``website`` is left empty by people."""

    name = Text(200, required=True)
    phone = Text(64, allow_none=True, load_default=None)
    email = Text(254, allow_none=True, load_default=None)
    address = Text(300, required=True)
    language = Word(LANGUAGES, load_default="en")
    problem = Notes(required=True)
    equipment = Text(200, allow_none=True, load_default=None)
    serial = Text(64, allow_none=True, load_default=None)
    website = Text(200, least=0, load_default="")


class FormShape(Schema):
    """The number to ask by, and the address part under which files can be added for an hour."""

    number = fields.String(required=True)
    upload = fields.String(required=True)


class UploadShape(Schema):
    """A file that was kept."""

    media_type = fields.String(required=True)
    size_bytes = Whole(required=True)


class NewRing(Schema):
    """A telephone rings, is answered, or the caller gives up; events may come in any order."""

    ring_id = Text(200, required=True)
    rang_at = Moment(required=True)
    phone = Text(64, allow_none=True, load_default=None)
    answered_at = Moment(allow_none=True, load_default=None)
    hung_up_at = Moment(allow_none=True, load_default=None)


class NewAlarm(Schema):
    """A device reports that something is wrong with it."""

    alarm_id = Text(200, required=True)
    raised_at = Moment(required=True)
    serial = Text(64, required=True)
    message = Notes(load_default="")


class ReceivedShape(Schema):
    """What became of it so far."""

    id = Id(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    call_id = Id(required=True, allow_none=True)


class NewSource(Schema):
    """A machine that may report; with a template, alarms of known equipment become calls at once."""

    code = Text(64, required=True)
    kind = Word(SOURCE_KINDS, required=True)
    template = Text(64, allow_none=True, load_default=None)


class SourceShape(Schema):
    """A machine that may report."""

    id = Id(required=True)
    version = Whole(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True)
    template = fields.String(required=True, allow_none=True, attribute="template_code")
    is_active = Flag(required=True)


class SourceWithKey(Schema):
    """A machine and its key, which is shown this once."""

    source = fields.Nested(SourceShape, required=True)
    key = fields.String(required=True, allow_none=True)


class SourceChanges(Schema):
    """Whether it may report."""

    is_active = Flag(required=True)


SourceList = list_of(SourceShape)


@resource.post("/intake/web-form")
@policy.public
@resource.arguments(NewForm)
@resource.response(201, FormShape)
def send_form(body: dict[str, Any]) -> object:
    """Ask for a repair without a login."""
    if not body["phone"] and not body["email"]:
        raise NothingToAnswer("neither telephone nor mail address is given")
    if body["website"]:  # a machine filled it in; it is told nothing else
        return {"number": "IN-000000", "upload": "-"}
    equipment = f"\nEquipment: {body['equipment']}" if body["equipment"] else ""
    arrival = Arrival(
        channel="web",
        source="web_form",
        external_id=str(new_id()),
        requested_at=clock.now(),
        name=body["name"],
        phone=body["phone"],
        email=body["email"],
        address=body["address"],
        language=body["language"],
        subject=body["problem"][:100],
        body=body["problem"] + equipment,
        asset_serial=body["serial"],
    )
    found, _ = receiving.receive(current_session(), arrival, geocoder=travel.addresses())
    return {"number": found.number, "upload": linking.write(found.id, key=_upload_key(), now=clock.now())}


@resource.post("/intake/web-form/<string:upload>/files")
@policy.public
@takes_files(MOST_BYTES)
@resource.arguments(NewAttachment, location="files")
@resource.response(201, UploadShape)
def add_file(files: dict[str, Any], upload: str) -> object:
    """Add a photograph or document to a form that was just sent; it goes with the order."""
    refuse_form_fields()
    session = current_session()
    inquiry = handling.inquiry_of_link(session, linking.read(upload, key=_upload_key()))
    receiving.require_upload(inquiry)
    content = files["file"].read()
    return receiving.add_file(
        session, inquiry=inquiry, content=content, directory=current_settings().attachments
    )


@resource.post("/intake/rings", parameters=[KEY])
@policy.public
@resource.arguments(NewRing)
@resource.response(200, ReceivedShape)
def report_ring(body: dict[str, Any]) -> object:
    """A telephone system reports a call; the same call again adds to what is known of it."""
    session = current_session()
    source = machines.source_of_key(session, request.headers.get(KEY_HEADER), "telephony")
    return machines.ring(session, source=source.code, **body)


@resource.post("/intake/alarms", parameters=[KEY])
@policy.public
@resource.arguments(NewAlarm)
@resource.response(200, ReceivedShape)
def report_alarm(body: dict[str, Any]) -> object:
    """A device raises an alarm; the same alarm again changes nothing."""
    session = current_session()
    source = machines.source_of_key(session, request.headers.get(KEY_HEADER), "alarm")
    return machines.alarm(session, source=source, asset_serial=body.pop("serial"), **body)


@resource.get("/intake/sources")
@policy(*roles.ADMINS)
@resource.response(200, SourceList)
def list_sources() -> object:
    """Machines that may report."""
    return {"items": handling.sources(current_session())}


@resource.post("/intake/sources")
@policy(*roles.ADMINS)
@creates_secret("key")
@resource.arguments(NewSource)
@resource.response(201, SourceWithKey)
def add_source(body: dict[str, Any]) -> object:
    """Let a machine report; its key is shown this once."""
    source, key = machines.add_source(current_session(), by=current_principal(), **body)
    return {"source": source, "key": key}


@resource.patch("/intake/sources/<uuid:source_id>")
@policy(*roles.ADMINS)
@changes
@resource.arguments(SourceChanges)
@resource.response(200, SourceShape)
def change_source(body: dict[str, Any], source_id: uuid.UUID) -> object:
    """Let a machine report again, or no longer."""
    session = current_session()
    found = handling.find_source(session, source_id)
    return machines.set_active(session, source=found, expected_version=expected_version(), **body)


def _upload_key() -> bytes:
    return hmac.new(current_config().tokens.secret, b"truckroll web form upload", "sha256").digest()
