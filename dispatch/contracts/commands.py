"""Contracts are made, changed and cared for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.contracts import rules
from dispatch.contracts.hours import DAY_MINUTES, check_country
from dispatch.contracts.house_rules import merged, rules_row
from dispatch.contracts.model import Contract, ServiceCalendar
from dispatch.contracts.queries import find_calendar

CHANGEABLE = frozenset(
    {
        "valid_until",
        "covers_labour",
        "covers_parts",
        "covers_travel",
        "response_minutes",
        "resolution_minutes",
        "calendar_id",
        "pauses_for",
        "inspection_every_months",
        "next_inspection_due_on",
        "house_rules",
    }
)
CALENDAR_CHANGEABLE = frozenset({"name", "hours", "country", "subdivision", "days_worked", "days_off"})
PAUSES = frozenset({"customer", "part"})
MOST_MINUTES = 60 * 24 * 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed: coverage, response and resolution in minutes (R-401, R-402), care in months (R-406)."""

    covers_labour: bool = True
    covers_parts: bool = False
    covers_travel: bool = True
    response_minutes: int | None = None
    resolution_minutes: int | None = None
    calendar_id: uuid.UUID | None = None
    pauses_for: Sequence[str] = ("customer",)
    inspection_every_months: int | None = None


def create_contract(
    session: Session,
    *,
    by: Principal | None,
    number: str,
    customer_id: uuid.UUID,
    asset_id: uuid.UUID | None,
    valid_from: date,
    valid_until: date,
    terms: Terms,
) -> Contract:
    """Agree on coverage and speed for one asset, or for all of a customer's assets."""
    short = text.code(number, "number")
    if session.scalar(select(Contract.id).where(Contract.number == short)):
        raise rules.ContractNumberTaken(f"contract {short} exists")
    months = terms.inspection_every_months
    contract = Contract(
        number=short,
        customer_id=customer_id,
        asset_id=asset_id,
        valid_from=valid_from,
        valid_until=valid_until,
        covers_labour=terms.covers_labour,
        covers_parts=terms.covers_parts,
        covers_travel=terms.covers_travel,
        response_minutes=terms.response_minutes,
        resolution_minutes=terms.resolution_minutes,
        calendar_id=terms.calendar_id,
        pauses_for=list(terms.pauses_for),
        inspection_every_months=months,
        next_inspection_due_on=rules.next_due(valid_from, months) if months else None,
    )
    _check(contract)
    if terms.calendar_id is not None:
        find_calendar(session, terms.calendar_id)
    session.add(contract)
    db.flush(session)
    return contract


def update_contract(
    session: Session,
    *,
    by: Principal | None,
    contract: Contract,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Contract:
    """Change what is agreed from now on; due times of running orders stay as they were told."""
    contract.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    if changes.get("calendar_id") is not None:
        find_calendar(session, changes["calendar_id"])
    given = dict(changes)
    if "house_rules" in given:
        given["house_rules"] = merged(contract.house_rules, given["house_rules"], rules_row(session).values)
    with _undone_if_refused(session, contract):
        for name, value in given.items():
            setattr(contract, name, value)
        _check(contract)
    db.flush(session)
    return contract


def mark_inspected(
    session: Session, *, by: Principal | None, contract: Contract, on: date, expected_version: int
) -> Contract:
    """R-406: an inspection was done; the next one is due a whole interval after it."""
    contract.expect_version(expected_version)
    if not contract.inspection_every_months:
        raise rules.ContractInvalid("no inspections are agreed", field="inspection_every_months")
    contract.next_inspection_due_on = rules.next_due(on, contract.inspection_every_months)
    db.flush(session)
    return contract


def create_calendar(
    session: Session,
    *,
    by: Principal | None,
    code: str,
    name: str,
    hours: Sequence[Mapping[str, int]],
    country: str | None = None,
    subdivision: str | None = None,
    days_worked: Sequence[date] = (),
    days_off: Sequence[date] = (),
) -> ServiceCalendar:
    """Say when service clocks run (R-401)."""
    short = text.code(code, "code")
    if session.scalar(select(ServiceCalendar.id).where(ServiceCalendar.code == short)):
        raise rules.CalendarCodeTaken(f"calendar {short} exists")
    calendar = ServiceCalendar(code=short, name=text.line(name, "name"))
    _fill(calendar, hours=hours, country=country, subdivision=subdivision)
    _fill(calendar, days_worked=days_worked, days_off=days_off)
    _check_calendar(calendar)
    session.add(calendar)
    db.flush(session)
    return calendar


def update_calendar(
    session: Session,
    *,
    by: Principal | None,
    calendar: ServiceCalendar,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> ServiceCalendar:
    """Change when service clocks run from now on; due times of running orders stay as they were told."""
    calendar.expect_version(expected_version)
    text.only_known(changes, CALENDAR_CHANGEABLE)
    with _undone_if_refused(session, calendar):
        _fill(calendar, **changes)
        _check_calendar(calendar)
    db.flush(session)
    return calendar


@contextmanager
def _undone_if_refused(session: Session, row: Contract | ServiceCalendar) -> Iterator[None]:
    """Let a row be changed and checked; a refusal leaves it as it was."""
    with session.no_autoflush:
        try:
            yield
        except rules.ContractInvalid:
            session.refresh(row)
            raise


def _fill(calendar: ServiceCalendar, **values: Any) -> None:
    """Write values as the row keeps them."""
    for name, value in values.items():
        kept = [day.isoformat() for day in sorted(value)] if name.startswith("days_") else value
        setattr(calendar, name, [dict(row) for row in kept] if name == "hours" else kept)


def _check_calendar(calendar: ServiceCalendar) -> None:
    days = [row["weekday"] for row in calendar.hours]
    if not days or len(set(days)) < len(days):
        raise rules.ContractInvalid("give hours for at least one weekday, once for each", field="hours")
    if any(row["closes"] <= row["opens"] for row in calendar.hours):
        raise rules.ContractInvalid("a day closes before it opens", field="hours")
    opens = {row["weekday"]: row["opens"] for row in calendar.hours}
    for row in calendar.hours:
        following = row["weekday"] % 7 + 1
        if row["closes"] - DAY_MINUTES > opens.get(following, DAY_MINUTES):
            reach = f"the hours of weekday {row['weekday']} reach into those of weekday {following}"
            raise rules.ContractInvalid(reach, field="hours")
    check_country(calendar.country, calendar.subdivision)


def _check(contract: Contract) -> None:
    if not set(contract.pauses_for) <= PAUSES:
        raise rules.ContractInvalid(f"limits stand still for {sorted(PAUSES)} alone", field="pauses_for")
    if contract.valid_until < contract.valid_from:
        raise rules.ContractInvalid("the contract ends before it begins")
    for name, most in (
        ("response_minutes", MOST_MINUTES),
        ("resolution_minutes", MOST_MINUTES),
        ("inspection_every_months", 120),
    ):
        value = getattr(contract, name)
        if value is not None and (isinstance(value, bool) or not 1 <= value <= most):
            raise rules.ContractInvalid(f"{name} is not between 1 and {most}", field=name)
