"""What a contract covers, how fast it obliges us, and when care is due (R-401, R-402, R-404, R-406)."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dispatch.errors import Conflict, Invalid

if TYPE_CHECKING:
    from dispatch.contracts.model import Contract

WARRANTY_DAYS = 1095
"""R-404: three years, unless the tariff says otherwise."""


class ContractInvalid(Invalid):
    """A contract ends before it begins, or promises a time or an interval that is not positive."""

    code = "CONTRACT_INVALID"
    remedy = "Give an end after the begin, and positive minutes and months."


class ContractNumberTaken(Conflict):
    """Another contract has this number already."""

    code = "CONTRACT_NUMBER_TAKEN"
    remedy = "Choose another number, or change the existing contract."


class HouseRuleInvalid(Invalid):
    """A rule of the house is not known, or its value is not possible."""

    code = "HOUSE_RULE_INVALID"
    remedy = "Use the names and ranges that reading the house rules shows."


class CalendarCodeTaken(Conflict):
    """Another calendar has this code already."""

    code = "CALENDAR_CODE_TAKEN"
    remedy = "Choose another code, or change the existing calendar."


def is_in_force(contract: Contract, day: date) -> bool:
    """Tell whether a contract counts on a day, both ends included."""
    return contract.valid_from <= day <= contract.valid_until


def covered_by(contract: Contract | None, day: date) -> frozenset[str]:
    """Return which kinds of line (labour, travel, part) a contract pays on a day; none outside its days."""
    if contract is None or not is_in_force(contract, day):
        return frozenset()
    flags = {
        "labour": contract.covers_labour,
        "travel": contract.covers_travel,
        "part": contract.covers_parts,
    }
    return frozenset(kind for kind, is_covered in flags.items() if is_covered)


def next_due(last: date, every_months: int) -> date:
    """R-406: the same day of the month some months later, or that month's last day."""
    if every_months < 1:
        raise ContractInvalid(f"{every_months} months is no interval")
    months = last.month - 1 + every_months
    year, month = last.year + months // 12, months % 12 + 1
    return date(year, month, min(last.day, calendar.monthrange(year, month)[1]))


def warranty_until(
    accepted_on: date | None, days: int, *, counts_acceptance_day: bool = False
) -> date | None:
    """
    R-404: the last day of our own warranty; None without an acceptance.

    It covers the day of acceptance; its ``days`` are counted from that day on, or from the day after.
    """
    if accepted_on is None:
        return None
    return accepted_on + timedelta(days=max(0, days - counts_acceptance_day))
