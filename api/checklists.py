"""Checklists: questions technicians answer on site, in revisions that never change (R-505)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Text, Whole
from api.idempotency import creates
from api.resource import Resource
from api.revealing import shown_visit
from api.schemas import ListOf, QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.checklists import commands, queries
from dispatch.checklists.rules import MOST_QUESTIONS

resource = Resource("checklists", description="Questions that technicians answer on site.")


class ChecklistShape(Schema):
    """A revision of a checklist; ``questions`` are as phones get them."""

    code = Text(64, required=True)
    revision = Whole(required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    questions = fields.List(fields.Dict(), required=True)
    is_before_work = Flag(required=True)
    is_active = Flag(required=True)
    created_at = Moment(required=True)


class NewChecklist(Schema):
    """
    The next revision of a checklist.

    A question has ``key``, ``kind`` (``yes_no``, ``choice``, ``number``, ``text``, ``photo``, ``signature``,
    ``scan``, ``date``), ``text_en``, ``text_zh``, ``is_required``; a number may have ``unit``, ``least`` and
    ``most``, a choice has ``choices``; ``only_if`` names the answers of an earlier question after which it is
    asked. ``is_before_work``: about safety, so that its required questions are answered before work begins.
    """

    code = Text(64, required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    questions = ListOf(fields.Dict(), MOST_QUESTIONS, required=True)
    is_before_work = Flag(load_default=False)


class ChecklistUse(Schema):
    """Whether new visits get the checklist."""

    is_active = Flag(required=True)


class ChecklistArgs(QuerySchema):
    """Which checklists."""

    only_active = Flag(load_default=False)


class RevisionArgs(QuerySchema):
    """Which revision; the newest by default."""

    revision = Whole(1, load_default=None)


class StandingAnswer(Schema):
    """What one technician answers to a question."""

    technician_id = fields.Function(lambda answer: answer.technician or None, metadata={"type": "string"})
    value = fields.Raw(required=True)
    is_out_of_limits = Flag(required=True)


class StandingShape(Schema):
    """A question of a visit with what stands answered; two different answers are a contradiction."""

    checklist = fields.String(required=True, attribute="code")
    revision = Whole(required=True)
    question = fields.Dict(required=True)
    answers = fields.List(fields.Nested(StandingAnswer), required=True)
    is_contradicted = Flag(required=True)


class GivenAnswer(Schema):
    """An answer as it was given; later ones of the same person count instead."""

    id = Id(required=True)
    code = fields.String(required=True)
    question = fields.String(required=True)
    value = fields.Raw(required=True)
    technician_id = Id(required=True, allow_none=True)
    answered_at = Moment(required=True)


class VisitAnswers(Schema):
    """What stands answered, and every answer that was given."""

    standing = fields.List(fields.Nested(StandingShape), required=True)
    given = fields.List(fields.Nested(GivenAnswer), required=True)


ChecklistList = list_of(ChecklistShape)


@resource.get("/checklists")
@policy(*roles.ALL)
@resource.arguments(ChecklistArgs, location="query")
@resource.response(200, ChecklistList)
def list_checklists(args: dict[str, Any]) -> object:
    """The newest revision of every checklist."""
    return {"items": queries.list_checklists(current_session(), **args)}


@resource.post("/checklists")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewChecklist)
@resource.response(201, ChecklistShape)
def write_checklist(body: dict[str, Any]) -> object:
    """Write the next revision; visits that were opened before keep theirs."""
    return commands.write_checklist(current_session(), by=current_principal(), **body)


@resource.get("/checklists/<string:code>")
@policy(*roles.ALL)
@resource.arguments(RevisionArgs, location="query")
@resource.response(200, ChecklistShape)
def read_checklist(args: dict[str, Any], code: str) -> object:
    """One revision of a checklist."""
    return queries.find_checklist(current_session(), code, args["revision"])


@resource.put("/checklists/<string:code>/use")
@policy(*roles.JUDGES)
@resource.arguments(ChecklistUse)
@resource.response(200, ChecklistShape)
def use_checklist(body: dict[str, Any], code: str) -> object:
    """Retire a checklist for new visits, or take it into use again."""
    return commands.retire_checklist(current_session(), code=code, **body)


@resource.get("/visits/<uuid:visit_id>/answers")
@policy(*roles.ALL)
@resource.response(200, VisitAnswers)
def read_answers(visit_id: uuid.UUID) -> object:
    """The checklists of a visit: what is asked, what stands answered, and all that was said."""
    session, visit = current_session(), shown_visit(visit_id, "answers_read")
    return {
        "standing": queries.standing(session, visit.id, visit.checklists),
        "given": queries.answers_of(session, visit.id),
    }
