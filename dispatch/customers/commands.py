"""Customer files, sites and assets are opened and kept up to date (R-103)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.customers import rules
from dispatch.customers.correcting import kept
from dispatch.customers.locating import PositionMissing, correct_position, locate
from dispatch.customers.model import Asset, Customer, Site
from dispatch.customers.rules import Caller, Equipment, Place
from dispatch.travel.geocode import Geocoder

__all__ = [
    "PositionMissing",
    "add_asset",
    "add_site",
    "correct_position",
    "create_customer",
    "update_asset",
    "update_customer",
    "update_site",
]

MOST_MINUTES = 240


def create_customer(
    session: Session,
    *,
    by: Principal | None,
    caller: Caller,
    tier: str = "C",
    tax_id: str | None = None,
    notes: str = "",
    region: str | None = None,
) -> Customer:
    """Open a file; an unknown caller gets one at once (R-103). R-106: the need of home service is marked."""
    customer = Customer(
        name=text.line(caller.name, "name"),
        kind=text.choice(caller.kind, "kind", rules.KINDS),
        phone=rules.phone_e164(caller.phone, region) if caller.phone else None,
        email=rules.checked_email(caller.email) if caller.email else None,
        language=text.choice(caller.language, "language", rules.LANGUAGES),
        tier=text.choice(tier, "tier", rules.TIERS),
        needs_home_service=caller.needs_home_service,
        tax_id=text.optional_line(tax_id, "tax_id", longest=text.CODE),
        notes=text.prose(notes, "notes"),
        created_at=clock.now(),
    )
    session.add(customer)
    db.flush(session)
    return customer


_CUSTOMER_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: text.line(value, "name"),
    "kind": lambda value: text.choice(value, "kind", rules.KINDS),
    "phone": lambda value: rules.phone_e164(value) if value else None,
    "email": lambda value: rules.checked_email(value) if value else None,
    "language": lambda value: text.choice(value, "language", rules.LANGUAGES),
    "tier": lambda value: text.choice(value, "tier", rules.TIERS),
    "needs_home_service": bool,
    "tax_id": lambda value: text.optional_line(value, "tax_id", longest=text.CODE),
    "notes": lambda value: text.prose(value, "notes"),
}


def update_customer(
    session: Session,
    *,
    by: Principal | None,
    customer: Customer,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
    tells_phones: bool = True,
) -> Customer:
    """Correct a customer's file; who tells phones themselves says so."""
    customer.expect_version(expected_version)
    _apply(customer, changes, _CUSTOMER_FIELDS)
    return kept(session, customer, of=customer.id, tells_phones=tells_phones)


def add_site(
    session: Session,
    *,
    by: Principal | None,
    customer: Customer,
    place: Place,
    geocoder: Geocoder | None = None,
) -> Site:
    """
    Add a place of the customer; its territory follows from its position.

    Raises ``AddressUnknown`` with suggestions, or ``OutsideEveryTerritory``; an address that is not found may
    be entered approximately (``locating``).
    """
    point, territory, quality = locate(session, by, place, geocoder)
    site = Site(
        customer_id=customer.id,
        territory_id=territory.id,
        address=text.line(place.address, "address", longest=300),
        latitude=point.lat,
        longitude=point.lon,
        position_quality=quality,
        parking_minutes=text.whole(place.parking_minutes, "parking_minutes", 0, MOST_MINUTES),
        access_minutes=text.whole(place.access_minutes, "access_minutes", 0, MOST_MINUTES),
        access_notes=text.prose(place.access_notes, "access_notes", longest=2_000),
        safety_notes=text.prose(place.safety_notes, "safety_notes", longest=2_000),
    )
    session.add(site)
    db.flush(session)
    return site


_SITE_FIELDS: dict[str, Callable[[Any], Any]] = {
    "parking_minutes": lambda value: text.whole(value, "parking_minutes", 0, MOST_MINUTES),
    "access_minutes": lambda value: text.whole(value, "access_minutes", 0, MOST_MINUTES),
    "access_notes": lambda value: text.prose(value, "access_notes", longest=2_000),
    "safety_notes": lambda value: text.prose(value, "safety_notes", longest=2_000),
    "peak_months": rules.checked_months,
    "peak_hours": rules.checked_hours,
}


def update_site(
    session: Session,
    *,
    by: Principal | None,
    site: Site,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
    tells_phones: bool = True,
) -> Site:
    """Correct how a site is entered; another address is another site, since records point at this one."""
    site.expect_version(expected_version)
    _apply(site, changes, _SITE_FIELDS)
    return kept(session, site, of=site.customer_id, tells_phones=tells_phones)


def add_asset(session: Session, *, by: Principal | None, site: Site, equipment: Equipment) -> Asset:
    """Add a piece of equipment at a site (R-103, R-404, R-405)."""
    rules.check_dates(equipment.purchased_on, equipment.accepted_on, equipment.maker_warranty_until)
    asset = Asset(
        site_id=site.id,
        product_kind=text.code(equipment.product_kind, "product_kind"),
        model=text.line(equipment.model, "model"),
        serial=text.optional_line(equipment.serial, "serial", longest=text.CODE),
        purchased_on=equipment.purchased_on,
        accepted_on=equipment.accepted_on,
        maker_warranty_until=equipment.maker_warranty_until,
    )
    session.add(asset)
    db.flush(session)
    return asset


_ASSET_FIELDS: dict[str, Callable[[Any], Any]] = {
    "product_kind": lambda value: text.code(value, "product_kind"),
    "model": lambda value: text.line(value, "model"),
    "serial": lambda value: text.optional_line(value, "serial", longest=text.CODE),
    "purchased_on": lambda value: value,
    "accepted_on": lambda value: value,
    "maker_warranty_until": lambda value: value,
}


def update_asset(
    session: Session,
    *,
    by: Principal | None,
    asset: Asset,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Asset:
    """Correct what is known of a piece of equipment."""
    asset.expect_version(expected_version)
    owner = session.get_one(Site, asset.site_id).customer_id
    _apply(asset, changes, _ASSET_FIELDS)
    rules.check_dates(asset.purchased_on, asset.accepted_on, asset.maker_warranty_until)
    return kept(session, asset, of=owner)


def _apply(thing: object, changes: Mapping[str, Any], fields: Mapping[str, Callable[[Any], Any]]) -> None:
    text.only_known(changes, frozenset(fields))
    checked = {name: fields[name](value) for name, value in changes.items()}
    for name, value in checked.items():
        setattr(thing, name, value)
