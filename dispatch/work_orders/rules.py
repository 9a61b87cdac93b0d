"""Policy of work orders on plain values: repeat repair, estimates, and what exactly a customer signs."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dispatch.money import AmountInvalid, CurrencyMismatch, Money, exponent
from dispatch.work_orders.lifecycle import FINISHED_STATES, VisitState

EMERGENCY = 5
HIGHEST_WITHOUT_JUDGEMENT = 4
REOPEN_WITHIN = timedelta(hours=2)
DEAREST_MINOR = 2_000_000_000


class FaultClass(StrEnum):
    """R-201: whose fault it is."""

    PRODUCT = "product"
    SERVICE = "service"
    USE = "use"


class OrderKind(StrEnum):
    """R-201: what kind of work it is."""

    MAINTENANCE = "maintenance"
    QUICK_REPAIR = "quick_repair"
    SIMPLE_REPAIR = "simple_repair"
    REWORK = "rework"
    INSTALLATION = "installation"
    INSPECTION = "inspection"
    DELIVERY = "delivery"
    TRAINING = "training"


HANDED_OVER = "handed over: "
"""Begins the reason why a record is not signed with which a colleague goes on; papers print their words."""

PLANNED_WORK = frozenset(
    {OrderKind.MAINTENANCE, OrderKind.INSPECTION, OrderKind.INSTALLATION, OrderKind.TRAINING}
)
"""R-307: work that nobody waits for, so that it can keep out of the way of a business."""


CREW = (1, 4)
"""R-203: how many people one visit may take, the least and the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """R-203: what a visit needs: skills with levels, certificates, parts by number, crew and minutes."""

    duration_minutes: int
    skills: Mapping[str, int] = field(default_factory=dict)
    certificates: tuple[str, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    crew_size: int = 1
    required_technician_id: uuid.UUID | None = None
    checklists: tuple[str, ...] = ()
    """Codes of the checklists to be answered (R-505)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """R-204: the price told before the work, in minor units before tax."""

    labour_minor: int
    parts_minor: int
    travel_minor: int
    currency: str

    @classmethod
    def of(cls, labour: Money, parts: Money, travel: Money, company_currency: str) -> Estimate:
        """Return an estimate in the company's currency; refuse negative amounts and other currencies."""
        for amount in (labour, parts, travel):
            exponent(amount.currency)
            if amount.currency != company_currency:
                raise CurrencyMismatch(f"the company's currency is {company_currency}, not {amount.currency}")
            if not 0 <= amount.minor <= DEAREST_MINOR:
                raise AmountInvalid(f"{amount} cannot be part of an estimate")
        return cls(
            labour_minor=labour.minor,
            parts_minor=parts.minor,
            travel_minor=travel.minor,
            currency=company_currency,
        )


@dataclass(frozen=True, slots=True)
class Repeat:
    """R-508: how an order repeats an earlier one: who must stay away, and which lots must not come back."""

    repeat_of_id: uuid.UUID | None = None
    excluded_technicians: tuple[uuid.UUID, ...] = ()
    refused_part_lots: tuple[str, ...] = ()
    overrule_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PastVisit:
    """A finished visit to the same asset for the same fault."""

    order_id: uuid.UUID
    technician_id: uuid.UUID | None
    state: VisitState
    finished_at: datetime


def is_repeat(past: PastVisit, on: datetime, within: timedelta) -> bool:
    """R-508: the same fault on the same asset came back within that time of a finished visit."""
    return past.state in FINISHED_STATES and on - within <= past.finished_at <= on


def technicians_to_avoid(past: Iterable[PastVisit], on: datetime, within: timedelta) -> tuple[uuid.UUID, ...]:
    """R-508: whoever repaired the same fault of this asset within that time is not sent again."""
    former = {visit.technician_id for visit in past if is_repeat(visit, on, within)}
    return tuple(sorted(technician for technician in former if technician is not None))


def raised_priority(priority: int, *, needs_home_service: bool) -> int:
    """R-106: elderly and disabled customers come one step earlier."""
    return one_step_up(priority) if needs_home_service else priority


def one_step_up(priority: int) -> int:
    """Return the next higher priority; an emergency is a judgement of its own."""
    return priority if priority >= HIGHEST_WITHOUT_JUDGEMENT else priority + 1


def canonical(shown: Mapping[str, Any]) -> str:
    """
    Return the one text form of what was shown to the customer (R-509).

    JSON with sorted keys, no blanks, characters as they are; numbers are integers or text, never floats, so
    that every device writes the same bytes in UTF-8.
    """
    return json.dumps(shown, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()
