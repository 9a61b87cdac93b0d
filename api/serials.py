"""Parts with serial numbers, and old parts that suppliers want back (R-511)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Flag, Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Joined, QuerySchema, Schema, list_of
from api.session import current_session
from api.stores import MovementList, movements
from dispatch.parts import units
from dispatch.parts.queries import part_named
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory
from dispatch.work_orders import cores
from dispatch.work_orders.queries import find_part_use

resource = Resource("serials", description="Parts with serial numbers, and old parts to be given back.")


class PartUnitShape(Schema):
    """A unit and its keeper: a technician's van, else the store."""

    sku = fields.String(required=True)
    serial = fields.String(required=True)
    technician_id = Id(required=True, allow_none=True)


class UnexplainedShape(Schema):
    """A place that should hold another number of pieces than of serials; without a technician the store."""

    technician_id = Id(required=True, allow_none=True)
    sku = fields.String(required=True)
    quantity = Whole(required=True)
    units = Whole(required=True)


class UnitArgs(QuerySchema):
    """Which part; without it all."""

    sku = Text(64, load_default=None)


class HistoryArgs(QuerySchema):
    """Which unit."""

    sku = Text(64, required=True)
    serial = Text(64, required=True)


class CoreShape(Schema):
    """An old part that has not come back: with the technician if it was taken out, else with the customer."""

    part_use_id = Id(required=True)
    visit_id = Id(required=True)
    visit_number = fields.String(required=True)
    technician_id = Id(required=True, allow_none=True)
    customer_id = Id(required=True)
    sku = fields.String(required=True)
    quantity = Whole(required=True)
    fitted_at = Moment(required=True)
    is_taken_out = Flag(required=True)


class CoreEnd(Schema):
    """The old part came back, or nobody waits for it any more; the latter needs its reason."""

    result = Word(cores.RESULTS, required=True)
    note = Text(500, allow_none=True, load_default=None)


class CoreEndShape(Schema):
    """What became of an old part."""

    part_use_id = Id(required=True)
    result = Word(cores.RESULTS, required=True)
    note = fields.String(required=True, allow_none=True)
    received_at = Moment(required=True)


PartUnitList = list_of(PartUnitShape)
UnexplainedList = list_of(UnexplainedShape)
CoreList = list_of(CoreShape)


@resource.get("/territories/<uuid:territory_id>/part-units")
@policy(*roles.READERS)
@resource.arguments(UnitArgs, location="query")
@resource.response(200, PartUnitList)
def list_units(args: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Units in the store and on the vans of a territory, and who keeps each."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": [Joined(unit, sku=sku) for unit, sku in units.units_in(session, place.id, **args)]}


@resource.get("/territories/<uuid:territory_id>/part-units/history")
@policy(*roles.READERS)
@resource.arguments(HistoryArgs, location="query")
@resource.response(200, MovementList)
def read_unit_history(args: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Every movement of a unit within a territory, the oldest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    part = part_named(session, args["sku"])
    return {"items": movements(units.history(session, place.id, part, args["serial"]))}


@resource.get("/territories/<uuid:territory_id>/part-units/unexplained")
@policy(*roles.READERS)
@resource.response(200, UnexplainedList)
def list_unexplained(territory_id: uuid.UUID) -> object:
    """Places whose pieces and serials differ, to be counted by their keeper."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": units.unexplained(session, place.id)}


@resource.get("/territories/<uuid:territory_id>/cores")
@policy(*roles.READERS)
@resource.response(200, CoreList)
def list_cores(territory_id: uuid.UUID) -> object:
    """Old parts that have not come back, the oldest first, to be asked for."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": cores.open_cores(session, place.id)}


@resource.get("/technicians/<uuid:technician_id>/cores")
@policy(*roles.ALL)
@resource.response(200, CoreList)
def list_cores_of_technician(technician_id: uuid.UUID) -> object:
    """Old parts of a technician's visits that have not come back, the oldest first."""
    session = current_session()
    who = find_technician(session, current_principal(), technician_id)
    return {"items": cores.open_cores(session, who.territory_id, technician_id=who.id)}


@resource.post("/part-uses/<uuid:part_use_id>/core")
@policy(*roles.DESK)
@creates
@resource.arguments(CoreEnd)
@resource.response(201, CoreEndShape)
def end_core(body: dict[str, Any], part_use_id: uuid.UUID) -> object:
    """Note that an old part came back, or that nobody waits for it any more."""
    session, me = current_session(), current_principal()
    return cores.end_core(session, by=me, use=find_part_use(session, me, part_use_id), **body)
