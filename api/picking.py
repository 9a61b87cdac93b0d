"""What the store sets aside for planned visits, and loading the van before setting out (R-304, R-511)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.config import current_settings
from api.fields import Day, Id, Moment, Text, Whole
from api.idempotency import creates
from api.papers import LanguageArgs, file_answer, serves
from api.resource import Resource
from api.schemas import Counts, ListOf, QuerySchema, Schema, list_of
from api.session import current_session
from dispatch.planning import picking, supplying
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory

resource = Resource("picking", description="Parts set aside for planned visits, and pick lists.")


class PartReservationShape(Schema):
    """
    Where the pieces of one part for a visit come from.

    ``from_store`` are set aside in the store and still to be picked; ``missing`` are nowhere.
    """

    visit_id = Id(required=True)
    technician_id = Id(required=True)
    start = Moment(required=True)
    sku = fields.String(required=True)
    from_van = Whole(required=True)
    from_store = Whole(required=True)
    missing = Whole(required=True)


class PickShape(Schema):
    """Pieces of one part to load from the store before setting out, and for which visits."""

    part_id = Id(required=True)
    sku = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    quantity = Whole(required=True)
    visit_ids = fields.List(Id(), required=True)


class PickArgs(QuerySchema):
    """Which day."""

    day = Day(required=True)


class PickSheetArgs(LanguageArgs):
    """Which day, and the paper's language."""

    day = Day(required=True)


class PickedPiece(Schema):
    """A piece of a part whose pieces are told apart."""

    sku = Text(64, required=True)
    serial = Text(64, required=True)


class Picked(Schema):
    """
    What was loaded, pieces by part number; what was not found stays on the list.

    ``serials`` names the pieces of parts with serial numbers.
    """

    day = Day(required=True)
    picked = Counts(200, required=True)
    serials = ListOf(fields.Nested(PickedPiece), 200, load_default=list)


class PickedShape(Schema):
    """What went to the van, each a transfer; and what is left on the list."""

    transfer_ids = fields.List(Id(), required=True)
    items = fields.List(fields.Nested(PickShape), required=True)


PartReservationList = list_of(PartReservationShape)
PickList = list_of(PickShape)


@resource.get(DAY_ADDRESS + "/reservations", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, PartReservationList)
def list_reservations(territory_id: uuid.UUID, day: str) -> object:
    """Where the parts of a published day come from; what is missing shows before the day starts."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": supplying.shares_on(session, place.id, day_in_address(day))}


@resource.get("/technicians/<uuid:technician_id>/pick-list")
@policy(*roles.ALL)
@resource.arguments(PickArgs, location="query")
@resource.response(200, PickList)
def read_pick_list(args: dict[str, Any], technician_id: uuid.UUID) -> object:
    """What a technician loads from the store for a day's published visits, by part number."""
    session = current_session()
    technician = find_technician(session, current_principal(), technician_id)
    return {"items": _shown(session, technician, args["day"])}


@resource.get("/technicians/<uuid:technician_id>/pick-list.pdf")
@policy(*roles.ALL)
@resource.arguments(PickSheetArgs, location="query")
@serves(resource)
def read_pick_sheet(args: dict[str, Any], technician_id: uuid.UUID) -> Response:
    """The same on paper, to be signed by whoever loads and whoever keeps the store."""
    from dispatch.planning import pick_papers

    session, settings = current_session(), current_settings()
    technician = find_technician(session, current_principal(), technician_id)
    language, day = args["language"] or settings.language, args["day"]
    content = pick_papers.pick_sheet(session, technician, day, language, settings)
    return file_answer(content, name=f"{technician.number}-{day.isoformat()}.pdf")


@resource.post("/technicians/<uuid:technician_id>/pick-list")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(Picked)
@resource.response(201, PickedShape)
def confirm_picked(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Note what was loaded: it leaves the store and is on the van."""
    session, me = current_session(), current_principal()
    technician = find_technician(session, me, technician_id)
    serials: dict[str, list[str]] = {}
    for piece in body.pop("serials"):
        serials.setdefault(piece["sku"], []).append(piece["serial"])
    done = picking.pick(session, by=me, technician=technician, serials=serials, **body)
    left = _shown(session, technician, body["day"])
    return {"transfer_ids": [row.id for row in done], "items": left}


def _shown(session: Any, technician: Any, day: Any) -> list[dict[str, object]]:
    return [
        {
            "part_id": one.part.id,
            "sku": one.part.sku,
            "name_en": one.part.name_en,
            "name_zh": one.part.name_zh,
            "quantity": one.quantity,
            "visit_ids": one.visit_ids,
        }
        for one in supplying.pick_list(session, technician, day)
    ]
