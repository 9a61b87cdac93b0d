"""What a promise is worth: reservation, kept or broken, punctual or not (R-301, R-302, R-309)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from dispatch.access.rules import Role
from dispatch.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from dispatch.settings import Settings

RESERVATION_LEAD = timedelta(hours=24)
BAND = timedelta(minutes=15)
LONGEST = timedelta(hours=24)
CHANNELS = frozenset({"phone", "web", "email", "message", "counter", "letter", "alarm", "system"})


class PromiseImpossible(Invalid):
    """The arrival window is empty, over already, or longer than a day."""

    code = "PROMISE_IMPOSSIBLE"
    remedy = "Give a window that ends after it starts, lies ahead, and lasts at most 24 hours."


class PromiseRaced(Conflict):
    """Somebody else promised a window for the same visit at the same moment."""

    code = "PROMISE_RACED"
    remedy = "Read the visit's newest promise before promising again."


class VisitNotPromisable(Conflict):
    """The visit has begun, is finished or was cancelled; no arrival can be promised any more."""

    code = "VISIT_NOT_PROMISABLE"
    remedy = "Open a follow-up visit and promise its window."


class NamingOff(Conflict):
    """The house lets nobody ask for a technician by name, or not this customer."""

    code = "NAMING_OFF"
    remedy = "Book without a name, or switch `reservation_named_technician` on for the house or the contract."


class NamingNotEarned(Conflict):
    """A technician is asked for by name for a window that is too near to be a reservation."""

    code = "NAMING_NOT_EARNED"
    remedy = "Choose a later window, or book without a name: whoever is free comes sooner."


class OtherTechnicianDecided(Conflict):
    """The office has decided on another technician for the visit than the one who is asked for by name."""

    code = "OTHER_TECHNICIAN_DECIDED"
    remedy = "Book without a name, or have a dispatcher change what the visit needs."


class NameIsPromised(Conflict):
    """The customer was promised another technician by name."""

    code = "NAME_IS_PROMISED"
    remedy = (
        "Give up the name first (release-technician), so that the customer is told; then change the needs."
    )


class NobodyNamed(Conflict):
    """The customer was promised no technician by name, or the name was given up already."""

    code = "NOBODY_NAMED"
    remedy = "Read the promises of the visit; the newest one says who was named."


class HoldOver(Conflict):
    """The window was held for some minutes, and they are over, or it was given back."""

    code = "HOLD_OVER"
    remedy = "Ask for offers again and hold one of them."


class HoldTaken(Conflict):
    """The held window was promised already; a hold is good for one promise."""

    code = "HOLD_TAKEN"
    remedy = "Read the promises of the visit named under cause."


class HoldMismatch(Conflict):
    """The window is held for another place or by somebody else, or it is another window."""

    code = "HOLD_MISMATCH"
    remedy = "Promise the window that was held, or promise without the hold."


class LinkInvalid(NotFound):
    """The link was altered, guessed, or written by another installation."""

    code = "LINK_INVALID"
    remedy = "Open the link of the newest message, or call."


class LinkOver(NotFound):
    """The link is too old to be used."""

    code = "LINK_OVER"
    remedy = "Call; the visit of this link is long past."


class ChangeTooLate(Conflict):
    """The visit is too near, under way or over, so its customer cannot change it by link any more."""

    code = "CHANGE_TOO_LATE"
    remedy = "Call, so that a person can still do something about it."


class NothingPromised(Conflict):
    """No window is promised for the visit, so there is nothing to confirm."""

    code = "NOTHING_PROMISED"
    remedy = "Choose a window first."


class NothingToFollowUp(Conflict):
    """The promise was not broken, or somebody has asked the customer already."""

    code = "NOTHING_TO_FOLLOW_UP"
    remedy = "Read the follow-ups of the territory; each broken promise is there once."


class CompensationDecided(Conflict):
    """Somebody, or the rule itself, has decided about the compensation already."""

    code = "COMPENSATION_DECIDED"
    remedy = "Read the compensation; it says who decided what."


class MarksOff(Conflict):
    """The house keeps no marks of customers, or not of this one."""

    code = "MARKS_OFF"
    remedy = "Switch `late_marks` on in the house rules or in the customer's contract."


class NotLate(Invalid):
    """The customer came within the band that both sides are allowed."""

    code = "NOT_LATE"
    remedy = "Mark a customer who was later than the band of the house rules, or was away."


class ChaserTaken(Conflict):
    """Somebody else has taken the customer's question in hand."""

    code = "CHASER_TAKEN"
    remedy = "Ask the person named under cause; a supervisor may answer all the same."


class ChaserAnswered(Conflict):
    """The customer was answered already."""

    code = "CHASER_ANSWERED"
    remedy = "Read the chaser; it says who told the customer what."


class AlarmAcknowledged(Conflict):
    """Somebody has taken the alarm in hand already."""

    code = "ALARM_ACKNOWLEDGED"
    remedy = "Ask the person named under cause."


COMPENSATION_STATES = frozenset({"proposed", "granted", "refused"})
MARK_KINDS = ("no_show", "late")
ALARM_OUTCOMES = frozenset({"kept", "broken", "replaced", "cancelled"})


ESCALATED_FROM = 2
"""R-105: the second time a customer asks is the supervisor's."""
OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who may answer what somebody else has taken in hand."""
ESCALATED_TO = ("dispatcher", "supervisor", "admin")
"""Whose business an order becomes, one after the other (R-401, R-402)."""
MISSED = (100, ESCALATED_TO[-1])
"""The last step, which no house rule moves: per cent of a limit's time that is over, and whose it is."""


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """
    When a customer is told that a promise will break (R-503).

    confirm
        A danger is told once it has lasted so long.
    notice
        It is told at once when the window ends within this time.
    """

    confirm: timedelta = timedelta(minutes=10)
    notice: timedelta = timedelta(minutes=45)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The house's own."""
        return cls(
            timedelta(minutes=settings.alarm_confirm_minutes),
            timedelta(minutes=settings.alarm_notice_minutes),
        )


def check_window(start: datetime, end: datetime, now: datetime) -> None:
    """Refuse a window that nobody could keep."""
    if end <= start:
        raise PromiseImpossible("the window ends before it starts")
    if end <= now:
        raise PromiseImpossible("the window is over already")
    if end - start > LONGEST:
        raise PromiseImpossible("the window is longer than a day")


def is_reservation(promised_at: datetime, window_start: datetime, lead: timedelta = RESERVATION_LEAD) -> bool:
    """R-301: only a window promised at least 24 hours ahead counts as a reservation."""
    return window_start - promised_at >= lead


def kept(arrival: datetime, window_end: datetime) -> bool:
    """R-309: a promise is kept by arriving not later than its end; whoever is early and waits keeps it."""
    return arrival <= window_end


def within_band(
    arrival: datetime, window_start: datetime, window_end: datetime, band: timedelta = BAND
) -> bool:
    """R-302: punctual is from 15 minutes before the window to 15 minutes after it; its own indicator."""
    return window_start - band <= arrival <= window_end + band
