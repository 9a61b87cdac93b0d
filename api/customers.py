"""Customer files, sites and assets (R-103, R-106)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields
from marshmallow.validate import Length

from api import roles
from api.auth import current_principal, policy
from api.calls import CallerShape, EquipmentShape, PlaceShape
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Moment, Notes, Text, Whole, Word
from api.idempotency import creates
from api.past_orders import PastOrderShape
from api.resource import Resource
from api.schemas import ListOf, PageArgs, Position, Schema, list_of, page_of
from api.session import current_session
from dispatch import travel
from dispatch.customers import commands, queries
from dispatch.customers.rules import KINDS, LANGUAGES, QUALITIES, TIERS, Caller, Equipment, Place
from dispatch.territories.queries import find_territory
from dispatch.work_orders.views import advised_but_undone, asset_history

resource = Resource("customers", description="Customer files, sites and assets.")


class CustomerShape(Schema):
    """A person or business that asks for repairs."""

    id = Id(required=True)
    version = Whole(required=True)
    name = fields.String(required=True)
    kind = Word(KINDS, required=True)
    phone = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    language = Word(LANGUAGES, required=True)
    tier = Word(TIERS, required=True)
    needs_home_service = Flag(required=True)
    tax_id = fields.String(required=True, allow_none=True)
    notes = fields.String(required=True)
    no_show_marks = Whole(required=True)
    created_at = Moment(required=True)


class NewCustomer(CallerShape):
    """A file to be opened."""

    tier = Word(TIERS, load_default="C")
    tax_id = Text(64, allow_none=True, load_default=None)
    notes = Notes(load_default="")


class CustomerChanges(Schema):
    """What may change of a customer's file; what is left out stays."""

    name = Text()
    kind = Word(KINDS)
    phone = Text(64, allow_none=True)
    email = Text(254, allow_none=True)
    language = Word(LANGUAGES)
    tier = Word(TIERS)
    needs_home_service = Flag()
    tax_id = Text(64, allow_none=True)
    notes = Notes()


class SiteShape(Schema):
    """A place where visits happen; its position is approximate unless ``position_quality`` is ``exact``."""

    id = Id(required=True)
    version = Whole(required=True)
    customer_id = Id(required=True)
    territory_id = Id(required=True)
    address = fields.String(required=True)
    position = Position(required=True)
    position_quality = Word(QUALITIES, required=True)
    parking_minutes = Whole(required=True)
    access_minutes = Whole(required=True)
    access_notes = fields.String(required=True)
    safety_notes = fields.String(required=True)
    peak_months = fields.List(Whole(), required=True)
    peak_hours = fields.List(fields.List(Whole()), required=True)


class NewSite(PlaceShape):
    """A place of the customer; its territory follows from its position."""


class SiteChanges(Schema):
    """How the site is entered; another address is another site."""

    parking_minutes = Whole(0, 240)
    access_minutes = Whole(0, 240)
    access_notes = Notes(2000)
    safety_notes = Notes(2000)
    peak_months = ListOf(Whole(1, 12), 12)
    peak_hours = ListOf(fields.List(Whole(0, 24), validate=Length(equal=2)), 6)


class SitePosition(Schema):
    """Where a site really is."""

    position = Position(required=True)


class AssetShape(Schema):
    """A piece of equipment at a site."""

    id = Id(required=True)
    version = Whole(required=True)
    site_id = Id(required=True)
    product_kind = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True, allow_none=True)
    purchased_on = Day(required=True, allow_none=True)
    accepted_on = Day(required=True, allow_none=True)
    maker_warranty_until = Day(required=True, allow_none=True)


class NewAsset(EquipmentShape):
    """A piece of equipment with the days that decide warranty."""


class AssetChanges(Schema):
    """What may change of an asset; what is left out stays."""

    product_kind = Text(64)
    model = Text()
    serial = Text(64, allow_none=True)
    purchased_on = Day(allow_none=True)
    accepted_on = Day(allow_none=True)
    maker_warranty_until = Day(allow_none=True)


class AssetHistoryShape(Schema):
    """What is known of an asset: orders, which are unfinished, what was advised but not done."""

    orders = fields.List(fields.Nested(PastOrderShape), required=True)
    unfinished = fields.List(fields.Nested(PastOrderShape), required=True)
    advised = fields.List(fields.String(), required=True)


class CustomerArgs(PageArgs):
    """Looks into name, phone and mail address; ``phone`` finds all files with a number, however written."""

    search = Text(load_default=None)
    phone = Text(64, load_default=None)


CustomerPage = page_of(CustomerShape)
SiteList = list_of(SiteShape)
AssetList = list_of(AssetShape)


@resource.get("/customers")
@policy(*roles.READERS)
@resource.arguments(CustomerArgs, location="query")
@resource.response(200, CustomerPage)
def list_customers(args: dict[str, Any]) -> object:
    """Customers, newest first."""
    return queries.list_customers(current_session(), current_principal(), **args)


@resource.post("/customers")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewCustomer)
@resource.response(201, CustomerShape)
def create_customer(body: dict[str, Any]) -> object:
    """Open a file."""
    more = {name: body.pop(name) for name in ("tier", "tax_id", "notes")}
    return commands.create_customer(current_session(), by=current_principal(), caller=Caller(**body), **more)


@resource.get("/customers/<uuid:customer_id>")
@policy(*roles.READERS)
@resource.response(200, CustomerShape)
def read_customer(customer_id: uuid.UUID) -> object:
    """One customer's file."""
    return queries.find_customer(current_session(), current_principal(), customer_id)


@resource.patch("/customers/<uuid:customer_id>")
@policy(*roles.INTAKE)
@changes
@resource.arguments(CustomerChanges)
@resource.response(200, CustomerShape)
def change_customer(body: dict[str, Any], customer_id: uuid.UUID) -> object:
    """Correct a customer's file."""
    session, me = current_session(), current_principal()
    customer = queries.find_customer(session, me, customer_id)
    return commands.update_customer(
        session, by=me, customer=customer, changes=body, expected_version=expected_version()
    )


@resource.get("/customers/<uuid:customer_id>/sites")
@policy(*roles.READERS)
@resource.response(200, SiteList)
def list_sites(customer_id: uuid.UUID) -> object:
    """A customer's sites, oldest first."""
    session, me = current_session(), current_principal()
    customer = queries.find_customer(session, me, customer_id)
    return {"items": queries.sites_of(session, me, customer.id)}


@resource.post("/customers/<uuid:customer_id>/sites")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewSite)
@resource.response(201, SiteShape)
def add_site(body: dict[str, Any], customer_id: uuid.UUID) -> object:
    """Add a place; without a position its address is looked up."""
    session, me = current_session(), current_principal()
    customer = queries.find_customer(session, me, customer_id)
    return commands.add_site(
        session, by=me, customer=customer, place=Place(**body), geocoder=travel.addresses()
    )


@resource.get("/sites/<uuid:site_id>")
@policy(*roles.READERS)
@resource.response(200, SiteShape)
def read_site(site_id: uuid.UUID) -> object:
    """One site."""
    return queries.find_site(current_session(), current_principal(), site_id)


@resource.patch("/sites/<uuid:site_id>")
@policy(*roles.INTAKE)
@changes
@resource.arguments(SiteChanges)
@resource.response(200, SiteShape)
def change_site(body: dict[str, Any], site_id: uuid.UUID) -> object:
    """Correct how a site is entered."""
    session, me = current_session(), current_principal()
    site = queries.find_site(session, me, site_id)
    return commands.update_site(session, by=me, site=site, changes=body, expected_version=expected_version())


@resource.put("/sites/<uuid:site_id>/position")
@policy(*roles.INTAKE)
@changes
@resource.arguments(SitePosition)
@resource.response(200, SiteShape)
def correct_position(body: dict[str, Any], site_id: uuid.UUID) -> object:
    """Put a site that was entered approximately where it really is; days that go there are planned anew."""
    session, me = current_session(), current_principal()
    point = body["position"]
    return commands.correct_position(
        session,
        by=me,
        site=queries.find_site(session, me, site_id),
        position=travel.Point(point.latitude, point.longitude),
        expected_version=expected_version(),
    )


@resource.get("/territories/<uuid:territory_id>/approximate-sites")
@policy(*roles.READERS)
@resource.response(200, SiteList)
def list_approximate_sites(territory_id: uuid.UUID) -> object:
    """Sites that nobody has put where they really are yet, oldest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": queries.approximate_sites(session, place.id)}


@resource.get("/sites/<uuid:site_id>/assets")
@policy(*roles.READERS)
@resource.response(200, AssetList)
def list_assets(site_id: uuid.UUID) -> object:
    """The equipment at a site, oldest first."""
    return {"items": queries.assets_of(current_session(), current_principal(), site_id)}


@resource.post("/sites/<uuid:site_id>/assets")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewAsset)
@resource.response(201, AssetShape)
def add_asset(body: dict[str, Any], site_id: uuid.UUID) -> object:
    """Add a piece of equipment."""
    session, me = current_session(), current_principal()
    site = queries.find_site(session, me, site_id)
    return commands.add_asset(session, by=me, site=site, equipment=Equipment(**body))


@resource.get("/assets/<uuid:asset_id>")
@policy(*roles.READERS)
@resource.response(200, AssetShape)
def read_asset(asset_id: uuid.UUID) -> object:
    """One piece of equipment."""
    return queries.find_asset(current_session(), current_principal(), asset_id)


@resource.patch("/assets/<uuid:asset_id>")
@policy(*roles.INTAKE)
@changes
@resource.arguments(AssetChanges)
@resource.response(200, AssetShape)
def change_asset(body: dict[str, Any], asset_id: uuid.UUID) -> object:
    """Correct what is known of an asset."""
    session, me = current_session(), current_principal()
    asset = queries.find_asset(session, me, asset_id)
    return commands.update_asset(
        session, by=me, asset=asset, changes=body, expected_version=expected_version()
    )


@resource.get("/assets/<uuid:asset_id>/history")
@policy(*roles.READERS)
@resource.response(200, AssetHistoryShape)
def read_history(asset_id: uuid.UUID) -> object:
    """Former orders, unfinished work, and work advised but not done."""
    past = asset_history(current_session(), current_principal(), asset_id)
    unfinished = [order for order in past if order.is_unfinished]
    return {"orders": past, "unfinished": unfinished, "advised": advised_but_undone(past)}
