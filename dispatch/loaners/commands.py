"""Everything that can be done with loaner units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.loaners import rules
from dispatch.loaners.lending import give_back, lend, serve_waiting
from dispatch.loaners.model import LoanerUnit
from dispatch.money import Money
from dispatch.territories.model import Territory

__all__ = ["add_unit", "change_unit", "give_back", "lend"]

CHANGEABLE = frozenset({"model", "charge", "is_retired"})


def add_unit(
    session: Session,
    *,
    by: Principal,
    territory: Territory,
    product_kind: str,
    model: str,
    serial: str,
    charge: Money,
    company_currency: str,
) -> LoanerUnit:
    """Enter a unit that may be lent; an order that waits for one gets it at once."""
    number = text.line(serial, "serial", longest=64)
    if session.scalar(select(LoanerUnit.id).where(LoanerUnit.serial == number)):
        raise rules.SerialTaken(f"unit {number} exists")
    unit = LoanerUnit(
        territory_id=territory.id,
        product_kind=text.code(product_kind, "product_kind"),
        model=text.line(model, "model"),
        serial=number,
        charge_minor=_checked(charge, company_currency).minor,
        currency=charge.currency,
        state="available",
    )
    session.add(unit)
    db.flush(session)
    serve_waiting(session)
    return unit


def change_unit(
    session: Session,
    *,
    by: Principal,
    unit: LoanerUnit,
    changes: Mapping[str, Any],
    company_currency: str,
    expected_version: int | None = None,
) -> LoanerUnit:
    """Rename or price a unit, retire it, or bring it back into use."""
    unit.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    if "is_retired" in changes:
        if unit.state in {"reserved", "out"}:
            raise rules.UnitBusy(f"unit {unit.serial} is {unit.state}")
        unit.state = "retired" if changes["is_retired"] else "available"
    if "model" in changes:
        unit.model = text.line(changes["model"], "model")
    if "charge" in changes:
        unit.charge_minor, unit.currency = (
            _checked(changes["charge"], company_currency).minor,
            changes["charge"].currency,
        )
    db.flush(session)
    serve_waiting(session)
    return unit


def _checked(charge: Money, company_currency: str) -> Money:
    if charge.minor < 0 or charge.currency != company_currency:
        raise rules.UnitInvalid(f"a charge is not below zero, and in {company_currency}")
    return charge
