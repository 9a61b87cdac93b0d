"""Parts: the catalogue, and what each van carries (R-507, R-511)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.config import current_settings
from api.etags import changes, expected_version
from api.fields import Flag, Id, Text, Whole
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Money, PageArgs, Schema, list_of, page_of
from api.session import current_session
from dispatch.parts import commands, queries
from dispatch.technicians.queries import find_technician

resource = Resource("parts", description="The catalogue of parts, and van stock.")

POSITIVE = {"minimum": 1, "maximum": 10_000}


class PartShape(Schema):
    """A part that can be fitted."""

    id = Id(required=True)
    version = Whole(required=True)
    sku = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    price = Money(minor="price_minor", required=True)
    is_approved = Flag(required=True)
    is_serialised = Flag(required=True)
    has_core = Flag(required=True)


class NewPart(Schema):
    """A part with its list price in the company's currency."""

    sku = Text(64, required=True)
    name_en = Text(required=True)
    name_zh = Text(required=True)
    price = Money(required=True)
    is_approved = Flag(load_default=True)
    is_serialised = Flag(load_default=False)
    has_core = Flag(load_default=False)


class PartChanges(Schema):
    """What may change of a part; the price counts from now on."""

    name_en = Text()
    name_zh = Text()
    price = Money()
    is_approved = Flag()
    is_serialised = Flag()
    has_core = Flag()


class VanStockShape(Schema):
    """Pieces of one part that a van should hold; below zero, more was used than booked."""

    part_id = Id(required=True)
    sku = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    quantity = Whole(required=True)


class ShortStockShape(VanStockShape):
    """Pieces of one part that a technician used beyond what was booked."""

    technician_id = Id(required=True)


class NewLoad(Schema):
    """Parts put on a van; ``source`` names the delivery, which counts once."""

    sku = Text(64, required=True)
    quantity = Whole(required=True, metadata=POSITIVE)
    source = Text(100, required=True)
    lot = Text(64, allow_none=True, load_default=None)
    serial = Text(64, allow_none=True, load_default=None)


class LoadedShape(Schema):
    """What the van holds now; ``is_repeated`` when this delivery was booked before."""

    quantity = Whole(required=True)
    is_repeated = Flag(required=True)


PartPage = page_of(PartShape)
VanStockList = list_of(VanStockShape)
ShortStockList = list_of(ShortStockShape)


@resource.get("/parts")
@policy(*roles.ALL)
@resource.arguments(PageArgs, location="query")
@resource.response(200, PartPage)
def list_parts(args: dict[str, Any]) -> object:
    """The catalogue, newest part first."""
    return queries.list_parts(current_session(), current_principal(), **args)


@resource.post("/parts")
@policy(*roles.CATALOGUERS)
@creates
@resource.arguments(NewPart)
@resource.response(201, PartShape)
def create_part(body: dict[str, Any]) -> object:
    """Add a part to the catalogue."""
    return commands.create_part(
        current_session(), by=current_principal(), company_currency=current_settings().currency, **body
    )


@resource.get("/parts/<uuid:part_id>")
@policy(*roles.ALL)
@resource.response(200, PartShape)
def read_part(part_id: uuid.UUID) -> object:
    """One part."""
    return queries.find_part(current_session(), current_principal(), part_id)


@resource.patch("/parts/<uuid:part_id>")
@policy(*roles.CATALOGUERS)
@changes
@resource.arguments(PartChanges)
@resource.response(200, PartShape)
def change_part(body: dict[str, Any], part_id: uuid.UUID) -> object:
    """Correct a part."""
    session, me = current_session(), current_principal()
    part = queries.find_part(session, me, part_id)
    return commands.update_part(session, by=me, part=part, changes=body, expected_version=expected_version())


@resource.get("/technicians/<uuid:technician_id>/van")
@policy(*roles.ALL)
@resource.response(200, VanStockList)
def read_van(technician_id: uuid.UUID) -> object:
    """What a technician's van should hold, by part number."""
    session, me = current_session(), current_principal()
    technician = find_technician(session, me, technician_id)
    rows = queries.van_stock(session, me, technician.id)
    return {"items": [held(part, quantity) for part, quantity in rows]}


@resource.get("/vans/below-zero")
@policy(*roles.ALL)
@resource.response(200, ShortStockList)
def list_vans_below_zero() -> object:
    """Stocks that were used beyond what was booked, for their keeper to explain (R-511)."""
    rows = queries.vans_below_zero(current_session(), current_principal())
    return {
        "items": [held(part, stock.quantity) | {"technician_id": stock.technician_id} for stock, part in rows]
    }


def held(part: Any, quantity: int) -> dict[str, object]:
    """Pieces of one part as they are shown."""
    return {
        "part_id": part.id,
        "sku": part.sku,
        "name_en": part.name_en,
        "name_zh": part.name_zh,
        "quantity": quantity,
    }


@resource.post("/technicians/<uuid:technician_id>/van")
@policy(*roles.DESK)
@creates
@resource.arguments(NewLoad)
@resource.response(201, LoadedShape)
def load_van(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Put parts on a technician's van."""
    session, me = current_session(), current_principal()
    technician = find_technician(session, me, technician_id)
    part = queries.part_named(session, body.pop("sku"))
    return commands.load_van(session, by=me, technician_id=technician.id, part=part, **body)
