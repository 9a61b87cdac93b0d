"""
Builders of things for tests: every one works with defaults, and any field can be named.

World: Monday 2 March 2026, eight in the morning in Helsinki, is ``MORNING``. The territory is a square of
about ten kilometres around the centre. Times of day are given in local hours: ``at(14)`` is two o'clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.model import User
from dispatch.access.rules import Principal, Role
from dispatch.calls.model import ProblemTemplate, RepairCall
from dispatch.contracts.model import Contract
from dispatch.customers.model import Asset, Customer, Site
from dispatch.parts.model import Part, VanStock
from dispatch.promises.model import Promise
from dispatch.technicians.model import Absence, Certificate, Shift, Skill, Technician, TechnicianSkill
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Finding, PartUse, ServiceReport, Visit, VisitEvent, WorkOrder
from tests.world import CENTRE, DAY, MORNING, SQUARE, ZONE, at, frozen_clock, number, serial

__all__ = ["CENTRE", "DAY", "MORNING", "SQUARE", "ZONE", "at", "frozen_clock", "serial"]

Thing = TypeVar("Thing")


def _kept(session: Session, thing: Thing) -> Thing:
    session.add(thing)
    session.flush()
    return thing


def a_principal(role: Role = Role.DISPATCHER, **fields: Any) -> Principal:
    """Somebody who asks; every territory unless told otherwise."""
    return Principal(**{"user_id": uuid.uuid4(), "role": role, **fields})


def of(technician: Technician) -> Principal:
    """The technician as the one who asks."""
    return a_principal(
        Role.TECHNICIAN, technician_id=technician.id, territory_ids=frozenset({technician.territory_id})
    )


def a_user(session: Session, role: Role = Role.DISPATCHER, **fields: Any) -> User:
    """A person who can sign in; the password hash fits no password."""
    defaults = {
        "username": serial("user"),
        "display_name": "A user",
        "password_hash": "!",
        "role": role.value,
        "created_at": clock.now(),
    }
    return _kept(session, User(**{**defaults, **fields}))


def a_territory(session: Session, **fields: Any) -> Territory:
    """A square around the centre."""
    defaults = {
        "code": serial("T"),
        "name": "Centre",
        "timezone": ZONE,
        "boundary": SQUARE,
        "is_active": True,
    }
    return _kept(session, Territory(**{**defaults, **fields}))


def a_customer(session: Session, **fields: Any) -> Customer:
    """A person with a phone."""
    defaults = {"name": "Customer", "phone": f"+35850{next(number):07d}", "created_at": clock.now()}
    return _kept(session, Customer(**{**defaults, **fields}))


def a_site(
    session: Session, *, customer: Customer | None = None, territory: Territory | None = None, **fields: Any
) -> Site:
    """A site at the centre."""
    defaults = {
        "customer_id": (customer or a_customer(session)).id,
        "territory_id": (territory or a_territory(session)).id,
        "address": f"Testikatu {next(number)}, Helsinki",
        "latitude": CENTRE[0],
        "longitude": CENTRE[1],
    }
    return _kept(session, Site(**{**defaults, **fields}))


def an_asset(session: Session, *, site: Site | None = None, **fields: Any) -> Asset:
    """A boiler without any warranty."""
    defaults = {
        "site_id": (site or a_site(session)).id,
        "product_kind": "boiler",
        "model": "Kattila 20",
        "serial": serial("SN"),
    }
    return _kept(session, Asset(**{**defaults, **fields}))


def a_skill(session: Session, code: str = "gas") -> Skill:
    """A defined skill; the same one when it exists."""
    return session.get(Skill, code) or _kept(session, Skill(code=code, name_en=code, name_zh=code))


def a_technician(
    session: Session,
    *,
    territory: Territory | None = None,
    skills: Mapping[str, int] | None = None,
    certificates: Mapping[str, date] | None = None,
    **fields: Any,
) -> Technician:
    """A technician who lives at the centre; ``certificates`` maps code to the last day of validity."""
    for code in skills or {}:
        a_skill(session, code)
    defaults = {
        "number": serial("P"),
        "name": "Ada",
        "territory_id": (territory or a_territory(session)).id,
        "home_latitude": CENTRE[0],
        "home_longitude": CENTRE[1],
        "skills": [TechnicianSkill(skill_code=code, level=level) for code, level in (skills or {}).items()],
        "certificates": [
            Certificate(code=code, number=serial("C"), valid_from=date(2020, 1, 1), valid_until=until)
            for code, until in (certificates or {}).items()
        ],
    }
    return _kept(session, Technician(**{**defaults, **fields}))


def a_shift(session: Session, technician: Technician, **fields: Any) -> Shift:
    """Eight to sixteen on the test day, with a break of half an hour between eleven and thirteen."""
    defaults = {
        "technician_id": technician.id,
        "starts_at": at(8),
        "ends_at": at(16),
        "break_minutes": 30,
        "break_earliest": at(11),
        "break_latest": at(13),
    }
    return _kept(session, Shift(**{**defaults, **fields}))


def an_absence(session: Session, technician: Technician, **fields: Any) -> Absence:
    """Away for the whole test day."""
    defaults = {
        "technician_id": technician.id,
        "starts_at": at(0),
        "ends_at": at(24),
        "reason": "ill",
    }
    return _kept(session, Absence(**{**defaults, **fields}))


def a_part(session: Session, **fields: Any) -> Part:
    """An approved part for 12.50 euros."""
    sku = serial("SKU")
    defaults = {
        "sku": sku,
        "name_en": f"Part {sku}",
        "name_zh": f"零件 {sku}",
        "price_minor": 1250,
        "currency": "EUR",
        "is_approved": True,
    }
    return _kept(session, Part(**{**defaults, **fields}))


def van_stock(session: Session, technician: Technician, part: Part, quantity: int) -> VanStock:
    """What a van holds of a part."""
    return _kept(session, VanStock(technician_id=technician.id, part_id=part.id, quantity=quantity))


def a_contract(
    session: Session, *, customer: Customer, asset: Asset | None = None, **fields: Any
) -> Contract:
    """A contract of the year 2026 that covers labour and travel and answers within an hour."""
    defaults = {
        "number": serial("K"),
        "customer_id": customer.id,
        "asset_id": asset.id if asset else None,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "covers_labour": True,
        "covers_parts": False,
        "covers_travel": True,
        "response_minutes": 60,
        "resolution_minutes": 720,
    }
    return _kept(session, Contract(**{**defaults, **fields}))


def a_template(session: Session, **fields: Any) -> ProblemTemplate:
    """A boiler that does not heat: one hour, no skills, no parts."""
    defaults = {
        "code": serial("no_heat"),
        "title_en": "No heat",
        "title_zh": "不热",
        "product_kind": "boiler",
        "fault_class": "product",
        "kind": "simple_repair",
        "fault_code": "NO_HEAT",
        "duration_minutes": 60,
        "labour_norm_minutes": 60,
        "skills": {},
        "certificates": [],
        "parts": {},
        "priority": 3,
        "crew_size": 1,
        "guidance_en": "Turn the thermostat up.",
        "guidance_zh": "调高温控器。",
        "is_active": True,
    }
    for code in fields.get("skills", {}):
        a_skill(session, code)
    return _kept(session, ProblemTemplate(**{**defaults, **fields}))


def a_call(
    session: Session,
    *,
    site: Site | None = None,
    asset: Asset | None = None,
    template: ProblemTemplate | None = None,
    **fields: Any,
) -> RepairCall:
    """A call by phone, asked for a minute before it was typed in."""
    place = site or a_site(session)
    now = clock.now()
    defaults = {
        "channel": "phone",
        "requested_at": now - timedelta(minutes=1),
        "received_at": now,
        "customer_id": place.customer_id,
        "site_id": place.id,
        "asset_id": asset.id if asset else None,
        "territory_id": place.territory_id,
        "template_code": (template or a_template(session)).code,
        "description": "It is cold.",
    }
    return _kept(session, RepairCall(**{**defaults, **fields}))


def an_order(
    session: Session, *, site: Site | None = None, asset: Asset | None = None, **fields: Any
) -> WorkOrder:
    """An open order without visits; add them with ``a_visit(session, order=…)``."""
    place = site or (session.get_one(Site, asset.site_id) if asset else a_site(session))
    now = clock.now()
    defaults: dict[str, Any] = {
        "customer_id": place.customer_id,
        "site_id": place.id,
        "asset_id": asset.id if asset else None,
        "territory_id": place.territory_id,
        "state": "open",
        "fault_class": "product",
        "kind": "simple_repair",
        "fault_code": "NO_HEAT",
        "priority": 3,
        "requested_at": now - timedelta(hours=1),
        "opened_at": now,
        "estimate_labour_minor": 6000,
        "estimate_parts_minor": 1250,
        "estimate_travel_minor": 2000,
        "currency": "EUR",
        "labour_norm_minutes": 60,
        "excluded_technicians": [],
        "refused_part_lots": [],
    }
    return _kept(session, WorkOrder(**{**defaults, **fields}))


ASSIGNED_STATES = frozenset(
    {
        "published",
        "accepted",
        "travelling",
        "on_site",
        "working",
        "paused",
        "done",
        "verified",
        "closed",
        "no_access",
    }
)


def a_visit(
    session: Session,
    *,
    order: WorkOrder | None = None,
    technician: Technician | None = None,
    state: str = "unplanned",
    **fields: Any,
) -> Visit:
    """
    A visit in any state, put there directly: no history is written.

    From ``published`` on it has a technician and planned times; finished states have their times as well.
    """
    parent = order or an_order(session)
    defaults: dict[str, Any] = {
        "work_order": parent,
        "attempt": len(parent.visits) + 1,
        "state": state,
        "duration_minutes": 60,
        "skills": {},
        "certificates": [],
        "parts": {},
        "crew_size": 1,
    }
    if state in ASSIGNED_STATES or technician is not None:
        who = technician or a_technician(session, territory=session.get_one(Territory, parent.territory_id))
        defaults |= {"technician_id": who.id, "planned_start": at(9), "planned_end": at(10)}
    if state in {"done", "verified", "closed"}:
        defaults |= {"arrived_at": at(9), "started_at": at(9.25), "finished_at": at(10), "is_solved": True}
    return _kept(session, Visit(**{**defaults, **fields}))


def findings(session: Session, visit: Visit, **fields: Any) -> Finding:
    """What was found at a visit."""
    defaults = {
        "visit_id": visit.id,
        "fault": "Pump blocked",
        "cause": "Lime",
        "action": "Cleaned",
        "is_tested": True,
        "recorded_at": clock.now(),
    }
    return _kept(session, Finding(**{**defaults, **fields}))


def part_use(session: Session, visit: Visit, part: Part, **fields: Any) -> PartUse:
    """One piece fitted; the van's stock is not touched."""
    defaults = {
        "visit_id": visit.id,
        "part_id": part.id,
        "direction": "in",
        "quantity": 1,
        "recorded_at": clock.now(),
    }
    return _kept(session, PartUse(**{**defaults, **fields}))


def a_report(session: Session, visit: Visit, **fields: Any) -> ServiceReport:
    """A signed report whose text is a stand-in; use ``signing.sign`` where the text matters."""
    defaults = {
        "visit_id": visit.id,
        "shown": "{}",
        "shown_sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "signed_by_name": "Customer",
        "signature_path": "M0 0L9 9",
        "signed_at": clock.now(),
    }
    return _kept(session, ServiceReport(**{**defaults, **fields}))


def a_visit_event(session: Session, visit: Visit, **fields: Any) -> VisitEvent:
    """One step in a visit's history."""
    defaults = {
        "visit_id": visit.id,
        "from_state": "unplanned",
        "to_state": "planned",
        "actor": "dispatcher",
        "technician_id": visit.technician_id,
        "occurred_at": clock.now(),
        "recorded_at": clock.now(),
    }
    return _kept(session, VisitEvent(**{**defaults, **fields}))


def a_promise(session: Session, visit: Visit, **fields: Any) -> Promise:
    """The visit's window from nine to eleven, told the day before; copied to the visit."""
    defaults = {
        "visit_id": visit.id,
        "ordinal": 1,
        "window_start": at(9),
        "window_end": at(11),
        "promised_at": at(8, days=-1),
        "channel": "phone",
        "slot_cost_minor": 0,
        "reason": "first",
        "is_reservation": True,
    }
    told = _kept(session, Promise(**{**defaults, **fields}))
    visit.window_start, visit.window_end = told.window_start, told.window_end
    session.flush()
    return told
