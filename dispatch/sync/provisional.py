"""
The receipt that a phone gives at once, before anybody was asked (docs/reference/sync.md, Receipt).

Pure, like ``protocol``: from the same words every client writes the same receipt, the server the same number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from dispatch.errors import DispatchError
from dispatch.money import METHODS, Money, minor
from dispatch.work_orders.rules import digest

PURPOSE = "truckroll-receipt-v1"
MARK = 12
"""Hexadecimal digits of a number."""
METHOD = {
    "cash": {"en": "Cash", "zh": "现金"},
    "card": {"en": "Card", "zh": "刷卡"},
    "qr": {"en": "QR code", "zh": "扫码"},
    "transfer": {"en": "Bank transfer", "zh": "转账"},
}
WORDS = {
    "title": {"en": "Provisional receipt {number}", "zh": "临时收据 {number}"},
    "amount": {"en": "{method}: {currency} {amount}", "zh": "{method}：{currency} {amount}"},
    "reference": {"en": "Reference: {reference}", "zh": "凭证号：{reference}"},
    "visit": {"en": "Visit {sheet}, order {order}", "zh": "派工单 {sheet}，工单 {order}"},
    "at": {"en": "Received {at} by {technician}", "zh": "{at} 由 {technician} 收取"},
    "left": {"en": "Left to pay by the estimate: {currency} {left}", "zh": "按估价待付：{currency} {left}"},
    "paid": {"en": "Nothing is left to pay by the estimate", "zh": "按估价已付清"},
    "unknown": {"en": "What is left to pay is on the invoice", "zh": "待付金额以账单为准"},
    "note": {
        "en": "The office confirms it by a receipt of its own that names this number.",
        "zh": "公司将出具正式收据，并注明此编号。",
    },
}


def number_of(install_epoch: str, op_id: str) -> str:
    """Return the number of an operation's receipt, which follows from who it is and where it was recorded."""
    mark = digest(f"{PURPOSE}\n{install_epoch}\n{op_id.lower()}")[:MARK].upper()
    return f"PR-{mark[:4]}-{mark[4:8]}-{mark[8:]}"


def number_told(body: Mapping[str, Any]) -> str:
    """
    Return the number of the receipt that a phone gave, from an operation as it was sent.

    What claimed another one's identity is kept here under an id and an installation of ours.
    """
    return number_of(body["install_epoch"], body["op_id"])


def amount_of(payload: Mapping[str, Any]) -> Money | None:
    """Return the money that a payment tells of; None of what the server will refuse."""
    try:
        amount = Money.parse(payload["amount"], payload["currency"])
    except (DispatchError, KeyError, TypeError, ValueError):
        return None
    return amount if amount.minor > 0 and payload.get("method") in METHODS else None


def receipt_of(
    operation: Mapping[str, Any],
    visit: Mapping[str, Any] | None,
    record: Mapping[str, Any] | None,
    taken: Iterable[Mapping[str, Any]],
    tax_rates: Sequence[Mapping[str, str]],
) -> dict[str, Any] | None:
    """
    Return what a payment's customer is given at once, or None of what is no payment.

    ``visit`` as it was pulled and ``record`` as it is shown, None where the phone holds them no longer;
    ``taken`` are payloads of own payments of the order that the pulled data does not include.
    """
    amount = amount_of(operation["payload"])
    if amount is None:
        return None
    moment = datetime.fromisoformat(operation["occurred_at"])
    told: dict[str, Any] = {
        "number": number_of(operation["install_epoch"], operation["op_id"]),
        "sheet": visit["number"] if visit else "",
        "order": visit["order_number"] if visit else "",
        "technician": record["technician"] if record else "",
        "method": operation["payload"]["method"],
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "reference": (operation["payload"].get("reference") or "").strip(),
        "at": moment.strftime("%Y-%m-%d %H:%M"),
        "left_minor": _left(amount, visit, record, taken, _rate(tax_rates, moment.date().isoformat())),
    }
    return told | {"lines": {language: _lines(told, language) for language in ("en", "zh")}}


def _rate(tax_rates: Sequence[Mapping[str, str]], day: str) -> Decimal | None:
    """The rate in force on a day, of rates in the order of their first days."""
    held = [one["tax_rate"] for one in tax_rates if one["valid_from"] <= day]
    return Decimal(held[-1]) if held else None


def _left(
    amount: Money,
    visit: Mapping[str, Any] | None,
    record: Mapping[str, Any] | None,
    taken: Iterable[Mapping[str, Any]],
    rate: Decimal | None,
) -> int | None:
    """What is left of the estimate, or of the largest sum approved beyond it (R-204), with tax."""
    if visit is None or record is None or rate is None or visit.get("paid_minor") is None:
        return None
    if visit["currency"] != amount.currency:
        return None
    agreed: int = max(visit["estimate_minor"], *(one["amount_minor"] for one in record["approvals"]), 0)
    if not agreed:
        return None
    known = (amount_of(payload) for payload in taken)
    paid = visit["paid_minor"] + sum(one.minor for one in known if one and one.currency == amount.currency)
    gross = agreed + minor(Decimal(agreed) * rate)
    return max(0, gross - int(paid) - amount.minor)


def _lines(told: Mapping[str, Any], language: str) -> list[str]:
    left = told["left_minor"]
    values = {
        **told,
        "method": METHOD[told["method"]][language],
        "amount": str(Money(told["amount_minor"], told["currency"])),
        "left": str(Money(left or 0, told["currency"])),
    }
    wanted = ["title", "amount"]
    wanted += ["reference"] if told["reference"] else []
    wanted += ["visit", "at"] if told["technician"] else []
    wanted += ["unknown" if left is None else "left" if left else "paid", "note"]
    return [WORDS[name][language].format(**values) for name in wanted]
