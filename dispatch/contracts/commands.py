"""Contracts are made, changed and cared for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import db, text
from dispatch.access.rules import Principal
from dispatch.contracts import rules
from dispatch.contracts.model import Contract

CHANGEABLE = frozenset(
    {
        "valid_until",
        "covers_labour",
        "covers_parts",
        "covers_travel",
        "response_minutes",
        "resolution_minutes",
        "inspection_every_months",
        "next_inspection_due_on",
    }
)
MOST_MINUTES = 60 * 24 * 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed: coverage, response and resolution in minutes (R-401, R-402), care in months (R-406)."""

    covers_labour: bool = True
    covers_parts: bool = False
    covers_travel: bool = True
    response_minutes: int | None = None
    resolution_minutes: int | None = None
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
        inspection_every_months=months,
        next_inspection_due_on=rules.next_due(valid_from, months) if months else None,
    )
    _check(contract)
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
    with session.no_autoflush:
        for name, value in changes.items():
            setattr(contract, name, value)
        try:
            _check(contract)
        except rules.ContractInvalid:
            session.refresh(contract)
            raise
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


def _check(contract: Contract) -> None:
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
