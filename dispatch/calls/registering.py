"""A repair call is taken: who, where, what, since when (R-101, R-103)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal
from dispatch.calls import rules
from dispatch.calls.model import ProblemTemplate, RepairCall
from dispatch.customers import commands as files
from dispatch.customers import contacts
from dispatch.customers import queries as customers
from dispatch.customers.model import Asset, Customer, CustomerContact, Site
from dispatch.customers.rules import Caller, Equipment, Person, Place, phone_e164
from dispatch.travel.geocode import Geocoder
from dispatch.work_orders.queries import open_order_of_asset
from dispatch.work_orders.rules import EMERGENCY, raised_priority


def register(
    session: Session,
    *,
    by: Principal,
    channel: str,
    template_code: str,
    requested_at: datetime,
    answered_at: datetime | None = None,
    customer_id: uuid.UUID | None = None,
    caller: Caller | None = None,
    site_id: uuid.UUID | None = None,
    place: Place | None = None,
    asset_id: uuid.UUID | None = None,
    equipment: Equipment | None = None,
    contact_id: uuid.UUID | None = None,
    contact: Person | None = None,
    customer_reference: str | None = None,
    description: str = "",
    demand: str = "",
    priority: int | None = None,
    allow_duplicate: bool = False,
    geocoder: Geocoder | None = None,
    region: str | None = None,
) -> RepairCall:
    """
    Register a call; customer, contact, site and asset are found or made on the way (R-103).

    Clocks run from ``requested_at``, not from now (R-101). The template prefills the priority, which rises
    for elderly and disabled customers (R-106). Raises ``DuplicateCall`` naming the open order of the asset,
    unless ``allow_duplicate`` says that it is about another fault.
    """
    asked, now = clock.aware(requested_at), clock.now()
    rules.check_requested(asked, now)
    template = usable_template(session, template_code)
    customer = _customer(session, by, customer_id, caller, region)
    site = _site(session, by, customer, site_id=site_id, place=place, geocoder=geocoder)
    asset = _asset(session, by, site, asset_id, equipment)
    speaks = _contact(session, by, customer, contact_id, contact, caller=caller, region=region)
    _refuse_duplicate(session, asset, allowed=allow_duplicate)
    call = RepairCall(
        channel=text.choice(channel, "channel", rules.CHANNELS),
        requested_at=asked,
        received_at=now,
        answered_at=rules.checked_answer(clock.aware(answered_at), asked, now) if answered_at else None,
        customer_id=customer.id,
        site_id=site.id,
        asset_id=asset.id if asset else None,
        contact_id=speaks.id if speaks else None,
        customer_reference=text.optional_line(customer_reference, "customer_reference", longest=text.CODE),
        territory_id=site.territory_id,
        template_code=template.code,
        description=text.prose(description, "description"),
        demand=text.prose(demand, "demand"),
        priority=_priority(template, customer, priority),
        taken_by=by.user_id,
    )
    session.add(call)
    db.flush(session)
    outbox.record(session, events.CallRegistered(call_id=str(call.id)))
    return call


def usable_template(session: Session, code: str) -> ProblemTemplate:
    """Return an active problem template, or refuse its code."""
    template = session.scalar(
        select(ProblemTemplate).where(ProblemTemplate.code == text.code(code, "template"))
    )
    if template is None:
        raise rules.TemplateUnknown(f"there is no template {code[: text.CODE]!r}")
    if not template.is_active:
        raise rules.TemplateInactive(f"template {template.code} is not in use")
    return template


def _customer(
    session: Session,
    by: Principal,
    customer_id: uuid.UUID | None,
    caller: Caller | None,
    region: str | None,
) -> Customer:
    """
    The customer named, the oldest file with the caller's own number, or a new file at once (R-103).

    A contact's number tells the customer where it is one customer's alone; else somebody has to name them.
    """
    if customer_id is not None:
        return customers.find_customer(session, by, customer_id)
    if caller is None:
        raise rules.CallerMissing("nobody is named as the customer")
    if caller.phone:
        _one_at_a_time(session, phone_e164(caller.phone, region))
        known = customers.customers_with_phone(session, by, caller.phone, region)
        number = phone_e164(caller.phone, region)
        own = [customer for customer in known if customer.phone == number]
        if own or len(known) == 1:
            return (own or known)[0]
        if known:
            raise rules.CallerOfSeveral(
                f"the caller speaks for {len(known)} customers",
                customer_ids=[str(customer.id) for customer in known],
            )
    return files.create_customer(session, by=by, caller=caller, region=region)


def _contact(
    session: Session,
    by: Principal,
    customer: Customer,
    contact_id: uuid.UUID | None,
    person: Person | None,
    *,
    caller: Caller | None,
    region: str | None,
) -> CustomerContact | None:
    """The contact named, one described who is found by number or added, or whose number the caller has."""
    if contact_id is not None:
        found = contacts.find_contact(session, by, contact_id)
        if found.customer_id != customer.id:
            raise rules.FileMismatch("the contact is another customer's")
        return found
    phone = person.phone if person is not None else caller.phone if caller is not None else None
    number = phone_e164(phone, region) if phone else None
    known = contacts.contact_with_phone(session, customer.id, number) if number else None
    if known is not None or person is None:
        return None if person is None and number == customer.phone else known
    return contacts.add_contact(session, by=by, customer=customer, person=person, region=region)


def _one_at_a_time(session: Session, phone: str) -> None:
    """Let one call from a number be registered at a time, so that a caller does not get two files."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(phone, 0))))


def _site(
    session: Session,
    by: Principal,
    customer: Customer,
    *,
    site_id: uuid.UUID | None,
    place: Place | None,
    geocoder: Geocoder | None,
) -> Site:
    if site_id is not None:
        site = customers.find_site(session, by, site_id)
        if site.customer_id != customer.id:
            raise rules.FileMismatch("the site belongs to another customer")
        return site
    if place is None:
        raise rules.CallerMissing("no place is named")
    known = customers.site_at(session, customer.id, place.address)
    if known is not None and by.may_see(known.territory_id):
        return known
    return files.add_site(session, by=by, customer=customer, place=place, geocoder=geocoder)


def _asset(
    session: Session,
    by: Principal,
    site: Site,
    asset_id: uuid.UUID | None,
    equipment: Equipment | None,
) -> Asset | None:
    if asset_id is not None:
        asset = customers.find_asset(session, by, asset_id)
        if asset.site_id != site.id:
            raise rules.FileMismatch("the asset stands at another site")
        return asset
    if equipment is None:
        return None
    known = customers.asset_like(session, site.id, equipment)
    return known or files.add_asset(session, by=by, site=site, equipment=equipment)


def _priority(template: ProblemTemplate, customer: Customer, told: int | None) -> int:
    """The template's priority or the one told, raised for elderly and disabled customers (R-106)."""
    usual = template.priority if told is None else text.whole(told, "priority", 1, EMERGENCY)
    return raised_priority(usual, needs_home_service=customer.needs_home_service)


def _refuse_duplicate(session: Session, asset: Asset | None, *, allowed: bool) -> None:
    """Let one call per asset be registered at a time, and refuse a second one for the same open work."""
    if asset is None:
        return
    session.execute(select(Asset.id).where(Asset.id == asset.id).with_for_update())
    if allowed:
        return
    order = open_order_of_asset(session, asset.id)
    if order is not None:
        raise rules.DuplicateCall(
            f"work order {order.number} is open for this asset",
            work_order=order.number,
            work_order_id=str(order.id),
        )
    waiting = select(RepairCall).where(RepairCall.asset_id == asset.id, RepairCall.state == "registered")
    call = session.scalars(waiting.limit(1)).first()
    if call is not None:
        raise rules.DuplicateCall(
            f"call {call.number} for this asset is not assessed yet", call=call.number, call_id=str(call.id)
        )
