"""What may be said of parts: quantities, prices, approval (R-507, R-511)."""

from __future__ import annotations

from dispatch.errors import Conflict, Invalid
from dispatch.money import CurrencyMismatch, Money, exponent

MOST_AT_ONCE = 10_000
DEAREST_MINOR = 2_000_000_000


class PartUnknown(Invalid):
    """A part is named that is not in the catalogue."""

    code = "PART_UNKNOWN"
    remedy = "Check the part's number, or add it to the catalogue first."


class PartNumberTaken(Conflict):
    """The catalogue has a part with this number already."""

    code = "PART_NUMBER_TAKEN"
    remedy = "Choose another number, or change the existing part."


class QuantityInvalid(Invalid):
    """A quantity is not a positive whole number of usable size."""

    code = "QUANTITY_INVALID"
    remedy = f"Give a whole number from 1 to {MOST_AT_ONCE}."


class PriceInvalid(Invalid):
    """A price is negative or larger than any part costs."""

    code = "PRICE_INVALID"
    remedy = "Give a price of zero or more in the company's currency."


def checked_quantity(quantity: int) -> int:
    """Return a quantity fit for one movement."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MOST_AT_ONCE:
        raise QuantityInvalid(f"{str(quantity)[:20]} is no usable quantity")
    return quantity


def checked_price(price: Money, company_currency: str) -> Money:
    """Return a list price in the company's currency, zero or more."""
    exponent(price.currency)
    if price.currency != company_currency:
        raise CurrencyMismatch(f"the company's currency is {company_currency}, not {price.currency}")
    if not 0 <= price.minor <= DEAREST_MINOR:
        raise PriceInvalid(f"{price} is no usable price")
    return price
