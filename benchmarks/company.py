"""A company as large as a region, written into an empty database: towns, technicians and promised visits."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from dispatch.customers.model import Customer, Site
from dispatch.db import new_id
from dispatch.technicians.model import Shift, Skill, Technician, TechnicianSkill
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit, WorkOrder

SKILLS = ("gas", "cooling", "electric")
TOWNS = ((60.20, 24.90), (60.45, 22.25), (61.50, 23.75), (60.98, 25.65))
"""Middles of four towns, a hundred kilometres and more from one another."""
HALF_SIDE = (0.09, 0.18)
"""Half a side of a town's square of 20 km, in degrees."""
AROUND = [[59.0, 20.0], [59.0, 28.0], [63.0, 28.0], [63.0, 20.0]]
"""A boundary around all towns."""
Rows = list[dict[str, Any]]


def fill(
    session: Session,
    midnight: datetime,
    *,
    visits: int,
    technicians: int,
    seed: int,
    days: int = 1,
    minutes: tuple[int, int] = (20, 75),
) -> uuid.UUID:
    """
    Write the company and return its one territory.

    Shifts 8-17 with half an hour's break on each day, as many visits a day, of 20 to 75 minutes, promised in
    windows of two hours; of three skills a technician holds two, and half of the visits need one.
    """
    chance = random.Random(seed)
    place = Territory(code="REGION", name="Region", timezone="UTC", boundary=AROUND, is_active=True)
    session.add(place)
    session.add_all(Skill(code=code, name_en=code, name_zh=code) for code in SKILLS)
    session.flush()
    midnights = [midnight + timedelta(days=day) for day in range(days)]
    _crew(session, place.id, midnights, technicians, chance)
    for each in midnights:
        _work(session, place.id, each, chance, count=visits, minutes=minutes)
    return place.id


def _somewhere(number: int, chance: random.Random) -> tuple[float, float]:
    """A place in one of the towns, each in turn."""
    lat, lon = TOWNS[number % len(TOWNS)]
    return lat + chance.uniform(-1, 1) * HALF_SIDE[0], lon + chance.uniform(-1, 1) * HALF_SIDE[1]


def _crew(
    session: Session, territory_id: uuid.UUID, days: Sequence[datetime], count: int, chance: random.Random
) -> None:
    people: Rows = []
    shifts: Rows = []
    held: Rows = []
    for number in range(count):
        name, (lat, lon) = new_id(), _somewhere(number, chance)
        people.append(
            {"id": name, "number": f"P{number}", "name": f"Technician {number}", "territory_id": territory_id}
            | {"home_latitude": lat, "home_longitude": lon, "overtime_minutes": 0}
        )
        held += [{"technician_id": name, "skill_code": code, "level": 1} for code in chance.sample(SKILLS, 2)]
        for midnight in days:
            hours = {key: midnight + timedelta(hours=at) for key, at in _SHIFT.items()}
            shifts.append({"technician_id": name, "break_minutes": 30, **hours})
    for table, rows in ((Technician, people), (TechnicianSkill, held), (Shift, shifts)):
        session.execute(insert(table), rows)


_SHIFT = {"starts_at": 8, "ends_at": 17, "break_earliest": 11, "break_latest": 13}


def _work(
    session: Session,
    territory_id: uuid.UUID,
    midnight: datetime,
    chance: random.Random,
    *,
    count: int,
    minutes: tuple[int, int],
) -> None:
    customer = Customer(name="Customer", phone="+358500000000", created_at=midnight)
    session.add(customer)
    session.flush()
    sites: Rows = []
    orders: Rows = []
    visits: Rows = []
    for number in range(count):
        site, order, (lat, lon) = new_id(), new_id(), _somewhere(number, chance)
        sites.append(
            {
                "id": site,
                "customer_id": customer.id,
                "territory_id": territory_id,
                "address": f"Street {number}",
            }
            | {"latitude": lat, "longitude": lon, "parking_minutes": 0, "access_minutes": 0}
        )
        orders.append(
            {"id": order, "customer_id": customer.id, "site_id": site, "territory_id": territory_id, **_ORDER}
            | {"requested_at": midnight - timedelta(days=1), "opened_at": midnight - timedelta(days=1)}
        )
        opens = midnight + timedelta(hours=chance.choice(range(8, 15)))
        needs = {chance.choice(SKILLS): 1} if chance.random() < 0.5 else {}
        visits.append(
            {"work_order_id": order, "skills": needs, "duration_minutes": chance.randint(*minutes), **_VISIT}
            | {"window_start": opens, "window_end": opens + timedelta(hours=2)}
        )
    for table, rows in ((Site, sites), (WorkOrder, orders), (Visit, visits)):
        session.execute(insert(table), rows)


_ORDER: dict[str, Any] = {
    "state": "open",
    "fault_class": "product",
    "kind": "simple_repair",
    "fault_code": "NO_HEAT",
    "priority": 3,
    "estimate_labour_minor": 6000,
    "estimate_parts_minor": 0,
    "estimate_travel_minor": 2000,
    "currency": "EUR",
    "labour_norm_minutes": 60,
    "excluded_technicians": [],
    "refused_part_lots": [],
}
_VISIT: dict[str, Any] = {
    "attempt": 1,
    "state": "unplanned",
    "certificates": [],
    "parts": {},
    "crew_size": 1,
}
