"""Tariffs: prices valid from a day on, never edited, only followed by newer ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.access.rules import Principal
from dispatch.billing.model import Tariff
from dispatch.contracts.rules import WARRANTY_DAYS
from dispatch.money import AmountInvalid, Money
from dispatch.parts import rules


def add_tariff(
    session: Session,
    *,
    by: Principal | None,
    code: str,
    valid_from: date,
    labour_per_hour: Money,
    travel_fee: Money,
    tax_rate: Decimal,
    payment_days: int = 14,
    minimum_minutes: int = 30,
    increment_minutes: int = 15,
    warranty_days: int = WARRANTY_DAYS,
    estimate_tolerance_percent: int = 10,
    company_currency: str | None = None,
) -> Tariff:
    """
    Add prices and terms that hold from a day on; both amounts in one currency, the tax rate as a fraction.

    Labour is billed in blocks of ``increment_minutes``, at least ``minimum_minutes``. Our own warranty lasts
    ``warranty_days`` (R-404); the customer is asked beyond ``estimate_tolerance_percent`` (R-204).
    """
    for price in (labour_per_hour, travel_fee):
        rules.checked_price(price, company_currency or labour_per_hour.currency)
    if not Decimal(0) <= tax_rate < Decimal(1):
        raise AmountInvalid(f"tax rate {tax_rate} is not a fraction between 0 and 1")
    tariff = Tariff(
        code=text.code(code, "code"),
        valid_from=valid_from,
        currency=labour_per_hour.currency,
        labour_per_hour_minor=labour_per_hour.minor,
        travel_fee_minor=travel_fee.minor,
        tax_rate=tax_rate,
        payment_days=text.whole(payment_days, "payment_days", 0, 365),
        minimum_minutes=text.whole(minimum_minutes, "minimum_minutes", 0, 480),
        increment_minutes=text.whole(increment_minutes, "increment_minutes", 1, 240),
        warranty_days=text.whole(warranty_days, "warranty_days", 0, 36_500),
        estimate_tolerance_percent=text.whole(
            estimate_tolerance_percent, "estimate_tolerance_percent", 0, 100
        ),
    )
    session.add(tariff)
    session.flush()
    return tariff
