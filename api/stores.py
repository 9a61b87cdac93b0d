"""Stores: what the shelf of a territory holds, and parts that go from hand to hand (R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.parts import POSITIVE, LoadedShape, NewLoad, VanStockList, held
from api.resource import Resource
from api.schemas import Joined, Schema, list_of
from api.session import current_session
from dispatch.parts import commands, queries, transferring
from dispatch.parts.rules import STORE, TRANSFER_STATES, VAN, Place
from dispatch.parts.transferring import Wish
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory

resource = Resource("stores", description="The company's shelves, and parts from hand to hand.")

ENDS = ("supplier", "store", "van", "customer", "scrap", "count")
REASONS = ("fitted", "returned", "loaded", "counted", "transferred", "scrapped")


class NewDelivery(NewLoad):
    """Parts that a supplier brought; ``source`` names the delivery, each line of which counts once."""


class NewScrap(Schema):
    """Pieces taken out of use for good, and why."""

    sku = Text(64, required=True)
    quantity = Whole(required=True, metadata=POSITIVE)
    reason = Text(500, required=True)
    lot = Text(64, allow_none=True, load_default=None)
    serial = Text(64, allow_none=True, load_default=None)


class MovementShape(Schema):
    """One change of what a place holds; ``other_end`` is where the pieces came from or went."""

    id = Id(required=True)
    sku = fields.String(required=True)
    change = Whole(required=True)
    reason = Word(REASONS, required=True)
    other_end = Word(ENDS, required=True)
    other_technician_id = Id(required=True, allow_none=True)
    lot = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    recorded_by = Id(required=True, allow_none=True)
    moved_at = Moment(required=True)


class NewTransfer(Schema):
    """
    Pieces of one part from an end to the other; an end left out is the store.

    With an ``id`` of the caller's the same transfer may be sent again.
    """

    id = Id(allow_none=True, load_default=None)
    sku = Text(64, required=True)
    quantity = Whole(required=True, metadata=POSITIVE)
    giver_id = Id(allow_none=True, load_default=None)
    taker_id = Id(allow_none=True, load_default=None)
    lot = Text(64, allow_none=True, load_default=None)
    serial = Text(64, allow_none=True, load_default=None)
    note = Text(500, allow_none=True, load_default=None)


class TransferShape(Schema):
    """
    Pieces on their way: ``asked``, ``handed`` over, ``confirmed`` by the taker, or ``declined``.

    The giver keeps them until the taker confirms; an end without a technician is the store.
    """

    id = Id(required=True)
    version = Whole(required=True)
    territory_id = Id(required=True)
    sku = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)
    quantity = Whole(required=True)
    lot = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    giver_id = Id(required=True, allow_none=True)
    taker_id = Id(required=True, allow_none=True)
    state = Word(TRANSFER_STATES, required=True)
    note = fields.String(required=True, allow_none=True)
    asked_at = Moment(required=True)
    handed_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)


class GivenPiece(Schema):
    """Which piece, of a part with serial numbers."""

    serial = Text(64, allow_none=True, load_default=None)


class Declining(Schema):
    """Why a transfer is called off."""

    reason = Text(500, required=True)


MovementList = list_of(MovementShape)
TransferList = list_of(TransferShape)


@resource.get("/territories/<uuid:territory_id>/store")
@policy(*roles.ALL)
@resource.response(200, VanStockList)
def read_store(territory_id: uuid.UUID) -> object:
    """What the store of a territory should hold, by part number."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": [held(part, quantity) for part, quantity in queries.store_stock(session, place.id)]}


@resource.post("/territories/<uuid:territory_id>/store")
@policy(*roles.DESK)
@creates
@resource.arguments(NewDelivery)
@resource.response(201, LoadedShape)
def receive_delivery(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Put a delivery on the shelf."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    part = queries.part_named(session, body.pop("sku"))
    return commands.receive(session, by=me, territory_id=place.id, part=part, **body)


@resource.post("/territories/<uuid:territory_id>/store/scrap")
@policy(*roles.DESK)
@creates
@resource.arguments(NewScrap)
@resource.response(201, LoadedShape)
def scrap_from_store(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Take pieces of the shelf out of use."""
    session, me = current_session(), current_principal()
    place = Place(STORE, find_territory(session, me, territory_id).id)
    part = queries.part_named(session, body.pop("sku"))
    return commands.scrap(session, by=me, place=place, part=part, **body)


@resource.post("/technicians/<uuid:technician_id>/van/scrap")
@policy(*roles.DESK)
@creates
@resource.arguments(NewScrap)
@resource.response(201, LoadedShape)
def scrap_from_van(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Take pieces of a van out of use."""
    session, me = current_session(), current_principal()
    place = Place(VAN, find_technician(session, me, technician_id).id)
    part = queries.part_named(session, body.pop("sku"))
    return commands.scrap(session, by=me, place=place, part=part, **body)


@resource.get("/territories/<uuid:territory_id>/store/movements")
@policy(*roles.READERS)
@resource.response(200, MovementList)
def list_store_movements(territory_id: uuid.UUID) -> object:
    """The latest movements of a store, newest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": movements(queries.movements_at(session, Place(STORE, place.id)))}


@resource.get("/technicians/<uuid:technician_id>/van/movements")
@policy(*roles.ALL)
@resource.response(200, MovementList)
def list_van_movements(technician_id: uuid.UUID) -> object:
    """The latest movements of a van, newest first."""
    session = current_session()
    keeper = find_technician(session, current_principal(), technician_id)
    return {"items": movements(queries.movements_at(session, Place(VAN, keeper.id)))}


def movements(rows: Sequence[Any]) -> list[object]:
    """Movements with their part's number."""
    return [Joined(movement, sku=sku) for movement, sku in rows]


@resource.get("/territories/<uuid:territory_id>/transfers")
@policy(*roles.ALL)
@resource.response(200, TransferList)
def list_transfers(territory_id: uuid.UUID) -> object:
    """Transfers nobody has confirmed or declined, the oldest first; technicians see their own."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return {"items": [_with(part, row) for row, part in queries.open_transfers(session, me, place.id)]}


@resource.post("/territories/<uuid:territory_id>/transfers")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(NewTransfer)
@resource.response(201, TransferShape)
def ask_for_transfer(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Ask for parts from the store or from a colleague's van, or offer them."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    part = queries.part_named(session, body.pop("sku"))
    given = body.pop("id")
    wish = Wish(territory_id=place.id, part=part, **body)
    return _shown(transferring.ask(session, by=me, wish=wish, transfer_id=given))


@resource.get("/transfers/<uuid:transfer_id>")
@policy(*roles.ALL)
@resource.response(200, TransferShape)
def read_transfer(transfer_id: uuid.UUID) -> object:
    """One transfer."""
    return _shown(queries.find_transfer(current_session(), current_principal(), transfer_id))


@resource.post("/transfers/<uuid:transfer_id>/hand-over")
@policy(*roles.RECORDERS)
@resource.arguments(GivenPiece)
@resource.response(200, TransferShape)
def hand_over(body: dict[str, Any], transfer_id: uuid.UUID) -> object:
    """The giver says that the parts were given; again changes nothing."""
    session, me = current_session(), current_principal()
    found = queries.find_transfer(session, me, transfer_id)
    return _shown(transferring.hand_over(session, by=me, transfer=found, **body))


@resource.post("/transfers/<uuid:transfer_id>/confirm")
@policy(*roles.RECORDERS)
@resource.arguments(GivenPiece)
@resource.response(200, TransferShape)
def confirm(body: dict[str, Any], transfer_id: uuid.UUID) -> object:
    """The taker has the parts and keeps them from now on; again changes nothing."""
    session, me = current_session(), current_principal()
    found = queries.find_transfer(session, me, transfer_id)
    return _shown(transferring.confirm(session, by=me, transfer=found, **body))


@resource.post("/transfers/<uuid:transfer_id>/decline")
@policy(*roles.RECORDERS)
@resource.arguments(Declining)
@resource.response(200, TransferShape)
def decline(body: dict[str, Any], transfer_id: uuid.UUID) -> object:
    """Call a transfer off that nobody has confirmed."""
    session, me = current_session(), current_principal()
    found = queries.find_transfer(session, me, transfer_id)
    return _shown(transferring.decline(session, by=me, transfer=found, reason=body["reason"]))


def _shown(row: Any) -> object:
    return _with(queries.find_part(current_session(), current_principal(), row.part_id), row)


def _with(part: Any, row: Any) -> object:
    return Joined(row, sku=part.sku, name_en=part.name_en, name_zh=part.name_zh)
