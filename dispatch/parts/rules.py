"""What may be said of parts: quantities, prices, approval (R-507, R-511)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from dispatch.errors import Conflict, Forbidden, Invalid
from dispatch.money import CurrencyMismatch, Money, exponent

MOST_AT_ONCE = 10_000
DEAREST_MINOR = 2_000_000_000

VAN, STORE = "van", "store"
ASKED, HANDED, CONFIRMED, DECLINED = "asked", "handed", "confirmed", "declined"
EVEN, OPEN, BOOKED, REFUSED, OVERTAKEN = "even", "open", "booked", "refused", "overtaken"
COUNT_STATES = (EVEN, OPEN, BOOKED, REFUSED, OVERTAKEN)
TRANSFER_STATES = (ASKED, HANDED, CONFIRMED, DECLINED)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where pieces are kept: the van of a technician, or the store of a territory."""

    kind: str
    id: uuid.UUID

    @classmethod
    def end(cls, technician_id: uuid.UUID | None, territory_id: uuid.UUID) -> Place:
        """An end of a transfer: the van of whoever is named, else the territory's store."""
        return cls(STORE, territory_id) if technician_id is None else cls(VAN, technician_id)


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


class TransferEndsInvalid(Invalid):
    """A transfer has the same place at both ends, or one outside the territory."""

    code = "TRANSFER_ENDS_INVALID"
    remedy = "Name store and vans of one territory, and two different ones."


class TransferOver(Conflict):
    """The transfer was declined, or confirmed, already."""

    code = "TRANSFER_OVER"
    remedy = "Read the transfer; ask for a new one if the parts are still needed."


class TransferDiffers(Conflict):
    """There is a transfer of this id with other parts or other ends."""

    code = "TRANSFER_DIFFERS"
    remedy = "Give every transfer an id of its own."


class NotYourEnd(Forbidden):
    """Only the giver hands over, and only the taker confirms (R-511)."""

    code = "NOT_YOUR_END"
    remedy = "Let the giver hand over and the taker confirm; the desk speaks for the store."


class SerialNeeded(Invalid):
    """A part whose pieces are told apart is moved without a serial number, or several with one."""

    code = "SERIAL_NEEDED"
    remedy = "Move each piece by itself and give its serial number."


class SerialElsewhere(Conflict):
    """The piece with this serial number is in another place, or is held already (R-511)."""

    code = "SERIAL_ELSEWHERE"
    remedy = "Read where the piece is; let its keeper hand it over, or check the number."


class CountUnexplained(Invalid):
    """What was counted differs from what should be there, and no reason is given (R-511)."""

    code = "COUNT_UNEXPLAINED"
    remedy = "Count again, or say why pieces are missing or more than expected."


class CountOver(Conflict):
    """The count was booked, refused, or overtaken by a newer one (R-603)."""

    code = "COUNT_OVER"
    remedy = "Read the latest count of the part; count again if pieces and books differ."


class NotYourSignature(Forbidden):
    """A count is signed by the keeper and by somebody of the office, never twice by one person (R-603)."""

    code = "NOT_YOUR_SIGNATURE"
    remedy = "Let the keeper sign what the office counted, and the office what the keeper counted."


class LevelInvalid(Invalid):
    """A minimum below zero, or a target below the minimum."""

    code = "LEVEL_INVALID"
    remedy = f"Give a minimum from 0 to {MOST_AT_ONCE} and a target that is at least the minimum."


class RefillOutdated(Conflict):
    """A refill is not proposed, or not so much of it, any more."""

    code = "REFILL_OUTDATED"
    remedy = "Read the proposals again; somebody else may have taken them over."


class PartOrderOver(Conflict):
    """The order from the supplier was received or cancelled."""

    code = "PART_ORDER_OVER"
    remedy = "Enter what came as a delivery to the store."


def checked_level(minimum: int, target: int) -> None:
    """Refuse a level that no refill could reach."""
    if not 0 <= minimum <= target <= MOST_AT_ONCE:
        raise LevelInvalid(f"minimum {minimum}, target {target}")


def checked_count(counted: int) -> int:
    """Return a number of counted pieces: a whole number, zero or more."""
    return 0 if counted == 0 and not isinstance(counted, bool) else checked_quantity(counted)


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
