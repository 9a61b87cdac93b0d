"""Review cases: two truths about a visit, both kept until somebody decides."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Text
from api.idempotency import creates
from api.resource import Resource
from api.schemas import PageArgs, Schema, page_of
from api.session import current_session
from dispatch.work_orders import commands, queries

resource = Resource("review_cases", description="Contradictions about a visit that a person decides.")


class CaseShape(Schema):
    """A contradiction, what is known of it, and how it was decided."""

    id = Id(required=True)
    visit_id = Id(required=True)
    kind = fields.String(required=True)
    detail = fields.Dict(required=True)
    assigned_to = Id(
        required=True,
        allow_none=True,
        metadata={
            "description": "Who alone decides it, at /part-uses/{id}/approval; null: whoever is there."
        },
    )
    opened_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    decided_by = Id(required=True, allow_none=True)
    decision = fields.String(required=True, allow_none=True)


class CaseArgs(PageArgs):
    """Open ones only, or all; those that wait for the caller alone."""

    only_open = Flag(load_default=True, data_key="open")
    only_mine = Flag(load_default=False, data_key="mine")


class NewDecision(Schema):
    """What was decided, in words."""

    decision = Text(500, required=True)


CasePage = page_of(CaseShape)


@resource.get("/review-cases")
@policy(*roles.DESK)
@resource.arguments(CaseArgs, location="query")
@resource.response(200, CasePage)
def list_cases(args: dict[str, Any]) -> object:
    """Review cases, newest first."""
    return queries.list_cases(current_session(), current_principal(), **args)


@resource.get("/review-cases/<uuid:case_id>")
@policy(*roles.DESK)
@resource.response(200, CaseShape)
def read_case(case_id: uuid.UUID) -> object:
    """One review case."""
    return queries.find_case(current_session(), current_principal(), case_id)


@resource.post("/review-cases/<uuid:case_id>/decision")
@policy(*roles.DESK)
@creates
@resource.arguments(NewDecision)
@resource.response(201, CaseShape)
def decide_case(body: dict[str, Any], case_id: uuid.UUID) -> object:
    """Decide a case for the record; the last open one of a visit lifts its billing hold."""
    session, me = current_session(), current_principal()
    return commands.decide_case(session, by=me, case=queries.find_case(session, me, case_id), **body)
