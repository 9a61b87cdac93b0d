"""
What a work order costs and who pays, from plain facts (R-601).

Warranty is a payer, not a discount: a covered line keeps its price and names the maker, the contract or our
goodwill as the one who pays (money §0.2).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from dispatch import money
from dispatch.contracts.rules import warranty_until

RULES = "2026.5"
"""Raised whenever the same facts would give other lines."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in force on the day of the work, in minor units."""

    code: str
    currency: str
    labour_per_hour_minor: int
    minimum_minutes: int
    increment_minutes: int
    travel_fee_minor: int
    tax_rate: Decimal
    warranty_days: int
    estimate_tolerance_percent: int


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """Work of one finished visit."""

    visit_id: str
    number: str
    work_seconds: int
    goes_along: bool = False
    """Whether a crew's leader is charged for the way: labour is each member's, the call-out is one."""
    break_seconds: int = 0
    """Breaks between start and end, which are no work; told in the explanation."""


@dataclass(frozen=True, slots=True)
class PartFacts:
    """Parts fitted during a visit."""

    use_id: str
    name_en: str
    name_zh: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """Everything a settlement depends on; the same facts give the same lines."""

    order_id: str
    worked_on: date
    """Last day of the work in the territory's zone."""
    fault_class: str
    is_repeat: bool
    accepted_on: date | None
    maker_warranty_until: date | None
    contract_covers: frozenset[str]
    """``labour``, ``travel``, ``part`` of a contract in force; empty without one."""
    estimate_minor: int
    approved_minor: int
    labour_norm_minutes: int
    visits: tuple[VisitFacts, ...]
    parts: tuple[PartFacts, ...]
    goodwill_reason: str | None = None
    """Why the house pays for all of it."""
    labour_discount_percent: int = 0
    """R-306: off the labour that the customer pays, for a kept reservation."""
    estimate_by_kind: dict[str, int] = field(default_factory=dict)
    """R-204: what the customer was told for labour, parts and travel; empty where it was one sum."""
    parts_norm_minor: int | None = None
    """R-204: what parts for the fault usually cost, of the whole order; None where nobody has said."""
    parts_before_minor: int = 0
    """What earlier settlements of the order hold for parts."""
    over_repair_percent: int = 200
    """R-204: beyond so much of the norm somebody looks at it."""
    warranty_counts_acceptance_day: bool = False
    """R-404: whether our own warranty is counted from the day of acceptance, or from the day after."""

    def fingerprint(self, prices: Prices) -> str:
        """Return the hash of facts and prices."""
        facts: dict[str, Any] = {"order": asdict(self), "prices": asdict(prices), "rules": RULES}
        text = json.dumps(facts, sort_keys=True, default=_plain, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Line:
    """One charge with its payer, before tax."""

    kind: str
    description_en: str
    description_zh: str
    quantity: Decimal
    unit: str
    unit_price_minor: int
    net_minor: int
    payer: str
    source: str
    explanation: str


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def payer_of(kind: str, facts: OrderFacts, prices: Prices) -> tuple[str, str]:
    """
    Return who pays a kind of line and why.

    What the house took on itself is goodwill, and a use fault is never covered (R-201). Otherwise: repeat
    repair's labour and travel are ours (R-508), the maker's warranty (R-405), our warranty from the
    acceptance day (R-404), the contract, the customer.
    """
    if facts.goodwill_reason is not None:
        return "goodwill", facts.goodwill_reason
    if facts.fault_class == "use":
        return "customer", "R-201: a use fault is not covered"
    return _covered_by(kind, facts, prices)


def _covered_by(kind: str, facts: OrderFacts, prices: Prices) -> tuple[str, str]:
    if facts.is_repeat and kind in {"labour", "travel"}:
        return "goodwill", "R-508: repeat repair inside the labour warranty"
    if facts.maker_warranty_until and facts.worked_on <= facts.maker_warranty_until:
        return "maker", f"R-405: maker's warranty until {facts.maker_warranty_until.isoformat()}"
    counts = facts.warranty_counts_acceptance_day
    until = warranty_until(facts.accepted_on, prices.warranty_days, counts_acceptance_day=counts)
    if facts.accepted_on and until and facts.accepted_on <= facts.worked_on <= until:
        return "goodwill", f"R-404: own warranty since {facts.accepted_on.isoformat()}"
    if kind in facts.contract_covers:
        return "contract", "the contract covers it"
    return "customer", "no coverage"


def billable_minutes(seconds: int, prices: Prices) -> int:
    """Round work up to the tariff's increment, at least its minimum block."""
    increment = prices.increment_minutes * 60
    rounded = -(-max(seconds, 1) // increment) * prices.increment_minutes
    return max(rounded, prices.minimum_minutes)


def hours_of(minutes: int) -> Decimal:
    """Return minutes as hours with three decimals: what is printed, and therefore what is multiplied."""
    return (Decimal(minutes) / 60).quantize(Decimal("0.001"))


def lines_of(facts: OrderFacts, prices: Prices) -> list[Line]:
    """Return the charges of an order in stable order: per visit labour and travel, then parts."""
    lines: list[Line] = []
    for visit in facts.visits:
        labour = _labour(visit, facts, prices)
        lines += [labour, *_discount(visit, labour, facts)]
        lines += [] if visit.goes_along else [_travel(visit, facts, prices)]
    return lines + [_part(part, facts, prices) for part in facts.parts]


def _labour(visit: VisitFacts, facts: OrderFacts, prices: Prices) -> Line:
    minutes = billable_minutes(visit.work_seconds, prices)
    hours = hours_of(minutes)
    payer, why = payer_of("labour", facts, prices)
    rest = f", {visit.break_seconds // 60} min of break left out" if visit.break_seconds else ""
    return Line(
        kind="labour",
        description_en=f"Labour, sheet {visit.number}",
        description_zh=f"维修工时费（派工单 {visit.number}）",
        quantity=hours,
        unit="HUR",
        unit_price_minor=prices.labour_per_hour_minor,
        net_minor=money.times(prices.labour_per_hour_minor, hours),
        payer=payer,
        source=f"labour:{visit.visit_id}",
        explanation=f"{visit.work_seconds // 60} min worked{rest}, {minutes} min billed; {why}",
    )


def _discount(visit: VisitFacts, labour: Line, facts: OrderFacts) -> list[Line]:
    """R-306: a kept reservation earns a discount on the labour that the customer pays."""
    percent = facts.labour_discount_percent
    off = money.times(labour.net_minor, Decimal(percent) / 100) if labour.payer == "customer" else 0
    if not off:
        return []
    found = Line(
        kind="labour",
        description_en=f"Reservation discount {percent} %, sheet {visit.number}",
        description_zh=f"预约优惠 {percent}%（派工单 {visit.number}）",
        quantity=Decimal(-1),
        unit="C62",
        unit_price_minor=off,
        net_minor=-off,
        payer="customer",
        source=f"discount:{visit.visit_id}",
        explanation="R-306: booked a day ahead and kept",
    )
    return [found]


def _travel(visit: VisitFacts, facts: OrderFacts, prices: Prices) -> Line:
    payer, why = payer_of("travel", facts, prices)
    return Line(
        kind="travel",
        description_en=f"Travel and call-out, sheet {visit.number}",
        description_zh=f"上门费（派工单 {visit.number}）",
        quantity=Decimal(1),
        unit="C62",
        unit_price_minor=prices.travel_fee_minor,
        net_minor=prices.travel_fee_minor,
        payer=payer,
        source=f"travel:{visit.visit_id}",
        explanation=f"one call-out a visit; {why}",
    )


def _part(part: PartFacts, facts: OrderFacts, prices: Prices) -> Line:
    payer, why = payer_of("part", facts, prices)
    return Line(
        kind="part",
        description_en=part.name_en,
        description_zh=part.name_zh,
        quantity=Decimal(part.quantity),
        unit="C62",
        unit_price_minor=part.unit_price_minor,
        net_minor=money.times(part.unit_price_minor, Decimal(part.quantity)),
        payer=payer,
        source=f"part:{part.use_id}",
        explanation=f"fitted; {why}",
    )


def review_reason(facts: OrderFacts, prices: Prices, lines: Sequence[Line]) -> str | None:
    """
    Return why a person must look before an invoice is issued, or None (R-204).

    The customer's lines exceed the estimate by more than the tolerance without an approval that covers them,
    or work or parts lie far above the norm of the fault and the customer pays for some of it.
    """
    charged = sum(line.net_minor for line in lines if line.payer == "customer")
    reasons = [_beyond_estimate(facts, prices, lines, charged)]
    if charged:
        reasons += [_long_work(facts), _dear_parts(facts, lines)]
    return "; ".join(reason for reason in reasons if reason) or None


def _beyond_estimate(facts: OrderFacts, prices: Prices, lines: Sequence[Line], charged: int) -> str | None:
    """R-204: tell what was charged of labour, parts and travel, and what was told of each."""
    tolerated = facts.estimate_minor * (100 + prices.estimate_tolerance_percent)
    if charged * 100 <= tolerated or charged <= facts.approved_minor:
        return None
    of_kind = Counter[str]()
    for line in lines:
        of_kind[line.kind] += line.net_minor if line.payer == "customer" else 0
    each = ", ".join(f"{kind} {of_kind[kind]} of {told}" for kind, told in facts.estimate_by_kind.items())
    detail = f": {each}" if each else ""
    return f"R-204: {charged} charged beyond the estimate of {facts.estimate_minor} without approval{detail}"


def _long_work(facts: OrderFacts) -> str | None:
    """R-204: the over-repair flag for labour."""
    worked, norm = sum(visit.work_seconds for visit in facts.visits) // 60, facts.labour_norm_minutes
    if not norm or worked * 100 <= norm * facts.over_repair_percent:
        return None
    return f"R-204: {worked} min worked, the norm is {norm}"


def _dear_parts(facts: OrderFacts, lines: Sequence[Line]) -> str | None:
    """R-204: the over-repair flag for parts, those of earlier settlements counted, once for each addition."""
    added, norm = sum(line.net_minor for line in lines if line.kind == "part"), facts.parts_norm_minor
    spent = facts.parts_before_minor + added
    if norm is None or not added or spent * 100 <= norm * facts.over_repair_percent:
        return None
    return f"R-204: parts for {spent}, the norm is {norm}"


@dataclass(frozen=True, slots=True)
class TaxedTotals:
    """Sums of one payer's lines; ``taxes`` are per line, in order, and add up exactly."""

    net_minor: int
    tax_minor: int
    gross_minor: int
    taxes: tuple[int, ...]


def totals(nets: Sequence[int], rate: Decimal) -> TaxedTotals:
    """Return net, tax and gross of lines of one tax rate (EN 16931: tax on the sum, rounded once)."""
    taxes = money.tax_of_lines(nets, rate)
    net, tax = sum(nets), sum(taxes)
    return TaxedTotals(net, tax, net + tax, tuple(taxes))


def estimate(minutes: int, parts_minor: int, prices: Prices, people: int = 1) -> tuple[int, int, int]:
    """Return labour, parts and travel in minor units, as told to the customer before the work (R-204)."""
    billed = billable_minutes(minutes * 60, prices)
    labour = people * money.times(prices.labour_per_hour_minor, hours_of(billed))
    return labour, parts_minor, prices.travel_fee_minor
