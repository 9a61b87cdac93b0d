"""Papers and photographs of a visit: order sheet, service report, attachments (R-502, R-509, S14)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from flask_smorest.fields import Upload  # type: ignore[import-untyped]
from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.fields import Id, Moment, Text, Whole
from api.idempotency import creates
from api.papers import LanguageArgs, file_answer, refuse_form_fields, serves, takes_files
from api.resource import Resource
from api.revealing import note_read, shown_visit
from api.schemas import Schema, list_of
from api.session import current_session
from api.visit_shapes import AttachmentShape
from dispatch.work_orders import attachments, commands, queries

resource = Resource("visit_papers", description="Papers and photographs of visits.")


class NewAttachment(Schema):
    """One file: JPEG, PNG, WebP or PDF by its content."""

    file = Upload(required=True)


class DeclaredFileShape(Schema):
    """A file that a technician announced; settlement waits until its bytes are here or given up."""

    id = Id(required=True)
    visit_id = Id(required=True)
    sha256 = fields.String(required=True)
    size_bytes = Whole(required=True)
    media_type = fields.String(required=True)
    purpose = fields.String(required=True)
    caption = fields.String(required=True)
    declared_at = Moment(required=True)
    attachment_id = Id(required=True, allow_none=True)
    given_up_at = Moment(required=True, allow_none=True)
    given_up_reason = fields.String(required=True, allow_none=True)
    withdrawn_at = Moment(required=True, allow_none=True)


class GivingUp(Schema):
    """Why nobody waits for the bytes any more."""

    reason = Text(500, required=True)


AttachmentList = list_of(AttachmentShape)
DeclaredFileList = list_of(DeclaredFileShape)


@resource.get("/visits/<uuid:visit_id>/sheet.pdf")
@policy(*roles.ALL)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_sheet(args: dict[str, Any], visit_id: uuid.UUID) -> Response:
    """The order sheet as it stands now."""
    from dispatch.work_orders import papers

    session, me, settings = current_session(), current_principal(), current_settings()
    visit = shown_visit(visit_id, "sheet_read")
    language = args["language"] or settings.language
    content = papers.dispatch_sheet(session, me, visit.id, language, settings)
    note_read("sheet_read", visit.id)
    return file_answer(content, name=f"{visit.number}.pdf")


@resource.get("/visits/<uuid:visit_id>/report.pdf")
@policy(*roles.ALL)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_report(args: dict[str, Any], visit_id: uuid.UUID) -> Response:
    """The service report of the newest signed record; the same bytes for ever."""
    from dispatch.work_orders import reporting

    session, me = current_session(), current_principal()
    visit = shown_visit(visit_id, "report_read")
    paper = reporting.service_report(session, me, visit.id, args["language"], current_settings())
    note_read("report_read", visit.id)
    return file_answer(
        paper.content, name=f"{visit.number}-{paper.revision}-{paper.language}.pdf", sha256=paper.sha256
    )


@resource.get("/visits/<uuid:visit_id>/attachments")
@policy(*roles.ALL)
@resource.response(200, AttachmentList)
def list_attachments(visit_id: uuid.UUID) -> object:
    """Photographs and documents of a visit, oldest first."""
    visit = shown_visit(visit_id, "attachments_listed")
    return {"items": queries.attachments_of(current_session(), current_principal(), visit.id)}


@resource.post("/visits/<uuid:visit_id>/attachments")
@policy(*roles.RECORDERS)
@takes_files(attachments.MOST_BYTES)
@creates
@resource.arguments(NewAttachment, location="files")
@resource.response(201, AttachmentShape)
def store_attachment(files: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Keep a photograph or document; pictures are written anew without position and other metadata."""
    refuse_form_fields()
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    return commands.store_attachment(
        session,
        by=me,
        visit=visit,
        content=files["file"].read(),
        directory=current_settings().attachments,
    )


@resource.get("/visits/<uuid:visit_id>/files")
@policy(*roles.ALL)
@resource.response(200, DeclaredFileList)
def list_files(visit_id: uuid.UUID) -> object:
    """Files that were announced for a visit, and which of them are not here yet."""
    visit = shown_visit(visit_id, "files_listed")
    return {"items": queries.files_of(current_session(), current_principal(), visit.id)}


@resource.post("/visits/<uuid:visit_id>/files/<uuid:declared_id>/give-up")
@policy(*roles.DESK)
@creates
@resource.arguments(GivingUp)
@resource.response(200, DeclaredFileShape)
def give_up_file(body: dict[str, Any], visit_id: uuid.UUID, declared_id: uuid.UUID) -> object:
    """Go on without bytes that will never come, such as those of a lost phone."""
    session, me = current_session(), current_principal()
    declared = queries.find_file(session, me, visit_id, declared_id)
    return commands.give_up(session, by=me, declared=declared, **body)


@resource.get("/attachments/<uuid:attachment_id>")
@policy(*roles.ALL)
@serves(resource, "application/octet-stream")
def read_attachment(attachment_id: uuid.UUID) -> Response:
    """The bytes of an attachment, to be saved and never shown in place."""
    found = queries.find_attachment(current_session(), current_principal(), attachment_id)
    shown_visit(found.visit_id, "attachment_read")
    note_read("attachment_read", found.id)
    content = attachments.content_of(found, current_settings().attachments)
    suffix = attachments.SUFFIX[found.media_type]
    return file_answer(content, name=f"{found.id}{suffix}", media_type=found.media_type)
