"""Technicians on duty on a generated day: skills, certificates, shifts, homes, vans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from dispatch.simulation import names
from dispatch.simulation.catalogue import load_catalogue
from dispatch.simulation.day_types import GeneratedTechnician, HeldCertificate, ProblemTemplate
from dispatch.simulation.places import TIMEZONE, places

SHIFTS = {"8-16": (8, 16), "11-19": (11, 19), "14-22": (14, 22)}
"""R-409: shift patterns by first and last local hour."""

BREAK_MINUTES = 30
OVERTIME_MINUTES = 60
EXPIRED_HOLDER = 9
EXPIRING_HOLDER = 5
SHORTAGE_SHARE = 0.04
CHINESE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Trade:
    """What one kind of technician has learnt."""

    skills: dict[str, int]
    certificates: tuple[str, ...]


HEAT = Trade({"heat_pump": 3, "refrigeration": 2, "electrical": 2}, ("f_gas", "electrical_safety"))
BOILER = Trade({"boiler": 3, "plumbing": 2, "electrical": 1}, ("gas_safety",))
APPLIANCE = Trade(
    {"appliance": 3, "electrical": 2, "plumbing": 1, "refrigeration": 1}, ("electrical_safety",)
)
COLD = Trade({"refrigeration": 3, "appliance": 2, "ventilation": 1}, ("f_gas",))
AIR = Trade({"ventilation": 2, "electrical": 2, "heat_pump": 2}, ("f_gas", "electrical_safety"))

ROSTER = (
    (HEAT, "8-16"),
    (BOILER, "8-16"),
    (APPLIANCE, "8-16"),
    (COLD, "8-16"),
    (AIR, "8-16"),
    (APPLIANCE, "11-19"),
    (HEAT, "11-19"),
    (BOILER, "11-19"),
    (BOILER, "8-16"),
    (AIR, "8-16"),
    (HEAT, "8-16"),
    (APPLIANCE, "14-22"),
    (COLD, "11-19"),
    (BOILER, "8-16"),
    (APPLIANCE, "8-16"),
    (HEAT, "14-22"),
)
"""Trade and shift by rank, repeated for more than 16: 10 early, 4 middle, 2 late."""


def local(day: date, minutes: int) -> datetime:
    """Minutes after local midnight of the district as a moment in UTC."""
    wall = datetime.combine(day, time(), ZoneInfo(TIMEZONE)) + timedelta(minutes=minutes)
    return wall.astimezone(UTC)


def _certificate(chance: Random, code: str, day: date, rank: int, place: int) -> HeldCertificate:
    """A certificate valid on the day, except one technician's, which has just expired."""
    left = chance.randint(60, 900)
    if place == 0 and rank == EXPIRED_HOLDER:
        left = -10
    if place == 0 and rank == EXPIRING_HOLDER:
        left = 14
    valid_until = day + timedelta(days=left)
    number = f"{code.upper().replace('_', '-')}-{chance.randrange(100_000):05d}"
    return HeldCertificate(code, number, valid_until - timedelta(days=1095), valid_until)


def can_do(technician: GeneratedTechnician, template: ProblemTemplate, day: date) -> bool:
    """Whether every skill and certificate of a problem is held on the day (R-501)."""
    held = {c.code for c in technician.certificates if c.valid_from <= day <= c.valid_until}
    skilled = all(technician.skills.get(skill, 0) >= level for skill, level in template.skills.items())
    return skilled and held.issuperset(template.certificates)


def _van_stock(chance: Random, skills: dict[str, int]) -> dict[str, int]:
    """Two to five of every part for the known problems; now and then one is missing (R-511)."""
    stock: dict[str, int] = {}
    for template in load_catalogue().templates:
        if skills.keys() >= template.skills.keys():
            for sku in template.parts:
                quantity = 0 if chance.random() < SHORTAGE_SHARE else chance.randint(2, 5)
                stock.setdefault(sku, quantity)
    return stock


def _technician(chance: Random, rank: int, day: date) -> GeneratedTechnician:
    trade, shift = ROSTER[rank % len(ROSTER)]
    language = "zh" if chance.random() < CHINESE_SHARE else "en"
    skills = dict(trade.skills)
    further = chance.choice(load_catalogue().skills).code
    skills[further] = max(skills.get(further, 0), chance.randint(1, 2))
    begins, ends = (hour * 60 for hour in SHIFTS[shift])
    homes = places("home")
    return GeneratedTechnician(
        number=f"T-{rank + 1:02d}",
        name=names.person(chance, language).written,
        language=language,
        skills=skills,
        certificates=tuple(
            _certificate(chance, code, day, rank, place) for place, code in enumerate(trade.certificates)
        ),
        home=homes[rank % len(homes)],
        shift=shift,
        shift_starts_at=local(day, begins),
        shift_ends_at=local(day, ends),
        break_minutes=BREAK_MINUTES,
        break_earliest=local(day, begins + 180),
        break_latest=local(day, begins + 300),
        overtime_minutes=OVERTIME_MINUTES,
        van_stock=_van_stock(chance, skills),
    )


def staff(chance: Random, day: date, count: int) -> tuple[GeneratedTechnician, ...]:
    """The technicians on duty."""
    return tuple(_technician(chance, rank, day) for rank in range(count))
