"""
Exact money: integer minor units, and the only rounding in the product (half up).

Amounts at rest are integers with a currency beside them; fractions exist only inside a computation, as
``Decimal``, and leave through :func:`minor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from dispatch.errors import Invalid

EXPONENTS = {"BIF": 0, "CLP": 0, "JPY": 0, "KRW": 0, "VND": 0, "XAF": 0, "XPF": 0}
REFUSED = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
LARGEST = 10**15
METHODS = frozenset({"cash", "card", "qr", "transfer"})
"""How a customer pays."""


class CurrencyUnknown(Invalid):
    """The currency is not an ISO code this company can invoice in."""

    code = "CURRENCY_UNKNOWN"
    remedy = "Use the company's currency; three-decimal currencies are not supported."


class CurrencyMismatch(Invalid):
    """Amounts of different currencies cannot be added or compared."""

    code = "CURRENCY_MISMATCH"
    remedy = "Give the amount in the company's currency."


class AmountInvalid(Invalid):
    """An amount is not a number, too large, or finer than the currency's smallest unit."""

    code = "AMOUNT_INVALID"
    remedy = "Give a decimal with at most the currency's number of decimals."


def exponent(currency: str) -> int:
    """Return how many decimals the currency has; refuse codes that cannot be invoiced."""
    if len(currency) != 3 or not currency.isascii() or not currency.isupper() or currency in REFUSED:
        raise CurrencyUnknown(f"currency {currency!r} is not supported")
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: ``minor`` integer units of ``currency``."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal string such as ``"12.50"``; refuse more decimals than the currency has."""
        places = exponent(currency)
        try:
            number = Decimal(text)
        except InvalidOperation as error:
            raise AmountInvalid(f"{text!r} is not an amount") from error
        if not number.is_finite() or abs(number) >= LARGEST:
            raise AmountInvalid(f"{text!r} is not a usable amount")
        scaled = number.scaleb(places)
        if scaled != scaled.to_integral_value():
            raise AmountInvalid(f"{text!r} has more than {places} decimals")
        return cls(int(scaled), currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __str__(self) -> str:
        places = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"

    def _same(self, other: Money) -> None:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined")


def minor(amount: Decimal) -> int:
    """Round a computed amount in minor units half up, away from zero at the half."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def times(unit_price: int, quantity: Decimal) -> int:
    """Return unit price (minor units) times quantity, rounded half up."""
    return minor(Decimal(unit_price) * quantity)


def tax_of_lines(nets: Sequence[int], rate: Decimal) -> list[int]:
    """
    Split the tax of one rate over its lines by cumulative rounding, so that the lines sum to the total.

    ``nets`` are minor units in stable order, ``rate`` is a fraction (0.24). The sum of the result equals
    the rounded tax of the summed nets exactly.
    """
    taxes: list[int] = []
    running, taxed = 0, 0
    for net in nets:
        running += net
        upto = minor(Decimal(running) * rate)
        taxes.append(upto - taxed)
        taxed = upto
    return taxes
