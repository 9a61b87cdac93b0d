"""Tariffs: prices valid from a day on, never edited, only followed by newer ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.access.rules import Principal
from dispatch.billing.model import Tariff
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
    company_currency: str | None = None,
) -> Tariff:
    """Add the prices that hold from a day on; both amounts in one currency, the tax rate as a fraction."""
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
        payment_days=payment_days,
        minimum_minutes=30,
        increment_minutes=15,
        warranty_days=1095,
        estimate_tolerance_percent=10,
    )
    session.add(tariff)
    session.flush()
    return tariff
