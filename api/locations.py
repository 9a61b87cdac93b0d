"""Where technicians on duty are, and their own trails (R-903)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Day, Flag, Id, Moment, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Position, QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.access.rules import Role
from dispatch.locations import commands, queries, rules
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory

resource = Resource("locations", description="Positions of technicians, on duty only.")


class PositionFixShape(Schema):
    """A position; coarse ones are rounded to about a kilometre."""

    at = Moment(required=True)
    position = Position(required=True)
    accuracy_metres = Whole(required=True, allow_none=True)
    is_coarse = Flag(required=True)


class WhereaboutsShape(Schema):
    """
    Where somebody on duty is.

    ``fresh`` and ``stale`` have a position; ``off`` has the technician's reason; nothing is guessed.
    """

    technician_id = Id(required=True)
    state = Word(rules.STATES, required=True)
    reason = fields.String(required=True)
    position = fields.Nested(PositionFixShape, required=True, allow_none=True)


class TrailArgs(QuerySchema):
    """Which day."""

    day = Day(required=True)


class LocationNoticeShape(Schema):
    """Since when a technician knows that positions may be used for the appraisal."""

    technician_id = Id(required=True)
    told_at = Moment(required=True)
    told_by = Id(required=True, allow_none=True)


WhereaboutsList = list_of(WhereaboutsShape)
FixList = list_of(PositionFixShape)


@resource.get("/territories/<uuid:territory_id>/positions")
@policy(*roles.DESK)
@resource.response(200, WhereaboutsList)
def list_standings(territory_id: uuid.UUID) -> object:
    """Where everybody on duty is now, or why that is not known; who looks is logged."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return {"items": queries.standings(session, me, place.id)}


@resource.get("/technicians/<uuid:technician_id>/trail")
@policy(*roles.JUDGES, Role.TECHNICIAN)
@resource.arguments(TrailArgs, location="query")
@resource.response(200, FixList)
def read_trail(args: dict[str, Any], technician_id: uuid.UUID) -> object:
    """
    Where a technician was on a day: for the technician.

    For others only where the house uses it for the appraisal, from the notice to the technician on.
    """
    session, me = current_session(), current_principal()
    technician = find_technician(session, me, technician_id)
    return {"items": queries.trail(session, me, technician, args["day"])}


@resource.post("/technicians/<uuid:technician_id>/location-notice")
@policy(*roles.JUDGES)
@creates
@resource.response(201, LocationNoticeShape)
def note_told(technician_id: uuid.UUID) -> object:
    """Note that a technician was told that positions may be used for the appraisal."""
    session, me = current_session(), current_principal()
    return commands.note_told(session, by=me, technician=find_technician(session, me, technician_id))
