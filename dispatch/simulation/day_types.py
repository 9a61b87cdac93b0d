"""What a generated day consists of: plain frozen records, no database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from dispatch.travel.geocode import Address


@dataclass(frozen=True, slots=True)
class Skill:
    """A named ability."""

    code: str
    name_en: str
    name_zh: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its list price before tax in cents."""

    sku: str
    name_en: str
    name_zh: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of equipment and its models."""

    kind: str
    name_en: str
    name_zh: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProblemTemplate:
    """What a kind of problem usually needs (R-203); ``weight`` and the two after it steer the generator."""

    code: str
    title_en: str
    title_zh: str
    product_kind: str
    fault_class: str
    kind: str
    fault_code: str
    skills: dict[str, int]
    certificates: tuple[str, ...]
    parts: dict[str, int]
    duration_minutes: int
    priority: int
    labour_norm_minutes: int
    weight: int
    business_share: float
    is_emergency: bool = False
    crew_size: int = 1
    guidance_en: str | None = None
    guidance_zh: str | None = None


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A right with its first and last day (R-501)."""

    code: str
    number: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class GeneratedTechnician:
    """One technician on duty that day; nobody real."""

    number: str
    name: str
    language: str
    skills: dict[str, int]
    certificates: tuple[HeldCertificate, ...]
    home: Address
    shift: str
    shift_starts_at: datetime
    shift_ends_at: datetime
    break_minutes: int
    break_earliest: datetime
    break_latest: datetime
    overtime_minutes: int
    van_stock: dict[str, int]


@dataclass(frozen=True, slots=True)
class GeneratedCustomer:
    """A customer file; nobody real. ``needs_home_service`` marks the elderly and disabled (R-106)."""

    number: str
    name: str
    kind: str
    phone: str
    email: str
    language: str
    tier: str
    needs_home_service: bool
    notes: str


@dataclass(frozen=True, slots=True)
class GeneratedSite:
    """A real address of the district, given to a generated customer."""

    number: str
    customer: str
    address: Address
    parking_minutes: int
    access_minutes: int
    access_notes: str


@dataclass(frozen=True, slots=True)
class GeneratedAsset:
    """A piece of equipment; ``accepted_on`` starts the warranty (R-404)."""

    number: str
    site: str
    product_kind: str
    model: str
    serial: str
    purchased_on: date
    accepted_on: date
    maker_warranty_until: date | None


@dataclass(frozen=True, slots=True)
class GeneratedContract:
    """Coverage and service level (R-401, R-402) of a customer, for all its equipment."""

    number: str
    customer: str
    valid_from: date
    valid_until: date
    covers_labour: bool
    covers_parts: bool
    covers_travel: bool
    response_minutes: int | None
    resolution_minutes: int | None


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    """An order completed before the day, so that a call can be its repeat (R-508)."""

    number: str
    asset: str
    template: str
    technician: str
    completed_at: datetime
    part_lot: str


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """An arrival window a customer would like."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TrueCourse:
    """What will really happen at the visit; the plan does not know it."""

    work_minutes: int
    travel_factor: float
    departure_delay_minutes: int
    is_customer_absent: bool
    is_solved: bool
    rating: int
    payment_method: str
    """``cash``, ``card``, ``qr`` or ``transfer``; used only if something is left to be paid."""


@dataclass(frozen=True, slots=True)
class GeneratedCall:
    """A repair call; ``case`` says what it is there to show."""

    number: str
    channel: str
    requested_at: datetime
    received_at: datetime
    customer: str
    site: str
    asset: str
    template: str
    description: str
    priority: int
    case: str
    """``paid``, ``warranty``, ``contract``, ``repeat``, ``old_repeat`` or ``guidance``."""
    is_emergency: bool
    earlier_order: str | None
    preferred_windows: tuple[TimeSpan, ...]
    course: TrueCourse


@dataclass(frozen=True, slots=True)
class GeneratedDay:
    """All raw material of one demo day, in a fixed order."""

    seed: int
    day: date
    timezone: str
    currency: str
    boundary: tuple[tuple[float, float], ...]
    """Ring of latitude and longitude around the district, for its territory."""
    depot: Address
    skills: tuple[Skill, ...]
    parts: tuple[Part, ...]
    templates: tuple[ProblemTemplate, ...]
    technicians: tuple[GeneratedTechnician, ...]
    customers: tuple[GeneratedCustomer, ...]
    sites: tuple[GeneratedSite, ...]
    assets: tuple[GeneratedAsset, ...]
    contracts: tuple[GeneratedContract, ...]
    earlier_orders: tuple[EarlierOrder, ...]
    calls: tuple[GeneratedCall, ...]

    @property
    def first_call_at(self) -> datetime:
        """The moment at which the story begins."""
        return min(call.received_at for call in self.calls)

    def canonical(self) -> str:
        """The whole day as JSON text; equal days have equal text."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, default=_text_of)

    def fingerprint(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def _text_of(moment: object) -> str:
    if isinstance(moment, date):
        return moment.isoformat()
    raise TypeError(f"{type(moment).__name__} has no canonical text")
