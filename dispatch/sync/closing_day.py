"""The operations that hand a day in and answer the cashier's count (R-603)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from dispatch import text
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.queries import find_hand_in
from dispatch.hand_ins.receiving import answer
from dispatch.hand_ins.rules import HandInSignatureInvalid, Signature, Voucher
from dispatch.money import METHODS, CurrencyMismatch, Money
from dispatch.sync.conflicts import Reported
from dispatch.sync.payloads import Payload
from dispatch.sync.protocol import handed_in_shown, record_digest
from dispatch.technicians.model import Technician

SIGNATURE = frozenset({"shown_sha256", "signed_by_name", "signature_path"})
FIELDS = SIGNATURE | {"day", "sheets", "reasons", "counted", "currency", "stock", "vouchers", "note"}
ANSWER_FIELDS = SIGNATURE | {"hand_in_id", "accepts", "reason"}
VOUCHER_FIELDS = frozenset({"number", "kind", "amount"})


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
        vouchers=_vouchers(payload, reported.company_currency),
        note=text.prose(payload.optional_text("note") or "", "note", longest=5_000),
        signature=_signature(payload, reported),
        op_id=reported.op_id,
    )
    return {
        "hand_in_id": str(record.id),
        "supplement": record.supplement,
        "money": record.money,
        "stock": record.stock,
    }


def answer_count(session: Session, reported: Reported) -> Mapping[str, Any]:
    """Sign the cashier's count, or dispute it."""
    payload = Payload(reported.payload, ANSWER_FIELDS)
    record = find_hand_in(session, reported.by, payload.an_id("hand_in_id"))
    answer(
        session,
        by=reported.by,
        hand_in=record,
        accepts=payload.flag("accepts"),
        signature=_signed(payload),
        reason=payload.optional_text("reason") or "",
        said_at=reported.at.moment,
        op_id=reported.op_id,
    )
    return {"hand_in_id": str(record.id), "state": record.state}


def counted_minor(payload: Payload, company_currency: str) -> dict[str, int]:
    """Return counted money by method, in minor units; money of another currency is not handed in here."""
    currency = payload.text("currency")
    if currency != company_currency:
        raise CurrencyMismatch(f"the company counts in {company_currency}, not in {currency[:3]}")
    return {
        text.choice(method, "method", METHODS): Money.parse(amount, currency).minor
        for method, amount in payload.text_by_name("counted").items()
    }


def _vouchers(payload: Payload, currency: str) -> list[Voucher]:
    found = []
    for row in payload.objects("vouchers"):
        voucher = Payload(row, VOUCHER_FIELDS)
        amount = Money.parse(voucher.text("amount"), currency)
        found.append(Voucher(voucher.text("number"), voucher.text("kind"), amount.minor))
    return found


def _signature(payload: Payload, reported: Reported) -> Signature | None:
    """Phones of before do not sign; a signature counts for exactly what was handed in."""
    if not any(payload.optional_text(name) for name in SIGNATURE):
        return None
    signature = _signed(payload)
    told = reported.payload
    if isinstance(told, Mapping) and record_digest(handed_in_shown(told)) != signature.shown_sha256:
        raise HandInSignatureInvalid("something else was signed than what is handed in")
    return signature


def _signed(payload: Payload) -> Signature:
    return Signature(
        payload.text("signed_by_name"), payload.text("signature_path"), payload.text("shown_sha256")
    )
