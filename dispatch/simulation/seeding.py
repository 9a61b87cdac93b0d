"""
A generated day's master data and history, written with the commands that an import would use.

Customers without any history, contract or warranty are left out: they call for the first time and get their
file at the call (R-103).
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import update
from sqlalchemy.orm import Session

from dispatch.access import commands as access
from dispatch.access.hashing import Passwords
from dispatch.access.rules import Role
from dispatch.billing import commands as billing
from dispatch.calls import commands as calls
from dispatch.contracts import commands as contracts
from dispatch.contracts.commands import Terms
from dispatch.customers import commands as customers
from dispatch.customers.model import Asset, Site
from dispatch.customers.rules import Caller, Equipment, Place
from dispatch.money import Money
from dispatch.outbox import Schedule
from dispatch.parts import commands as parts
from dispatch.settings import Settings
from dispatch.simulation import timeline
from dispatch.simulation.day_types import EarlierOrder, GeneratedDay, GeneratedTechnician, ProblemTemplate
from dispatch.simulation.seldom import leave_out
from dispatch.technicians import commands as technicians
from dispatch.technicians.rules import Rest
from dispatch.territories import commands as territories
from dispatch.work_orders.lifecycle import OrderState, VisitState
from dispatch.work_orders.model import PartUse, Visit, WorkOrder
from dispatch.work_orders.rules import Needs

OFFICE = (Role.ADMIN, Role.DISPATCHER, Role.CALL_TAKER, Role.SUPERVISOR, Role.FINANCE)
LABOUR_PER_HOUR, TRAVEL_FEE, TAX_RATE = "72.00", "35.00", Decimal("0.255")
"""Prices of the demo company; the tax rate is Finland's general one."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a demo user signs in with."""

    username: str
    password: str = field(repr=False)
    code_secret: str | None = field(repr=False)


@dataclass(slots=True)
class World:
    """Ids of what was written, by the generated day's own numbers."""

    territory_id: uuid.UUID
    technicians: dict[str, uuid.UUID] = field(default_factory=dict)
    customers: dict[str, uuid.UUID] = field(default_factory=dict)
    sites: dict[str, uuid.UUID] = field(default_factory=dict)
    assets: dict[str, uuid.UUID] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)


def seed(session: Session, day: GeneratedDay) -> World:
    """
    Write territory, prices, catalogue, people, files, contracts, history and schedules.

    The clock comes first and in the same transaction: a scheduler that saw the schedules on the wall clock
    would take the day of the demo for one long gone. What it has seen of those that every installation has is
    forgotten.
    """
    timeline.set_clock(session, day.first_call_at)
    session.execute(update(Schedule).values(last_day=None))
    leave_out(session)
    territory = territories.create_territory(
        session,
        by=None,
        code="CENTRE",
        name="City centre",
        timezone=day.timezone,
        boundary=[list(point) for point in day.boundary],
    )
    world = World(territory.id)
    billing.add_tariff(
        session,
        by=None,
        code="2026",
        valid_from=date(day.day.year - 1, 1, 1),
        labour_per_hour=Money.parse(LABOUR_PER_HOUR, day.currency),
        travel_fee=Money.parse(TRAVEL_FEE, day.currency),
        tax_rate=TAX_RATE,
    )
    stock = _catalogue(session, day)
    for person in day.technicians:
        _technician(session, day, world, person, stock)
    _files(session, day, world)
    _contracts(session, day, world)
    for earlier in day.earlier_orders:
        _history(session, day, world, earlier, stock)
    _users(session, day, world)
    _schedules(session, day, world)
    session.flush()
    return world


def _catalogue(session: Session, day: GeneratedDay) -> dict[str, uuid.UUID]:
    for skill in day.skills:
        technicians.create_skill(
            session, by=None, code=skill.code, name_en=skill.name_en, name_zh=skill.name_zh
        )
    found = {}
    for part in day.parts:
        row = parts.create_part(
            session,
            by=None,
            sku=part.sku,
            name_en=part.name_en,
            name_zh=part.name_zh,
            price=Money(part.price_minor, day.currency),
            company_currency=day.currency,
        )
        found[part.sku] = row.id
    return found


def write_templates(session: Session, day: GeneratedDay) -> None:
    """Define the day's problem templates; needs the certificates of :func:`seed`."""
    for template in day.templates:
        calls.create_template(
            session,
            by=None,
            code=template.code,
            title_en=template.title_en,
            title_zh=template.title_zh,
            product_kind=template.product_kind,
            fault_class=template.fault_class,
            kind=template.kind,
            fault_code=template.fault_code,
            needs=Needs(
                duration_minutes=template.duration_minutes,
                skills=template.skills,
                certificates=template.certificates,
                parts=template.parts,
                crew_size=template.crew_size,
            ),
            labour_norm_minutes=template.labour_norm_minutes,
            priority=template.priority,
            guidance_en=template.guidance_en,
            guidance_zh=template.guidance_zh,
        )


def _technician(
    session: Session,
    day: GeneratedDay,
    world: World,
    person: GeneratedTechnician,
    stock: dict[str, uuid.UUID],
) -> None:
    from dispatch.parts.model import Part
    from dispatch.territories.model import Territory

    row = technicians.create_technician(
        session,
        by=None,
        number=person.number,
        name=person.name,
        territory=session.get_one(Territory, world.territory_id),
        home=(person.home.point.lat, person.home.point.lon),
        language=person.language,
        overtime_minutes=person.overtime_minutes,
        skills=person.skills,
    )
    for paper in person.certificates:
        technicians.add_certificate(
            session,
            by=None,
            technician=row,
            code=paper.code,
            number=paper.number,
            valid_from=paper.valid_from,
            valid_until=paper.valid_until,
        )
    for ahead in range(3):
        shift = timedelta(days=ahead)
        technicians.add_shift(
            session,
            by=None,
            technician=row,
            starts_at=person.shift_starts_at + shift,
            ends_at=person.shift_ends_at + shift,
            rest=Rest(person.break_minutes, person.break_earliest + shift, person.break_latest + shift),
        )
    for sku, quantity in ((sku, count) for sku, count in person.van_stock.items() if count):
        parts.load_van(
            session,
            by=None,
            technician_id=row.id,
            part=session.get_one(Part, stock[sku]),
            quantity=quantity,
            source=f"demo:{person.number}:{sku}",
            lot=f"LOT-{day.day.year}-A",
        )
    world.technicians[person.number] = row.id


def _known_customers(day: GeneratedDay) -> set[str]:
    """Customers with a file before the day: contract, history, special needs, or a warranty to look up."""
    plain = {call.customer for call in day.calls if call.case == "paid" and not call.is_emergency}
    bound = {contract.customer for contract in day.contracts}
    bound |= {customer.number for customer in day.customers if customer.needs_home_service}
    bound |= {call.customer for call in day.calls if call.case != "paid" or call.is_emergency}
    return {customer.number for customer in day.customers} - (plain - bound)


def _files(session: Session, day: GeneratedDay, world: World) -> None:
    from dispatch.customers.model import Customer

    known = _known_customers(day)
    for customer in day.customers:
        if customer.number in known:
            row = customers.create_customer(
                session,
                by=None,
                caller=Caller(
                    name=customer.name,
                    phone=customer.phone,
                    email=customer.email,
                    kind=customer.kind,
                    language=customer.language,
                    needs_home_service=customer.needs_home_service,
                ),
                tier=customer.tier,
                notes=customer.notes,
            )
            world.customers[customer.number] = row.id
    for site in day.sites:
        if site.customer in world.customers:
            place = Place(
                address=site.address.line,
                latitude=site.address.point.lat,
                longitude=site.address.point.lon,
                parking_minutes=site.parking_minutes,
                access_minutes=site.access_minutes,
                access_notes=site.access_notes,
            )
            owner = session.get_one(Customer, world.customers[site.customer])
            world.sites[site.number] = customers.add_site(session, by=None, customer=owner, place=place).id
    for asset in day.assets:
        if asset.site in world.sites:
            equipment = Equipment(
                product_kind=asset.product_kind,
                model=asset.model,
                serial=asset.serial,
                purchased_on=asset.purchased_on,
                accepted_on=asset.accepted_on,
                maker_warranty_until=asset.maker_warranty_until,
            )
            place_row = session.get_one(Site, world.sites[asset.site])
            world.assets[asset.number] = customers.add_asset(
                session, by=None, site=place_row, equipment=equipment
            ).id


def _contracts(session: Session, day: GeneratedDay, world: World) -> None:
    for contract in day.contracts:
        contracts.create_contract(
            session,
            by=None,
            number=contract.number,
            customer_id=world.customers[contract.customer],
            asset_id=None,
            valid_from=contract.valid_from,
            valid_until=contract.valid_until,
            terms=Terms(
                covers_labour=contract.covers_labour,
                covers_parts=contract.covers_parts,
                covers_travel=contract.covers_travel,
                response_minutes=contract.response_minutes,
                resolution_minutes=contract.resolution_minutes,
            ),
        )


def _history(
    session: Session, day: GeneratedDay, world: World, earlier: EarlierOrder, stock: dict[str, uuid.UUID]
) -> None:
    """Write an order of the past as an import does: closed, with its visit and the part fitted."""
    template = next(item for item in day.templates if item.code == earlier.template)
    asset = session.get_one(Asset, world.assets[earlier.asset])
    site = session.get_one(Site, asset.site_id)
    done = earlier.completed_at
    order = _past_order(template, asset, site, done, day.currency)
    session.add(order)
    session.flush()
    visit = Visit(
        work_order_id=order.id,
        state=VisitState.CLOSED,
        duration_minutes=template.duration_minutes,
        technician_id=world.technicians[earlier.technician],
        arrived_at=done - timedelta(minutes=template.duration_minutes),
        started_at=done - timedelta(minutes=template.duration_minutes),
        finished_at=done,
        is_solved=True,
        rating=4,
    )
    session.add(visit)
    session.flush()
    for sku in template.parts:
        session.add(
            PartUse(
                visit_id=visit.id,
                part_id=stock[sku],
                direction="in",
                quantity=1,
                lot=earlier.part_lot,
                recorded_at=done,
            )
        )


def _past_order(
    template: ProblemTemplate, asset: Asset, site: Site, done: datetime, currency: str
) -> WorkOrder:
    return WorkOrder(
        customer_id=site.customer_id,
        site_id=site.id,
        asset_id=asset.id,
        territory_id=site.territory_id,
        state=OrderState.CLOSED,
        fault_class=template.fault_class,
        kind=template.kind,
        fault_code=template.fault_code,
        requested_at=done - timedelta(days=1),
        opened_at=done - timedelta(days=1),
        currency=currency,
    )


def _users(session: Session, day: GeneratedDay, world: World) -> None:
    passwords = Passwords(Settings.from_environment().hash_cost)
    for role in OFFICE:
        _user(session, world, passwords, role.value, role)
    for person in day.technicians:
        _user(session, world, passwords, person.number.lower(), Role.TECHNICIAN, person)


def _user(  # noqa: PLR0917 - one row of a table, in the order of its columns
    session: Session,
    world: World,
    passwords: Passwords,
    username: str,
    role: Role,
    person: GeneratedTechnician | None = None,
) -> None:
    password = secrets.token_urlsafe(18)
    made = access.create_user(
        session,
        by=None,
        username=username,
        display_name=person.name if person else f"Demo {username.replace('_', ' ')}",
        password=password,
        role=role,
        passwords=passwords,
        language=person.language if person else "en",
        technician_id=world.technicians[person.number] if person else None,
        territory_ids=() if role is Role.ADMIN else (world.territory_id,),
    )
    world.logins[username] = Login(username, password, made.code_secret)


def _schedules(session: Session, day: GeneratedDay, world: World) -> None:
    """Say what runs by itself: the daily log half an hour after midnight, about the day before."""
    session.add(
        Schedule(
            name="daily-log",
            kind="performance.write_daily_log",
            timezone=day.timezone,
            minute_of_day=30,
            day_offset=-1,
            payload={"days_back": "1"},
            last_day=(day.day - timedelta(days=2)).isoformat(),
        )
    )
