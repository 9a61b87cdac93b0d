"""Customer files, sites and assets as a person may see them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from dispatch import text
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.customers import rules
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.customers.rules import EXACT
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut


def _visible(principal: Principal) -> ColumnElement[bool]:
    """A file is seen through its sites; one without any site belongs to whoever answers the phone (S1)."""
    if principal.role is Role.TECHNICIAN:
        return false()
    if principal.territory_ids is None:
        return true()
    sites = exists().where(Site.customer_id == Customer.id)
    return or_(~sites, sites.where(in_scope(principal, Site.territory_id)))


def _sites(principal: Principal) -> Select[Site]:
    seen = false() if principal.role is Role.TECHNICIAN else in_scope(principal, Site.territory_id)
    return select(Site).where(seen)


def find_customer(session: Session, principal: Principal, customer_id: uuid.UUID) -> Customer:
    """Return a customer's file."""
    found = session.scalar(select(Customer).where(Customer.id == customer_id, _visible(principal)))
    if found is None:
        raise NotFound("there is no such customer")
    return found


def find_site(session: Session, principal: Principal, site_id: uuid.UUID) -> Site:
    """Return a site."""
    found = session.scalar(_sites(principal).where(Site.id == site_id))
    if found is None:
        raise NotFound("there is no such site")
    return found


def approximate_sites(session: Session, territory_id: uuid.UUID) -> Sequence[Site]:
    """Return the sites of a territory whose position is not known exactly, oldest first."""
    statement = select(Site).where(Site.territory_id == territory_id, Site.position_quality != EXACT)
    return session.scalars(statement.order_by(Site.id)).all()


def find_asset(session: Session, principal: Principal, asset_id: uuid.UUID) -> Asset:
    """Return a piece of equipment."""
    sites = _sites(principal).with_only_columns(Site.id)
    found = session.scalar(select(Asset).where(Asset.id == asset_id, Asset.site_id.in_(sites)))
    if found is None:
        raise NotFound("there is no such asset")
    return found


def find_asset_of(session: Session, principal: Principal, customer: Customer, asset_id: uuid.UUID) -> Asset:
    """Return a piece of equipment that stands at one of the customer's sites."""
    asset = find_asset(session, principal, asset_id)
    if find_site(session, principal, asset.site_id).customer_id != customer.id:
        raise NotFound("there is no such asset")
    return asset


def customers_with_phone(
    session: Session, principal: Principal, phone: str, region: str | None = None
) -> Sequence[Customer]:
    """
    Return the files with this phone number, their own or a contact's, oldest first.

    More than one is a duplicate to be merged, or somebody who speaks for several customers.
    """
    number = rules.phone_e164(phone, region)
    statement = select(Customer).where(is_reached_by(number), _visible(principal))
    return session.scalars(statement.order_by(Customer.created_at, Customer.id)).all()


def is_reached_by(phone: str | None, email: str | None = None) -> ColumnElement[bool]:
    """R-103: whether a number or mail address is the customer's, or that of a contact in use."""
    own, person = aliased(Customer), CustomerContact
    ways = [select(own.id).where(own.phone == phone)] if phone else []
    ways += [select(own.id).where(own.email == email)] if email else []
    told = [column == words for column, words in ((person.phone, phone), (person.email, email)) if words]
    return Customer.id.in_(union_all(*ways, select(person.customer_id).where(or_(*told), person.is_active)))


def list_customers(
    session: Session,
    principal: Principal,
    *,
    search: str | None = None,
    phone: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Customer]:
    """
    Return customers, newest first; ``search`` looks into name, phone and mail address, contacts' too.

    ``phone`` is a whole number, however it is written; several files may have it (R-103).
    """
    statement = select(Customer).where(_visible(principal))
    if phone:
        statement = statement.where(is_reached_by(rules.phone_e164(phone, None)))
    if search:
        part = f"%{_escaped(text.prose(search, 'search'))}%"
        fields = (Customer.name, Customer.phone, Customer.email)
        person = CustomerContact
        people = exists().where(
            person.customer_id == Customer.id,
            person.is_active,
            _like(part, person.name, person.phone, person.email),
        )
        statement = statement.where(or_(_like(part, *fields), people))
    return cut(session, statement, Customer.id, cursor=cursor, limit=limit)


def _like(part: str, *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    return or_(*(column.ilike(part, escape="\\") for column in columns))


def _escaped(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def sites_of(session: Session, principal: Principal, customer_id: uuid.UUID) -> Sequence[Site]:
    """Return a customer's sites, oldest first."""
    return session.scalars(_sites(principal).where(Site.customer_id == customer_id).order_by(Site.id)).all()


def assets_of(session: Session, principal: Principal, site_id: uuid.UUID) -> Sequence[Asset]:
    """Return the equipment at a site, oldest first."""
    site = find_site(session, principal, site_id)
    return session.scalars(select(Asset).where(Asset.site_id == site.id).order_by(Asset.id)).all()


def site_at(session: Session, customer_id: uuid.UUID, address: str) -> Site | None:
    """Return the customer's site with this address, if there is one; for commands."""
    known = session.scalars(select(Site).where(Site.customer_id == customer_id).order_by(Site.id))
    return next((site for site in known if rules.same_address(site.address, address)), None)


def asset_like(session: Session, site_id: uuid.UUID, equipment: rules.Equipment) -> Asset | None:
    """Return the equipment at a site that is meant: same serial, or same model where no serial is known."""
    known = session.scalars(select(Asset).where(Asset.site_id == site_id).order_by(Asset.id)).all()
    serial = (equipment.serial or "").strip()
    if serial:
        return next((asset for asset in known if asset.serial == serial), None)
    model = equipment.model.strip().casefold()
    same = [a for a in known if a.product_kind == equipment.product_kind and a.model.casefold() == model]
    return same[0] if len(same) == 1 else None
