"""What a complete hand-in is (R-603)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch import text
from dispatch.errors import Conflict, Forbidden, Invalid
from dispatch.money import METHODS, CurrencyMismatch, Money

HANDED_IN, RECEIVED, DISPUTED, CLOSED = "handed_in", "received", "disputed", "closed"
STATES = (HANDED_IN, RECEIVED, DISPUTED, CLOSED)
ACCEPTED, DECIDED = "accepted", "decided"
CASHIER, TECHNICIAN = "cashier", "technician"
STANDS = (CASHIER, TECHNICIAN)
VAN = "van"
"""Beside the numbers of sheets, the name under which a hand-in tells why the van was not counted."""
VOUCHERS = ("part", "parking", "fuel", "other")
"""What a voucher was paid for."""
PAID_FROM = "cash"
"""The method that vouchers lower: what was paid on the way was paid from what was collected."""
VOUCHER, DIFFERENCE, SETTLED = "voucher", "difference", "settled"
ENTRIES = (HANDED_IN, VOUCHER, DIFFERENCE, SETTLED)
SETTLEMENTS = ("paid", "withheld", "written_off")
"""How a difference is settled."""


class SheetsIncomplete(Invalid):
    """A dispatch sheet of the day is neither handed in nor explained."""

    code = "SHEETS_INCOMPLETE"
    remedy = "Hand in the named sheets, or give a reason for each of them."


class AlreadyHandedIn(Conflict):
    """The technician's day is handed in already, and nothing was added to it since."""

    code = "ALREADY_HANDED_IN"
    remedy = "Ask finance to book the difference."


class DayClosed(Conflict):
    """The day is counted; only what came later can still be handed in, as a supplement."""

    code = "DAY_CLOSED"
    remedy = "Hand in what came later without counting the rest again; finance settles differences."


class NotReceived(Conflict):
    """The cashier has not counted this hand-in, so there is nothing to agree to or to decide."""

    code = "NOT_RECEIVED"
    remedy = "Let the cashier count first."


class DifferenceUnexplained(Invalid):
    """A difference between count and expectation has no reason."""

    code = "DIFFERENCE_UNEXPLAINED"
    remedy = "Count again, or give a reason for each method and part that is named."


class VanUncounted(Invalid):
    """Parts of the van were not counted, and nobody says why; the house demands a count (R-603)."""

    code = "VAN_UNCOUNTED"
    remedy = "Count the named parts, or give a reason under van."


class PaperUnknown(Invalid):
    """A paper that is said to be missing is not among those that were handed in."""

    code = "PAPER_UNKNOWN"
    remedy = "Name sheets and vouchers as they are listed in the hand-in."


class VoucherCounted(Conflict):
    """A voucher was handed in before, and would lower the money expected a second time."""

    code = "VOUCHER_COUNTED"
    remedy = "Leave the voucher out, or correct its number if it is another one."


class HandInSignatureInvalid(Invalid):
    """A signature is no drawing, or stands under something else than what was handed in or counted."""

    code = "HAND_IN_SIGNATURE_INVALID"
    remedy = "Show hand-in or count as it is and let it be signed again."


class OwnCount(Forbidden):
    """Who counted does not decide whose count stands."""

    code = "OWN_COUNT"
    remedy = "Let another supervisor decide."


class SettlementInvalid(Invalid):
    """More would be settled than the keeper owes, or it goes the other way."""

    code = "SETTLEMENT_INVALID"
    remedy = "Settle at most the open differences, with their sign."


class VisitUnderWay(Conflict):
    """The technician is still at a visit, whose sheet would escape the hand-in."""

    code = "VISIT_UNDER_WAY"
    remedy = "Finish the named visits on the phone and let it send, then hand in."


class DayNotBegun(Invalid):
    """The day to be handed in lies in the future."""

    code = "DAY_NOT_BEGUN"
    remedy = "Hand in today or a day before."


class CountInvalid(Invalid):
    """A count is negative, of an unknown method, or in another currency than what was collected."""

    code = "COUNT_INVALID"
    remedy = "Count again by method, in the company's currency; amounts and pieces are zero or more."


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, how it looks as SVG path data, and the hash of what was shown."""

    name: str
    path: str
    shown_sha256: str

    def checked(self) -> Signature:
        """Return the signature if it is one."""
        if not text.is_drawing(self.path) or not text.is_sha256(self.shown_sha256):
            raise HandInSignatureInvalid("the drawing is no SVG path, or the hash no SHA-256")
        return Signature(text.line(self.name, "signed_by_name"), self.path, self.shown_sha256)


@dataclass(frozen=True, slots=True)
class Voucher:
    """A receipt for what the technician paid: its number, what for, and how much."""

    number: str
    kind: str
    amount_minor: int

    def as_row(self) -> dict[str, object]:
        """Return the row as stored and shown."""
        return {"number": self.number, "kind": self.kind, "amount_minor": self.amount_minor}


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """
    Money of one method: what was counted, what was expected, and the difference booked to the keeper.

    Expected is what was collected less what vouchers tell was paid from it; below zero where more was paid.
    """

    method: str
    currency: str
    expected_minor: int
    counted_minor: int
    vouchers_minor: int = 0

    @property
    def difference_minor(self) -> int:
        """Counted minus expected; negative when money is missing."""
        return self.counted_minor - self.expected_minor

    def as_row(self) -> dict[str, object]:
        """Return the row as stored and printed."""
        return {
            "method": self.method,
            "currency": self.currency,
            "expected_minor": self.expected_minor,
            "counted_minor": self.counted_minor,
            "difference_minor": self.difference_minor,
            "vouchers_minor": self.vouchers_minor,
        }


def missing_sheets(
    expected: Sequence[str], handed: Sequence[str], reasons: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the explained missing sheets; raise ``SheetsIncomplete`` for those without a reason."""
    missing = [sheet for sheet in expected if sheet not in set(handed)]
    silent = [sheet for sheet in missing if not reasons.get(sheet, "").strip()]
    if silent:
        raise SheetsIncomplete(f"{len(silent)} sheets are missing without a reason", sheets=silent)
    return [{"sheet": sheet, "reason": reasons[sheet].strip()} for sheet in missing]


def counted_by_method(rows: Sequence[tuple[str, Money]], currency: str) -> dict[str, int]:
    """Return counted money by method in minor units; a method counted twice is added up."""
    counted: dict[str, int] = {}
    for method, amount in rows:
        if amount.currency != currency:
            raise CurrencyMismatch(f"the company's currency is {currency}, not {amount.currency}")
        counted[method] = counted.get(method, 0) + amount.minor
    return counted


def count_money(
    collected: Mapping[str, int], counted: Mapping[str, int], currency: str, vouchers_minor: int = 0
) -> list[dict[str, object]]:
    """Return one row per method, in order of its name; vouchers lower what is expected in cash."""
    unknown = sorted(counted.keys() - METHODS)
    if unknown:
        raise CountInvalid(f"there is no method {unknown[0][:40]!r}", methods=sorted(METHODS))
    if any(amount < 0 for amount in counted.values()):
        raise CountInvalid("counted money is zero or more")
    paid = Counter({PAID_FROM: vouchers_minor})
    return [
        MoneyRow(
            method, currency, collected.get(method, 0) - paid[method], counted.get(method, 0), paid[method]
        ).as_row()
        for method in sorted({*collected, *counted, *+paid})
    ]


def count_stock(expected: Mapping[str, int], counted: Mapping[str, int]) -> list[dict[str, object]]:
    """Return one row per counted part, in order of its number."""
    if any(pieces < 0 for pieces in counted.values()):
        raise CountInvalid("counted pieces are zero or more")
    return [
        {
            "sku": sku,
            "expected": expected.get(sku, 0),
            "counted": pieces,
            "difference": pieces - expected.get(sku, 0),
        }
        for sku, pieces in sorted(counted.items())
    ]


def uncounted(expected: Mapping[str, int], counted: Collection[str]) -> list[str]:
    """Return the parts that a van should hold, or has used beyond what was booked, and nobody counted."""
    return sorted(sku for sku, pieces in expected.items() if pieces and sku not in counted)


def check_van(uncounted: Sequence[str], reason: str, *, is_demanded: bool) -> None:
    """Refuse a van that was neither counted nor explained, where the house demands it."""
    if is_demanded and uncounted and not reason:
        raise VanUncounted(f"{len(uncounted)} parts of the van are not counted", parts=list(uncounted))


def vouchers_of(rows: Sequence[tuple[str, str, Money]], currency: str) -> list[Voucher]:
    """Return vouchers by number, kind and amount; amounts are in the company's currency."""
    if any(amount.currency != currency for _, _, amount in rows):
        raise CurrencyMismatch(f"the company's currency is {currency}")
    return [Voucher(number, kind, amount.minor) for number, kind, amount in rows]


def checked_vouchers(vouchers: Sequence[Voucher]) -> list[dict[str, object]]:
    """Return the rows of vouchers; each number counts once."""
    rows = [
        Voucher(text.code(one.number, "number"), text.choice(one.kind, "kind", VOUCHERS), one.amount_minor)
        for one in vouchers
    ]
    if any(one.amount_minor < 0 for one in rows) or len({one.number for one in rows}) < len(rows):
        raise CountInvalid("a voucher is listed twice, or its amount is negative")
    return [one.as_row() for one in rows]


def amount_of(vouchers: Sequence[Mapping[str, Any]], numbers: Collection[str]) -> int:
    """Return the sum of the vouchers with these numbers, in minor units."""
    return sum(int(row["amount_minor"]) for row in vouchers if row["number"] in numbers)


def receive_money(
    handed: Sequence[Mapping[str, Any]],
    counted: Mapping[str, int],
    currency: str,
    reasons: Mapping[str, str],
    *,
    lost_minor: int = 0,
) -> list[dict[str, object]]:
    """
    Return the cashier's count per method beside the technician's.

    Vouchers that the cashier did not find lower nothing: ``lost_minor`` is expected in money. Of a day that
    was handed in before vouchers counted as money, none did.
    """
    collected = {row["method"]: row["expected_minor"] + row.get("vouchers_minor", 0) for row in handed}
    vouchers = sum(row.get("vouchers_minor", 0) for row in handed)
    own = {row["method"]: row["counted_minor"] for row in handed}
    return [
        {**row, "handed_minor": own.get(row["method"], 0), "reason": reasons.get(str(row["method"]), "")}
        for row in count_money(collected, counted, currency, max(0, vouchers - lost_minor))
    ]


def receive_stock(
    handed: Sequence[Mapping[str, Any]],
    counted: Mapping[str, int],
    expected: Mapping[str, int],
    reasons: Mapping[str, str],
) -> list[dict[str, object]]:
    """Return the cashier's count per part; what the cashier did not count stays as the technician did."""
    own = {row["sku"]: row for row in handed}
    again = {row["sku"]: row for row in count_stock(expected, counted)}
    return [
        {
            **row,
            "handed": own[sku]["counted"] if sku in own else None,
            "handed_difference": own[sku]["difference"] if sku in own else None,
            "is_recounted": sku in again,
            "reason": reasons.get(str(sku), ""),
        }
        for sku, row in sorted({**own, **again}.items())
    ]


def check_explained(
    money: Sequence[Mapping[str, Any]], stock: Sequence[Mapping[str, Any]], note: str
) -> None:
    """Refuse a difference without a reason of its own and without a note that tells of all."""
    silent = [row["method"] for row in money if row["difference_minor"] and not row["reason"]]
    silent += [row["sku"] for row in stock if row["difference"] and not row["reason"]]
    if silent and not note:
        raise DifferenceUnexplained(f"no reason for {', '.join(map(str, silent[:5]))}", differences=silent)


def agrees(money: Sequence[Mapping[str, Any]], stock: Sequence[Mapping[str, Any]], missing: int) -> bool:
    """Tell whether the cashier counted and found what the technician handed in."""
    same_money = all(row["counted_minor"] == row["handed_minor"] for row in money)
    return same_money and not missing and all(row["difference"] == row["handed_difference"] for row in stock)


def differs(money: Sequence[Mapping[str, Any]], stock: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether anything is to be booked to the keeper."""
    return any(row["difference_minor"] for row in money) or any(row["difference"] for row in stock)


def money_booked(
    money: Sequence[Mapping[str, Any]], handed: Sequence[Mapping[str, Any]], stands: str
) -> Iterator[tuple[str, str, Mapping[str, int]]]:
    """
    Give method, currency and amounts to book by kind, by the count that stands.

    Where the technician's stands, so do all vouchers that were ``handed`` in.
    """
    own = {row["method"]: row.get("vouchers_minor", 0) for row in handed}
    for row in money:
        found = row.get("vouchers_minor", 0)
        counted, vouchers = row["counted_minor"], found
        if stands != CASHIER:
            counted, vouchers = row["handed_minor"], own.get(row["method"], 0)
        lacks = row["expected_minor"] + found - vouchers - counted
        yield row["method"], row["currency"], {HANDED_IN: counted, VOUCHER: vouchers, DIFFERENCE: lacks}


def stock_booked(stock: Sequence[Mapping[str, Any]], stands: str) -> Iterator[tuple[str, int, bool]]:
    """
    Give part number, difference, and whether the cashier found it, by the count that stands.

    Either difference is against what the van should have held when it was counted: parts move in between.
    """
    for row in stock:
        is_cashiers = row["is_recounted"] and (stands == CASHIER or row["handed_difference"] is None)
        yield row["sku"], row["difference"] if is_cashiers else row["handed_difference"], is_cashiers
