"""What a customer file must hold, and how phone numbers and addresses are written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import phonenumbers

from dispatch.errors import Conflict, Invalid

KINDS = frozenset({"person", "business"})
TIERS = frozenset({"A", "B", "C"})
LANGUAGES = frozenset({"zh", "en"})


class PhoneInvalid(Invalid):
    """The text is no phone number that can be called."""

    code = "PHONE_INVALID"
    remedy = "Write the number with its country code, for example +358 9 1234567."


class EmailInvalid(Invalid):
    """The text is no mail address."""

    code = "EMAIL_INVALID"
    remedy = "Write the address as name@domain."


class ContactUnreachable(Invalid):
    """A contact has neither a telephone nor a mail address."""

    code = "CONTACT_UNREACHABLE"
    remedy = "Give a telephone number or a mail address."


class ContactKnown(Conflict):
    """The customer has a contact with this telephone number already."""

    code = "CONTACT_KNOWN"
    remedy = "Change the contact named under cause."


class ContactsFull(Conflict):
    """The customer has as many contacts as one can have."""

    code = "CONTACTS_FULL"
    remedy = "Retire a contact who is none any more."


class DateOrder(Invalid):
    """Purchase, acceptance and warranty days contradict each other."""

    code = "DATE_ORDER"
    remedy = "An asset is bought before it is accepted, and warranty ends after both."


class PeakInvalid(Invalid):
    """The peak months or hours of a site are no months or hours."""

    code = "PEAK_INVALID"
    remedy = "Give months 1 to 12, and hours as pairs from 0 to 24, the first below the second."


def checked_months(months: Sequence[int]) -> list[int]:
    """R-307: return a site's peak months in order, once each."""
    if any(isinstance(month, bool) or not 1 <= month <= 12 for month in months):
        raise PeakInvalid("a month is from 1 to 12", field="peak_months")
    return sorted(set(months))


def checked_hours(hours: Sequence[Sequence[int]]) -> list[list[int]]:
    """R-307: return a site's peak hours as pairs of local hours, in order."""
    found = sorted([int(begin), int(stop)] for begin, stop in hours)
    if any(not 0 <= begin < stop <= 24 for begin, stop in found):
        raise PeakInvalid("an hour is from 0 to 24, and the first below the second", field="peak_hours")
    return found


EXACT = "exact"
QUALITIES = (EXACT, "street", "town", "territory")
"""How well a site's position is known; all but the first are approximate."""


class PositionExact(Conflict):
    """The position of the site is known exactly; another one would be another site."""

    code = "POSITION_EXACT"
    remedy = "Add another site; records point at this one."


class PositionElsewhere(Conflict):
    """The corrected position lies in another territory than the site, whose work is planned there."""

    code = "POSITION_ELSEWHERE"
    remedy = "Add a site at the corrected position, and open the work there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What is known of somebody who calls; enough to open a file at once (R-103)."""

    name: str
    phone: str | None = None
    email: str | None = None
    kind: str = "person"
    language: str = "en"
    needs_home_service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to speak with at a customer (R-103), by telephone or mail address at least."""

    name: str
    role: str = ""
    phone: str | None = None
    email: str | None = None
    gets_messages: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a visit would go: an address to look up, or a position that is known already.

    approximate
        Enter an address that is not found all the same, in the middle of its street, its town, or the
        territory named.
    """

    address: str
    latitude: float | None = None
    longitude: float | None = None
    approximate: bool = False
    territory_id: uuid.UUID | None = None
    parking_minutes: int = 0
    access_minutes: int = 0
    access_notes: str = ""
    safety_notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What is broken (R-103): kind, model, serial and the days that decide warranty."""

    product_kind: str
    model: str
    serial: str | None = None
    purchased_on: date | None = None
    accepted_on: date | None = None
    maker_warranty_until: date | None = None


def phone_e164(text: str, region: str | None = None) -> str:
    """Return a phone number in E.164 form; a number without country code is read as one of ``region``."""
    try:
        number = phonenumbers.parse(text[:64], region)
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid(f"{text[:40]!r} is no phone number") from error
    if not phonenumbers.is_possible_number(number):
        raise PhoneInvalid(f"{text[:40]!r} is no phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def checked_email(text: str) -> str:
    """Return a mail address fit for an envelope: one @, no blanks, no line breaks, printable ASCII."""
    trimmed = text.strip()
    name, separator, domain = trimmed.partition("@")
    fit = trimmed.isascii() and trimmed.isprintable() and not set(trimmed) & set(' ,;:<>()[]"\\')
    if not (separator and name and domain) or "@" in domain or "." not in domain or not fit:
        raise EmailInvalid(f"{trimmed[:60]!r} is no mail address")
    if len(trimmed) > 254 or domain.startswith(".") or domain.endswith(".") or ".." in trimmed:
        raise EmailInvalid(f"{trimmed[:60]!r} is no mail address")
    return trimmed


def same_address(one: str, other: str) -> bool:
    """Tell whether two addresses differ only in case, blanks and punctuation."""
    return _essence(one) == _essence(other)


def _essence(address: str) -> str:
    return "".join(character for character in address.casefold() if character.isalnum())


def check_dates(purchased: date | None, accepted: date | None, maker_until: date | None) -> None:
    """Refuse days that contradict each other (they decide who pays, R-404 and R-405)."""
    if purchased and accepted and accepted < purchased:
        raise DateOrder(f"accepted on {accepted} before it was bought on {purchased}")
    first = purchased or accepted
    if first and maker_until and maker_until < first:
        raise DateOrder(f"the maker's warranty ends on {maker_until}, before {first}")
