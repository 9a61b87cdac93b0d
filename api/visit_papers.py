"""Papers and photographs of a visit: order sheet, service report, attachments (R-502, R-509, S14)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from flask_smorest.fields import Upload  # type: ignore[import-untyped]

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.idempotency import creates
from api.papers import LanguageArgs, file_answer, refuse_form_fields, serves, takes_files
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from api.visit_shapes import AttachmentShape
from dispatch.work_orders import attachments, commands, queries

resource = Resource("visit_papers", description="Papers and photographs of visits.")


class NewAttachment(Schema):
    """One file: JPEG, PNG, WebP or PDF by its content."""

    file = Upload(required=True)


AttachmentList = list_of(AttachmentShape)


@resource.get("/visits/<uuid:visit_id>/sheet.pdf")
@policy(*roles.ALL)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_sheet(args: dict[str, Any], visit_id: uuid.UUID) -> Response:
    """The order sheet as it stands now."""
    from dispatch.work_orders import papers

    session, me, settings = current_session(), current_principal(), current_settings()
    visit = queries.find_visit(session, me, visit_id)
    language = args["language"] or settings.language
    content = papers.dispatch_sheet(session, me, visit.id, language, settings)
    return file_answer(content, name=f"{visit.number}.pdf")


@resource.get("/visits/<uuid:visit_id>/report.pdf")
@policy(*roles.ALL)
@resource.arguments(LanguageArgs, location="query")
@serves(resource)
def read_report(args: dict[str, Any], visit_id: uuid.UUID) -> Response:
    """The service report of the newest signed record; the same bytes for ever."""
    from dispatch.work_orders import reporting

    session, me = current_session(), current_principal()
    paper = reporting.service_report(session, me, visit_id, args["language"], current_settings())
    visit = queries.find_visit(session, me, visit_id)
    return file_answer(
        paper.content, name=f"{visit.number}-{paper.revision}-{paper.language}.pdf", sha256=paper.sha256
    )


@resource.get("/visits/<uuid:visit_id>/attachments")
@policy(*roles.ALL)
@resource.response(200, AttachmentList)
def list_attachments(visit_id: uuid.UUID) -> object:
    """Photographs and documents of a visit, oldest first."""
    return {"items": queries.attachments_of(current_session(), current_principal(), visit_id)}


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


@resource.get("/attachments/<uuid:attachment_id>")
@policy(*roles.ALL)
@serves(resource, "application/octet-stream")
def read_attachment(attachment_id: uuid.UUID) -> Response:
    """The bytes of an attachment, to be saved and never shown in place."""
    found = queries.find_attachment(current_session(), current_principal(), attachment_id)
    content = attachments.content_of(found, current_settings().attachments)
    suffix = attachments.SUFFIX[found.media_type]
    return file_answer(content, name=f"{found.id}{suffix}", media_type=found.media_type)
