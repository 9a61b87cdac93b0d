"""A generated company and what happens to it on a day: calls, wishes, emergencies, illness, durations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dispatch.simulation.places import places
from dispatch.travel.table import SHIPPED_DISTRICT, TableTravel
from optimizer.problem import Break, Matrix, Technician, Visit, Window

HOUR = 3_600
FIRST_DAY = date(2026, 3, 2)
OPENS, CLOSES = 8 * HOUR, 17 * HOUR
OVERTIME = 2 * HOUR
WEEKDAY_FACTOR = (1.2, 1.05, 1.0, 0.95, 0.9)
"""Calls from Monday to Friday against the mean."""
MINUTES = (30, 45, 60, 90, 120)
BUSY_HOURS = (10, 14)
"""R-303: when customers crowd."""
CROWDING, FLEXIBLE, ILL = 0.6, 0.35, 0.03
"""Shares: callers who wish for a busy hour, callers who take any, technicians who fall ill on a day."""
GAS = 0.25
"""Share of work that needs the skill."""


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Somebody who calls.

    called_at
        Second of the day; below zero: the day before.
    wish
        Hour in which they would like the visit to begin; None for any.
    """

    visit: Visit
    called_at: int
    wish: int | None
    is_emergency: bool = False


@dataclass(frozen=True, slots=True)
class DayPlot:
    """All that will happen on a day; nobody of the company knows it before."""

    day: date
    callers: Sequence[Caller]
    ill: dict[str, int]
    """Technician to the second at which they go home."""
    factors: dict[str, float]
    """Visit to its real length as a factor of the planned one."""
    seed: int

    def drive(self, origin: int, target: int, seconds: int) -> int:
        """How long a drive really takes."""
        chance = random.Random(f"{self.seed}:{origin}:{target}")
        return round(seconds * min(2.5, max(0.7, chance.lognormvariate(0.02, 0.22))))


@dataclass(frozen=True, slots=True)
class Company:
    """Technicians at their homes, and the roads of the shipped district."""

    crew: tuple[Technician, ...]
    matrix: Matrix
    sites: int


def a_company(technicians: int, seed: int) -> Company:
    """Draw a company: homes and skills differ from seed to seed."""
    rng = random.Random(seed)
    homes = [address.point for address in places("home")]
    sites = [address.point for address in places("site")]
    rng.shuffle(homes)
    rng.shuffle(sites)
    chosen = [homes[n % len(homes)] for n in range(technicians)]
    kept = sites[: min(len(sites), 300)]
    table = TableTravel(SHIPPED_DISTRICT).matrix([*chosen, *kept])
    crew = tuple(
        Technician(
            id=f"T{n + 1}",
            name=f"Technician {n + 1}",
            start=n,
            end=n,
            shift=Window(OPENS, CLOSES),
            overtime=OVERTIME,
            breaks=(Break(11 * HOUR, 13 * HOUR, 1_800),),
            skills={"gas": 2} if n % 2 == 0 else {},
        )
        for n in range(technicians)
    )
    return Company(crew, Matrix(table.seconds.tolist(), table.metres.tolist()), len(kept))


def a_day(company: Company, number: int, seed: int, *, calls_each: float) -> DayPlot:
    """Draw day ``number``: the same number and seed give the same day under every policy."""
    rng = random.Random(f"{seed}:{number}")
    weekday = number % 5
    day = FIRST_DAY + timedelta(days=number // 5 * 7 + weekday)
    expected = calls_each * len(company.crew) * WEEKDAY_FACTOR[weekday]
    count = max(1, round(rng.gauss(expected, expected**0.5)))
    callers = [_caller(company, rng, f"V{n + 1}") for n in range(count)]
    emergencies = rng.choice((0, 1, 1, 2, 2, 3))
    callers += [_emergency(company, rng, f"E{n + 1}") for n in range(emergencies)]
    callers.sort(key=lambda caller: (caller.called_at, caller.visit.id))
    factors = {caller.visit.id: min(2.5, max(0.5, rng.lognormvariate(-0.02, 0.3))) for caller in callers}
    ill = {who.id: rng.randint(9 * HOUR, 14 * HOUR) for who in company.crew if rng.random() < ILL}
    return DayPlot(day, callers, ill, factors, rng.randint(0, 2**31))


def _visit(company: Company, rng: random.Random, name: str, minutes: int, priority: int) -> Visit:
    return Visit(
        id=name,
        location=len(company.crew) + rng.randrange(company.sites),
        duration=60 * minutes,
        windows=(Window(OPENS, 36 * HOUR),),
        skills={"gas": 1} if rng.random() < GAS else {},
        priority=priority,
        optional=False,
    )


def _caller(company: Company, rng: random.Random, name: str) -> Caller:
    visit = _visit(company, rng, name, rng.choice(MINUTES), 3)
    called = -rng.randint(1, 9 * HOUR) if rng.random() < 0.7 else rng.randint(OPENS, 13 * HOUR)
    wish = rng.choice(BUSY_HOURS) if rng.random() < CROWDING else rng.randint(8, 16)
    return Caller(visit, called, None if rng.random() < FLEXIBLE else wish)


def _emergency(company: Company, rng: random.Random, name: str) -> Caller:
    visit = _visit(company, rng, name, rng.choice((45, 60, 90)), 5)
    return Caller(visit, rng.randint(9 * HOUR, 15 * HOUR), None, is_emergency=True)
