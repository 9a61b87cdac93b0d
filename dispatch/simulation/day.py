"""
A generated day: the raw material of the demo, from the seed alone.

The same seed, day and sizes give the same day to the last byte. Every distribution is written down in
``docs/explanation/demo-day.md``. R-308, R-402, R-404, R-508 and R-202 each find their cases in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from dispatch.simulation.catalogue import load_catalogue
from dispatch.simulation.clientele import Clientele, Party, is_in_warranty
from dispatch.simulation.day_types import (
    EarlierOrder,
    GeneratedCall,
    GeneratedDay,
    GeneratedTechnician,
    ProblemTemplate,
    TimeSpan,
    TrueCourse,
)
from dispatch.simulation.places import CURRENCY, TIMEZONE, boundary, places
from dispatch.simulation.workforce import can_do, local, staff

DAY_BEFORE_SHARE = 0.55
NOON = 12 * 60
EVENING = 20 * 60 + 10
"""When the last call of the day before comes: twelve hours later the first shifts have just begun (R-402)."""
CALLS_PER_EMERGENCY = 13
REPEATS = ("repeat", "repeat", "old_repeat")
CHANNELS = {"phone": 60, "web": 20, "message": 12, "email": 5, "counter": 3}
SLOT_WEIGHTS = {8: 20, 10: 26, 12: 13, 14: 22, 16: 13, 18: 6}
"""Two-hour windows by first local hour: customers crowd 10-12 and 14-16 (R-303)."""

PAYMENT_WEIGHTS = {"card": 50, "qr": 22, "cash": 15, "transfer": 13}
RATING_WEIGHTS = {5: 62, 4: 25, 3: 9, 2: 3, 1: 1}
WORK_SPREAD = 0.22
EMERGENCY_WORK_SPREAD = 0.32
TRAVEL_SPREAD = 0.18
ABSENT_SHARE = 0.02
SOLVED_SHARE = 0.94
DELAY_SHARE = 0.12
DELAY_MEAN_MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """When a call comes in and what it is there for."""

    requested_at: datetime
    role: str
    needs_service_level: bool = False


def generate_day(seed: int, day: date, *, calls: int = 130, technicians: int = 16) -> GeneratedDay:
    """All technicians, customers and calls of one day; a pure function of its arguments."""
    team = staff(_stream(seed, day, "technicians"), day, technicians)
    clientele = Clientele(_stream(seed, day, "clientele"), day)
    chance = _stream(seed, day, "calls")
    earlier: list[EarlierOrder] = []
    made: list[GeneratedCall] = []
    plans = sorted(_plans(chance, day, calls), key=lambda plan: (plan.requested_at, plan.role))
    for serial, plan in enumerate(plans, start=1):
        template = _template(chance, plan, team, day)
        party = clientele.party(template, needs_service_level=plan.needs_service_level)
        order = _earlier_order(
            chance, plan=plan, party=party, template=template, team=team, day=day, serial=len(earlier) + 1
        )
        if order:
            earlier.append(order)
        made.append(
            _call(chance, serial=serial, plan=plan, template=template, party=party, earlier=order, day=day)
        )
    return GeneratedDay(
        seed=seed,
        day=day,
        timezone=TIMEZONE,
        currency=CURRENCY,
        boundary=boundary(),
        depot=places("depot")[0],
        skills=load_catalogue().skills,
        parts=load_catalogue().parts,
        templates=load_catalogue().templates,
        technicians=team,
        customers=tuple(clientele.customers),
        sites=tuple(clientele.sites),
        assets=tuple(clientele.assets),
        contracts=tuple(clientele.contracts),
        earlier_orders=tuple(earlier),
        calls=tuple(made),
    )


def _stream(seed: int, day: date, topic: str) -> Random:
    """A stream of chance of its own per topic, so that one more technician changes no customer."""
    return Random(f"{seed}:{day.isoformat()}:{topic}")


def _plans(chance: Random, day: date, calls: int) -> list[_Plan]:
    """Moments and roles: emergencies by day, one at noon; most others, repeats too, the day before."""
    emergencies = round(calls / CALLS_PER_EMERGENCY)
    before = min(round(calls * DAY_BEFORE_SHARE), calls - emergencies)
    roles = [*REPEATS[:before], *["ordinary"] * (before - len(REPEATS) - 1)]
    yesterday = day - timedelta(days=1)
    plans = [_Plan(local(yesterday, round(chance.triangular(480, 1199, 600))), role) for role in roles]
    if before > len(REPEATS):
        plans.append(_Plan(local(yesterday, EVENING), "evening", needs_service_level=True))
    for _ in range(calls - before - emergencies):
        plans.append(_Plan(local(day, round(chance.triangular(420, 930, 510))), "ordinary"))
    for rank in range(emergencies):
        drawn = chance.randint(480, 1020)
        moment = local(day, drawn if rank else NOON)
        plans.append(_Plan(moment, "emergency", needs_service_level=rank % 3 == 0))
    return plans


def _template(chance: Random, plan: _Plan, team: Sequence[GeneratedTechnician], day: date) -> ProblemTemplate:
    """A problem by its weight; repeats take one that at least two technicians can do."""
    kinds = load_catalogue().templates
    if plan.role in {"emergency", "evening"}:
        kinds = tuple(t for t in kinds if t.is_emergency)
    if plan.role in REPEATS:
        kinds = tuple(t for t in kinds if t.kind == "simple_repair" and _able(team, t, day)[1:]) or kinds
    return chance.choices(kinds, [t.weight for t in kinds])[0]


def _able(
    team: Sequence[GeneratedTechnician], template: ProblemTemplate, day: date
) -> list[GeneratedTechnician]:
    return [technician for technician in team if can_do(technician, template, day)]


def _earlier_order(
    chance: Random,
    *,
    plan: _Plan,
    party: Party,
    template: ProblemTemplate,
    team: Sequence[GeneratedTechnician],
    day: date,
    serial: int,
) -> EarlierOrder | None:
    """The completed order a repeat refers to: within 30 days (R-508), or too long ago to count."""
    if plan.role not in REPEATS:
        return None
    days_ago = chance.randint(4, 24) if plan.role == "repeat" else chance.randint(38, 50)
    return EarlierOrder(
        number=f"E-{serial}",
        asset=party.asset.number,
        template=template.code,
        technician=chance.choice(_able(team, template, day) or list(team)).number,
        completed_at=local(day - timedelta(days=days_ago), chance.randint(9 * 60, 16 * 60)),
        part_lot=f"LOT-{chance.randrange(1000):03d}",
    )


def _call(
    chance: Random,
    *,
    serial: int,
    plan: _Plan,
    template: ProblemTemplate,
    party: Party,
    earlier: EarlierOrder | None,
    day: date,
) -> GeneratedCall:
    """One call with everything the customer says, and what will really happen."""
    is_emergency = plan.role == "emergency"
    channel = "phone" if is_emergency else chance.choices(list(CHANNELS), list(CHANNELS.values()))[0]
    typed_after = chance.randint(0, 4) if channel in ("phone", "counter") else chance.randint(2, 40)
    customer = party.customer
    priority = 5 if is_emergency else min(4, template.priority + customer.needs_home_service)
    course = _course(chance, template, is_emergency=is_emergency)
    if plan.role == "evening":
        course = replace(course, is_customer_absent=False, is_solved=True)
    if customer.kind == "business":
        course = replace(course, payment_method="transfer")
    return GeneratedCall(
        number=f"K-{serial:03d}",
        channel=channel,
        requested_at=plan.requested_at,
        received_at=plan.requested_at + timedelta(minutes=typed_after),
        customer=customer.number,
        site=party.site.number,
        asset=party.asset.number,
        template=template.code,
        description=template.title_zh if customer.language == "zh" else template.title_en,
        priority=priority,
        case=_case(plan, template, party, day),
        is_emergency=is_emergency,
        earlier_order=earlier.number if earlier else None,
        preferred_windows=_wishes(chance, plan, day, typed_after),
        course=course,
    )


def _case(plan: _Plan, template: ProblemTemplate, party: Party, day: date) -> str:
    """What the call is there to show; the product works it out for itself."""
    if plan.role in REPEATS:
        return plan.role
    if template.fault_class == "use":
        return "guidance"
    if party.contract is not None:
        return "contract"
    return "warranty" if is_in_warranty(party.asset, day) else "paid"


def _wishes(chance: Random, plan: _Plan, day: date, typed_after: int) -> tuple[TimeSpan, ...]:
    """
    Up to three two-hour windows, the favourite first.

    An emergency wants somebody at once (R-401); whoever calls in the evening is there in the afternoon.
    """
    received_at = plan.requested_at + timedelta(minutes=typed_after)
    if plan.role == "evening":
        return tuple(TimeSpan(local(day, hour * 60), local(day, hour * 60 + 120)) for hour in (16, 14))
    if plan.role == "emergency":
        minutes = 60 if plan.needs_service_level else 120
        return (TimeSpan(plan.requested_at, plan.requested_at + timedelta(minutes=minutes)),)
    open_slots = {
        hour: weight
        for hour, weight in SLOT_WEIGHTS.items()
        if local(day, hour * 60) >= received_at + timedelta(minutes=60)
    }
    wishes: list[TimeSpan] = []
    for _ in range(chance.choice((1, 2, 2, 3))):
        if open_slots:
            hour = chance.choices(list(open_slots), list(open_slots.values()))[0]
            del open_slots[hour]
            wishes.append(TimeSpan(local(day, hour * 60), local(day, hour * 60 + 120)))
    return tuple(wishes)


def _course(chance: Random, template: ProblemTemplate, *, is_emergency: bool) -> TrueCourse:
    """The truth about the visit: lognormal around what the template says, mean kept."""
    spread = EMERGENCY_WORK_SPREAD if is_emergency else WORK_SPREAD
    is_delayed = chance.random() < DELAY_SHARE
    return TrueCourse(
        work_minutes=max(5, round(template.duration_minutes * _around_one(chance, spread, 0.5, 2.0))),
        travel_factor=round(_around_one(chance, TRAVEL_SPREAD, 0.7, 2.0), 3),
        departure_delay_minutes=math.ceil(chance.expovariate(1 / DELAY_MEAN_MINUTES)) if is_delayed else 0,
        is_customer_absent=not is_emergency and chance.random() < ABSENT_SHARE,
        is_solved=chance.random() < SOLVED_SHARE,
        rating=chance.choices(list(RATING_WEIGHTS), list(RATING_WEIGHTS.values()))[0],
        payment_method=chance.choices(list(PAYMENT_WEIGHTS), list(PAYMENT_WEIGHTS.values()))[0],
    )


def _around_one(chance: Random, spread: float, least: float, most: float) -> float:
    """A lognormal factor with mean one, cut at both ends."""
    return min(most, max(least, chance.lognormvariate(-spread * spread / 2, spread)))
