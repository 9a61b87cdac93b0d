"""Why a visit is where a plan has it, and what would let in one that is left out."""

from __future__ import annotations

import uuid

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Whole
from api.resource import Resource
from api.schemas import Schema
from api.session import current_session
from dispatch.planning import explaining, queries
from dispatch.work_orders.queries import find_visit

resource = Resource("explanations", description="Reasons of a plan, worked out by the planning engine.")


class TechnicianChoiceShape(Schema):
    """A technician who could go; money in minor units, ``by_term`` of the cheapest three."""

    technician_id = Id(required=True)
    start = Moment(required=True)
    extra_minor = Whole(required=True)
    more_than_best_minor = Whole(required=True)
    by_term = fields.Dict(required=True)
    is_planned = Flag(required=True)


class ObstacleShape(Schema):
    """A technician who cannot go, the rule, and the rule in words."""

    technician_id = Id(required=True)
    code = fields.String(required=True)
    sentence = fields.String(required=True)


class RelaxationShape(Schema):
    """
    Rules that, loosened, would let the visit in; ``needed_minutes`` where it is about time.

    Where somebody can go: rules that would clearly save, and ``saved_minor``, what the plan costs less then.
    """

    rule = fields.String(required=True)
    action = fields.String(required=True)
    technician_id = Id(required=True)
    extra_minor = Whole(required=True)
    needed_minutes = Whole(required=True, allow_none=True)
    saved_minor = Whole(required=True, allow_none=True)


class ExplanationShape(Schema):
    """A visit in a plan: the cheapest technician first; relaxations let it in, or save."""

    plan_id = Id(required=True)
    visit_id = Id(required=True)
    number = fields.String(required=True)
    day_version = Whole(required=True)
    technician_id = Id(required=True, allow_none=True)
    choices = fields.List(fields.Nested(TechnicianChoiceShape), required=True)
    obstacles = fields.List(fields.Nested(ObstacleShape), required=True)
    relaxations = fields.List(fields.Nested(RelaxationShape), required=True)


@resource.get("/plans/<uuid:plan_id>/visits/<uuid:visit_id>/explanation")
@policy(*roles.READERS)
@resource.response(200, ExplanationShape)
def explain_visit(plan_id: uuid.UUID, visit_id: uuid.UUID) -> object:
    """Who could serve a visit and at what price, who cannot and why, and which rules to loosen."""
    session, me = current_session(), current_principal()
    plan, visit = queries.find_plan(session, me, plan_id), find_visit(session, me, visit_id)
    return explaining.explanation(session, plan, visit)
