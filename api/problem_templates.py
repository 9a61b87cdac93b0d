"""Problem templates: what a kind of problem usually needs (R-202, R-203)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Notes, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Counts, ListOf, QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.calls import commands, queries
from dispatch.work_orders.rules import DEAREST_MINOR, FaultClass, Needs, OrderKind

resource = Resource("problem_templates", description="What a kind of problem usually needs.")

FAULT_CLASSES = [word.value for word in FaultClass]
ORDER_KINDS = [word.value for word in OrderKind]


class TemplateShape(Schema):
    """What a kind of problem usually needs; the norms tell when work or parts are far above it."""

    code = Text(64, required=True)
    version = Whole(required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    product_kind = Text(required=True)
    fault_class = Text(required=True)
    kind = Text(required=True)
    fault_code = Text(required=True)
    skills = Counts(required=True)
    certificates = fields.List(fields.String(), required=True)
    parts = Counts(required=True)
    duration_minutes = Whole(required=True)
    crew_size = Whole(required=True)
    priority = Whole(required=True)
    labour_norm_minutes = Whole(required=True)
    parts_norm_minor = Whole(required=True, allow_none=True)
    guidance_en = fields.String(required=True, allow_none=True)
    guidance_zh = fields.String(required=True, allow_none=True)
    article_code = fields.String(required=True, allow_none=True)
    checklists = fields.List(fields.String(), required=True)
    is_active = Flag(required=True)


class NewTemplate(Schema):
    """A kind of problem with its usual needs; guidance closes a use fault without a visit."""

    code = Text(64, required=True)
    title_en = Text(required=True)
    title_zh = Text(required=True)
    product_kind = Text(64, required=True)
    fault_class = Word(FAULT_CLASSES, required=True)
    kind = Word(ORDER_KINDS, required=True)
    fault_code = Text(64, required=True)
    skills = Counts(load_default=dict)
    certificates = ListOf(Text(64), 20, load_default=list)
    parts = Counts(load_default=dict)
    duration_minutes = Whole(1, 1440, required=True)
    crew_size = Whole(1, 4, load_default=1)
    priority = Whole(1, 5, load_default=3)
    labour_norm_minutes = Whole(0, 1440, required=True)
    parts_norm_minor = Whole(0, DEAREST_MINOR, allow_none=True, load_default=None)
    guidance_en = Notes(allow_none=True, load_default=None)
    guidance_zh = Notes(allow_none=True, load_default=None)
    article_code = Text(64, allow_none=True, load_default=None)
    checklists = ListOf(Text(64), 20, load_default=list)


class TemplateChanges(Schema):
    """What may change of a template; other needs are another template."""

    title_en = Text()
    title_zh = Text()
    priority = Whole(1, 5)
    labour_norm_minutes = Whole(0, 1440)
    parts_norm_minor = Whole(0, DEAREST_MINOR, allow_none=True)
    guidance_en = Notes(allow_none=True)
    guidance_zh = Notes(allow_none=True)
    article_code = Text(64, allow_none=True)
    checklists = ListOf(Text(64), 20)
    is_active = Flag()


class TemplateArgs(QuerySchema):
    """Which templates."""

    only_active = Flag(load_default=False)
    product_kind = Text(64, load_default=None)


TemplateList = list_of(TemplateShape)


@resource.get("/problem-templates")
@policy(*roles.READERS)
@resource.arguments(TemplateArgs, location="query")
@resource.response(200, TemplateList)
def list_templates(args: dict[str, Any]) -> object:
    """Problem templates by code."""
    return {"items": queries.list_templates(current_session(), **args)}


@resource.post("/problem-templates")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewTemplate)
@resource.response(201, TemplateShape)
def create_template(body: dict[str, Any]) -> object:
    """Define a kind of problem with its usual needs."""
    usual = ("skills", "certificates", "parts", "duration_minutes", "crew_size")
    needs = Needs(**{name: body.pop(name) for name in usual})
    return commands.create_template(current_session(), by=current_principal(), needs=needs, **body)


@resource.get("/problem-templates/<string:code>")
@policy(*roles.READERS)
@resource.response(200, TemplateShape)
def read_template(code: str) -> object:
    """One problem template."""
    return queries.find_template(current_session(), code)


@resource.patch("/problem-templates/<string:code>")
@policy(*roles.JUDGES)
@changes
@resource.arguments(TemplateChanges)
@resource.response(200, TemplateShape)
def change_template(body: dict[str, Any], code: str) -> object:
    """Change titles, priority, norm or guidance, or retire a template."""
    session = current_session()
    return commands.update_template(
        session,
        by=current_principal(),
        template=queries.find_template(session, code),
        changes=body,
        expected_version=expected_version(),
    )
