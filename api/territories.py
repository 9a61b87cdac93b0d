"""Territories: named areas that are planned as one."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Id, Real, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Counts, ListOf, Schema, list_of
from api.session import current_session
from dispatch.territories import commands, queries
from dispatch.territories.rules import AUTO_REASONS, MOST_FROZEN, MOST_POINTS, PLANNING_POLICIES

resource = Resource("territories", description="Named areas that are planned as one.")


def _ring(**kwargs: Any) -> ListOf:
    pair = fields.Tuple((Real(-90, 90), Real(-180, 180)), metadata=PAIR)
    return ListOf(pair, MOST_POINTS, **kwargs)


PAIR = {
    "description": "Latitude and longitude in degrees.",
    "items": {"type": "number"},
    "minItems": 2,
    "maxItems": 2,
}


class AutoPublishShape(Schema):
    """
    What planning may publish without a person; no reasons: nothing.

    ``told_most`` visits may be told something else, ``technicians_most`` of them another technician; what
    breaks a promise is always for a person.
    """

    reasons = ListOf(Word(AUTO_REASONS), len(AUTO_REASONS), load_default=list, dump_default=list)
    told_most = Whole(0, 1000, load_default=0, dump_default=0)
    technicians_most = Whole(0, 1000, load_default=0, dump_default=0)


class TerritoryShape(Schema):
    """A named area; its days begin at its own local midnight."""

    id = Id(required=True)
    version = Whole(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    boundary = _ring(required=True)
    emergency_reserve_percent = Whole(required=True)
    emergency_reserve_days = Counts(400, required=True)
    auto_publish = fields.Nested(AutoPublishShape, required=True)
    planning_policy = Word(PLANNING_POLICIES, required=True)
    freeze_minutes = Whole(required=True)
    is_active = Flag(required=True)


class NewTerritory(Schema):
    """A ring of at least three points, and an IANA time zone."""

    code = Text(64, required=True)
    name = Text(required=True)
    timezone = Text(64, required=True)
    boundary = _ring(required=True)


class TerritoryChanges(Schema):
    """What may change of a territory; what is left out stays."""

    name = Text()
    timezone = Text(64)
    boundary = _ring()
    emergency_reserve_percent = Whole(0, 50)
    emergency_reserve_days = Counts(400)
    auto_publish = fields.Nested(AutoPublishShape)
    planning_policy = Word(PLANNING_POLICIES)
    freeze_minutes = Whole(0, MOST_FROZEN)
    is_active = Flag()


TerritoryList = list_of(TerritoryShape)


@resource.get("/territories")
@policy(*roles.ALL)
@resource.response(200, TerritoryList)
def list_territories() -> object:
    """The territories one may see, by code."""
    return {"items": queries.visible_territories(current_session(), current_principal())}


@resource.post("/territories")
@policy(*roles.ADMINS)
@creates
@resource.arguments(NewTerritory)
@resource.response(201, TerritoryShape)
def create_territory(body: dict[str, Any]) -> object:
    """Draw a territory."""
    return commands.create_territory(current_session(), by=current_principal(), **body)


@resource.get("/territories/<uuid:territory_id>")
@policy(*roles.ALL)
@resource.response(200, TerritoryShape)
def read_territory(territory_id: uuid.UUID) -> object:
    """One territory."""
    return queries.find_territory(current_session(), current_principal(), territory_id)


@resource.patch("/territories/<uuid:territory_id>")
@policy(*roles.ADMINS)
@changes
@resource.arguments(TerritoryChanges)
@resource.response(200, TerritoryShape)
def change_territory(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Rename, redraw or retire a territory; sites stay where they were put."""
    session, me = current_session(), current_principal()
    return commands.update_territory(
        session,
        by=me,
        territory=queries.find_territory(session, me, territory_id),
        changes=body,
        expected_version=expected_version(),
    )
