"""The operation that hands a day in (R-603): sheets, counted money, counted parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.hand_ins.commands import hand_in
from dispatch.money import METHODS, CurrencyMismatch, Money
from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.technicians.model import Technician

FIELDS = frozenset({"day", "sheets", "reasons", "counted", "currency", "stock", "note"})


def hand_in_day(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Record the hand-in; the answer tells what was expected and what differs, so that nothing is silent."""
    payload = Payload(reported.payload, FIELDS)
    counted = counted_minor(payload, reported.company_currency)
    record = hand_in(
        session,
        by=reported.by,
        technician=session.get_one(Technician, reported.by.technician_id),
        day=payload.day("day"),
        sheets=text.lines(payload.texts("sheets"), "sheets", longest=text.CODE),
        reasons={
            text.code(sheet, "sheet"): text.prose(reason, "reason", longest=500)
            for sheet, reason in payload.text_by_name("reasons").items()
        },
        counted_minor=counted,
        currency=reported.company_currency,
        counted_stock={
            text.code(sku, "sku"): pieces for sku, pieces in payload.whole_by_name("stock").items()
        },
        note=text.prose(payload.optional_text("note") or "", "note", longest=5_000),
        op_id=reported.op_id,
    )
    return {"hand_in_id": str(record.id), "money": record.money, "stock": record.stock}


def counted_minor(payload: Payload, company_currency: str) -> dict[str, int]:
    """Return counted money by method, in minor units; money of another currency is not handed in here."""
    currency = payload.text("currency")
    if currency != company_currency:
        raise CurrencyMismatch(f"the company counts in {company_currency}, not in {currency[:3]}")
    return {
        text.choice(method, "method", METHODS): Money.parse(amount, currency).minor
        for method, amount in payload.text_by_name("counted").items()
    }
