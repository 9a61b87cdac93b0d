"""What a complete hand-in is (R-603)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatch.errors import Conflict, Invalid
from dispatch.money import METHODS, CurrencyMismatch, Money


class SheetsIncomplete(Invalid):
    """A dispatch sheet of the day is neither handed in nor explained."""

    code = "SHEETS_INCOMPLETE"
    remedy = "Hand in the named sheets, or give a reason for each of them."


class AlreadyHandedIn(Conflict):
    """The technician's day is closed already."""

    code = "ALREADY_HANDED_IN"
    remedy = "Ask finance to book the difference."


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
class MoneyRow:
    """Money of one method: what was collected, what was counted, and the difference booked to the keeper."""

    method: str
    currency: str
    expected_minor: int
    counted_minor: int

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
    expected: Mapping[str, int], counted: Mapping[str, int], currency: str
) -> list[dict[str, object]]:
    """Return one row per method, in order of its name."""
    unknown = sorted(counted.keys() - METHODS)
    if unknown:
        raise CountInvalid(f"there is no method {unknown[0][:40]!r}", methods=sorted(METHODS))
    if any(amount < 0 for amount in counted.values()):
        raise CountInvalid("counted money is zero or more")
    methods = sorted({*expected, *counted})
    return [
        MoneyRow(method, currency, expected.get(method, 0), counted.get(method, 0)).as_row()
        for method in methods
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
