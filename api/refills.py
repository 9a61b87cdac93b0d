"""Levels of vans and stores, what is proposed to refill them, orders from suppliers, and counts (R-511)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.parts import POSITIVE, LoadedShape
from api.resource import Resource
from api.schemas import Joined, ListOf, Schema, list_of
from api.session import current_session
from dispatch.access.rules import Role
from dispatch.parts import commands, counting, queries
from dispatch.parts.rules import COUNT_STATES, STORE, VAN, Place
from dispatch.planning import refilling
from dispatch.planning.refilling import Refill
from dispatch.technicians.queries import find_technician
from dispatch.territories.queries import find_territory

resource = Resource("refills", description="Levels of stock, what refills them, and counts.")

ORDER_STATES = ("ordered", "received", "cancelled")


class NewStockLevel(Schema):
    """How much of a part a place should have: below ``minimum`` it is refilled up to ``target``."""

    sku = Text(64, required=True)
    minimum = Whole(required=True)
    target = Whole(required=True)


class StockLevelShape(Schema):
    """A level as it counts now."""

    part_id = Id(required=True)
    quantity = Whole(required=True)
    minimum = Whole(required=True)
    target = Whole(required=True)


class NewStockCount(Schema):
    """Pieces that were counted; a difference needs its reason, and ``serials`` tell which they are."""

    sku = Text(64, required=True)
    counted = Whole(required=True, metadata={"minimum": 0, "maximum": 10_000})
    reason = Text(500, allow_none=True, load_default=None)
    serials = ListOf(Text(64), 200, allow_none=True, load_default=None)


class StockCountShape(Schema):
    """
    What was counted against what should have been there.

    ``open``: what differs on a van waits for the second signature, of the office where ``is_keepers``, else
    of the keeper. ``even``: nothing differs; ``overtaken``: a newer count stands.
    """

    id = Id(required=True)
    sku = fields.String(required=True)
    expected = Whole(required=True)
    counted = Whole(required=True)
    serials = fields.List(fields.String(), required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    technician_id = Id(required=True, allow_none=True)
    state = Word(COUNT_STATES, required=True)
    counted_by = Id(required=True)
    is_keepers = fields.Boolean(required=True)
    counted_at = Moment(required=True)
    decided_by = Id(required=True, allow_none=True)
    decided_at = Moment(required=True, allow_none=True)
    refusal = fields.String(required=True, allow_none=True)


class CountRefusal(Schema):
    """Why a count is not right."""

    reason = Text(500, required=True)


class RefillShape(Schema):
    """
    Pieces for a van from the store, or for the store from a supplier (without a technician).

    ``free`` is what is there or on its way, less what is promised to others.
    """

    technician_id = Id(required=True, allow_none=True)
    sku = fields.String(required=True)
    free = Whole(required=True)
    minimum = Whole(required=True)
    target = Whole(required=True)
    quantity = Whole(required=True)


class WantedRefill(Schema):
    """A proposal that is taken over, or a part of it."""

    technician_id = Id(allow_none=True, load_default=None)
    sku = Text(64, required=True)
    quantity = Whole(required=True, metadata=POSITIVE)


class WantedRefills(Schema):
    """Which proposals are taken over."""

    items = ListOf(fields.Nested(WantedRefill), 200, required=True)


class TakenOverShape(Schema):
    """Transfers asked of the store, and orders for suppliers."""

    transfer_ids = fields.List(Id(), required=True)
    part_order_ids = fields.List(Id(), required=True)


class PartOrderShape(Schema):
    """Pieces ordered from a supplier for a store."""

    id = Id(required=True)
    version = Whole(required=True)
    territory_id = Id(required=True)
    sku = fields.String(required=True)
    quantity = Whole(required=True)
    received = Whole(required=True)
    state = Word(ORDER_STATES, required=True)
    ordered_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class ReceivedOfOrder(Schema):
    """What came of an order; ``source`` names the delivery, which counts once."""

    quantity = Whole(required=True, metadata=POSITIVE)
    source = Text(100, required=True)
    lot = Text(64, allow_none=True, load_default=None)
    serial = Text(64, allow_none=True, load_default=None)


StockCountList = list_of(StockCountShape)
RefillList = list_of(RefillShape)
PartOrderList = list_of(PartOrderShape)


def _van(technician_id: uuid.UUID) -> Place:
    return Place(VAN, find_technician(current_session(), current_principal(), technician_id).id)


def _store(territory_id: uuid.UUID) -> Place:
    return Place(STORE, find_territory(current_session(), current_principal(), territory_id).id)


def _leveled(body: dict[str, Any], place: Place) -> object:
    session = current_session()
    part = queries.part_named(session, body.pop("sku"))
    return counting.set_level(session, by=current_principal(), place=place, part=part, **body)


def _counted(body: dict[str, Any], place: Place) -> object:
    session = current_session()
    part = queries.part_named(session, body.pop("sku"))
    row = counting.count(session, by=current_principal(), place=place, part=part, **body)
    return Joined(row, sku=part.sku)


def _told(row: Any) -> object:
    return Joined(row, sku=queries.find_part(current_session(), current_principal(), row.part_id).sku)


def _counts(place: Place) -> object:
    return {"items": [Joined(row, sku=sku) for row, sku in queries.counts_at(current_session(), place)]}


@resource.post("/technicians/<uuid:technician_id>/van/levels")
@policy(*roles.DESK)
@creates
@resource.arguments(NewStockLevel)
@resource.response(201, StockLevelShape)
def set_van_level(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Say how much of a part a van should have."""
    return _leveled(body, _van(technician_id))


@resource.post("/territories/<uuid:territory_id>/store/levels")
@policy(*roles.DESK)
@creates
@resource.arguments(NewStockLevel)
@resource.response(201, StockLevelShape)
def set_store_level(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Say how much of a part a store should have."""
    return _leveled(body, _store(territory_id))


@resource.get("/technicians/<uuid:technician_id>/van/counts")
@policy(*roles.ALL)
@resource.response(200, StockCountList)
def list_van_counts(technician_id: uuid.UUID) -> object:
    """The latest counts of a van, newest first."""
    return _counts(_van(technician_id))


@resource.post("/technicians/<uuid:technician_id>/van/counts")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(NewStockCount)
@resource.response(201, StockCountShape)
def count_van(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Count a part on a van; a difference is booked with its reason when somebody else has signed as well."""
    return _counted(body, _van(technician_id))


@resource.get("/territories/<uuid:territory_id>/stock-counts")
@policy(*roles.ALL)
@resource.response(200, StockCountList)
def list_open_counts(territory_id: uuid.UUID) -> object:
    """Counts of vans that wait for their second signature, the oldest first; technicians see their own."""
    me = current_principal()
    only = me.technician_id if me.role is Role.TECHNICIAN else None
    rows = queries.open_counts(current_session(), _store(territory_id).id, only)
    return {"items": [Joined(row, sku=sku) for row, sku in rows]}


@resource.post("/stock-counts/<uuid:count_id>/sign")
@policy(*roles.RECORDERS)
@resource.response(200, StockCountShape)
def sign_count(count_id: uuid.UUID) -> object:
    """Sign somebody else's count of a van: what differs is its keeper's from now on."""
    session, me = current_session(), current_principal()
    return _told(counting.sign(session, by=me, row=queries.find_count(session, me, count_id)))


@resource.post("/stock-counts/<uuid:count_id>/refuse")
@policy(*roles.RECORDERS)
@resource.arguments(CountRefusal)
@resource.response(200, StockCountShape)
def refuse_count(body: dict[str, Any], count_id: uuid.UUID) -> object:
    """Say why a count is not right; nothing is booked, and the van is counted again."""
    session, me = current_session(), current_principal()
    row = queries.find_count(session, me, count_id)
    return _told(counting.refuse(session, by=me, row=row, reason=body["reason"]))


@resource.get("/territories/<uuid:territory_id>/store/counts")
@policy(*roles.READERS)
@resource.response(200, StockCountList)
def list_store_counts(territory_id: uuid.UUID) -> object:
    """The latest counts of a store, newest first."""
    return _counts(_store(territory_id))


@resource.post("/territories/<uuid:territory_id>/store/counts")
@policy(*roles.DESK)
@creates
@resource.arguments(NewStockCount)
@resource.response(201, StockCountShape)
def count_store(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Count a part in a store; the difference is booked with its reason."""
    return _counted(body, _store(territory_id))


@resource.get("/territories/<uuid:territory_id>/refills")
@policy(*roles.READERS)
@resource.response(200, RefillList)
def list_refills(territory_id: uuid.UUID) -> object:
    """What is proposed: vans from the store, the store from a supplier, planned visits included."""
    return {"items": refilling.refills(current_session(), _store(territory_id).id)}


@resource.post("/territories/<uuid:territory_id>/refills")
@policy(*roles.DESK)
@creates
@resource.arguments(WantedRefills)
@resource.response(201, TakenOverShape)
def take_refills_over(body: dict[str, Any], territory_id: uuid.UUID) -> object:
    """Take proposals over: vans ask the store, the store orders."""
    wanted = [
        Refill(one["technician_id"], one["sku"], free=0, minimum=0, target=0, quantity=one["quantity"])
        for one in body["items"]
    ]
    transfers, orders = refilling.take_over(
        current_session(), by=current_principal(), territory_id=_store(territory_id).id, wanted=wanted
    )
    return {"transfer_ids": [row.id for row in transfers], "part_order_ids": [row.id for row in orders]}


@resource.get("/territories/<uuid:territory_id>/part-orders")
@policy(*roles.READERS)
@resource.response(200, PartOrderList)
def list_part_orders(territory_id: uuid.UUID) -> object:
    """What a store still expects from suppliers, the oldest first."""
    rows = queries.open_orders(current_session(), _store(territory_id).id)
    return {"items": [Joined(row, sku=sku) for row, sku in rows]}


@resource.post("/part-orders/<uuid:part_order_id>/receive")
@policy(*roles.DESK)
@creates
@resource.arguments(ReceivedOfOrder)
@resource.response(201, LoadedShape)
def receive_part_order(body: dict[str, Any], part_order_id: uuid.UUID) -> object:
    """Put what came of an order on the shelf."""
    session, me = current_session(), current_principal()
    return commands.receive_order(
        session, by=me, order=queries.find_order(session, me, part_order_id), **body
    )


@resource.post("/part-orders/<uuid:part_order_id>/cancel")
@policy(*roles.DESK)
@resource.response(200, PartOrderShape)
def cancel_part_order(part_order_id: uuid.UUID) -> object:
    """Note that the rest of an order will not come."""
    session, me = current_session(), current_principal()
    row = commands.cancel_order(session, by=me, order=queries.find_order(session, me, part_order_id))
    return Joined(row, sku=queries.find_part(session, me, row.part_id).sku)
