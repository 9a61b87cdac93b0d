"""Pure policy of planning: which windows are offered, and how an emergency's window is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from dispatch.errors import Conflict, Invalid, Stale

if TYPE_CHECKING:
    from dispatch.settings import Settings


class PlanStale(Stale):
    """The day's plan moved on since this plan was made or read."""

    code = "PLAN_STALE"
    remedy = "Read the day again, then optimise or publish on its newest version."


class SlotGone(Conflict):
    """The arrival window can no longer be kept; somebody else took its place."""

    code = "SLOT_GONE"
    remedy = "Choose one of the fresh offers that come with this answer."


class PickTooMany(Conflict):
    """More was picked than the list of the day says, or a part that is not on it."""

    code = "PICK_TOO_MANY"
    remedy = "Read the pick list again; ask the store for a transfer of what goes beyond it."


class WindowImpossible(Invalid):
    """The arrival window is empty, in the past, too long, or on no day that is planned."""

    code = "WINDOW_IMPOSSIBLE"
    remedy = "Give a window that ends after it starts, lies ahead, and lasts at most 12 hours."


class PlanNotPublishable(Conflict):
    """Only a draft or proposed plan can be published."""

    code = "PLAN_NOT_PUBLISHABLE"
    remedy = "Optimise the day again and publish the new proposal."


class CrewNotWhole(Conflict):
    """The plan sends a crew in part, at different moments, or without a skill that the work takes (R-501)."""

    code = "CREW_NOT_WHOLE"
    remedy = "Optimise the day again, or take the visit off the plan."


class VisitNotPlannable(Conflict):
    """The visit is under way, finished or cancelled, so planning does not touch it."""

    code = "VISIT_NOT_PLANNABLE"
    remedy = "Open a follow-up visit if more work is needed."


class LockEmpty(Invalid):
    """A lock names neither a technician nor a start, so there is nothing to keep."""

    code = "LOCK_EMPTY"
    remedy = "Name a technician, a start time, or both."


class DoubleBooking(Conflict):
    """The publication would give a technician two visits at the same time; the database refused it."""

    code = "DOUBLE_BOOKING"
    remedy = "Optimise the day again; another publication took that time meanwhile."


class RunNotCancellable(Conflict):
    """The run is over, or no optimisation of a day, so there is nothing to call off."""

    code = "RUN_NOT_CANCELLABLE"
    remedy = "Read the run: if it is done, reject its proposal instead."


class DayTooLarge(Invalid):
    """The day has more visits or technicians than one optimisation may take."""

    code = "DAY_TOO_LARGE"
    remedy = "Split the territory, or raise the limit in the settings."
    permanent = True


class DayNotPlannable(Invalid):
    """The facts of the day contradict each other, so no plan can be made; each finding names its remedy."""

    code = "DAY_NOT_PLANNABLE"
    remedy = "Mend what the findings name, then optimise again."
    permanent = True


class AssumptionInvalid(Invalid):
    """A scenario assumes something about nobody, nowhere or no time."""

    code = "ASSUMPTION_INVALID"
    remedy = "Name technicians and sites of the territory, and stretches of time of at most 36 hours."


class RowNotAcceptable(Conflict):
    """A row of a proposal cannot be accepted by itself: it has no room among what stays as it was."""

    code = "ROW_NOT_ACCEPTABLE"
    remedy = "Accept the rows that make room for it as well, or the whole proposal."


class RowUnknown(Invalid):
    """The proposal changes nothing about the visit named."""

    code = "ROW_UNKNOWN"
    remedy = "Name visits from the list of the proposal's differences."


class Told(Protocol):
    """What a policy asks of a difference."""

    @property
    def is_told(self) -> bool:
        """Whether people have heard of the former place."""

    @property
    def breaks_promise(self) -> bool:
        """Whether the promise of the visit would be broken."""

    @property
    def changes_technician(self) -> bool:
        """Whether somebody else comes, or nobody."""


@dataclass(frozen=True, slots=True)
class AutoPublish:
    """
    What a territory lets planning publish by itself.

    reasons
        Why the proposal was made: ``emergency``, ``absence``, ``delay``, ``optimise``.
    told_most
        Visits whose technician or customer has heard of another place or time, at most.
    technicians_most
        Such visits that get another technician, at most.
    """

    reasons: frozenset[str] = frozenset()
    told_most: int = 0
    technicians_most: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return a territory's policy; without one nothing is published by itself."""
        given = stored or {}
        return cls(
            frozenset(given.get("reasons", ())),
            int(given.get("told_most", 0)),
            int(given.get("technicians_most", 0)),
        )

    def objection(self, reason: str, rows: Sequence[Told]) -> str | None:
        """Return why a person has to decide; None when the proposal may be published."""
        if reason not in self.reasons:
            return f"proposals for {reason} are for a person to publish"
        if any(row.breaks_promise for row in rows):
            return "a promise would be broken"
        told = [row for row in rows if row.is_told]
        if len(told) > self.told_most:
            return f"{len(told)} visits would be told anew, {self.told_most} may be"
        changed = sum(row.changes_technician for row in told)
        if changed > self.technicians_most:
            return f"{changed} visits would change technician, {self.technicians_most} may"
        return None


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """How arrival windows are cut out of a day: local hours from 0 to 24, all of one length."""

    first_hour: int = 8
    last_hour: int = 22
    hours: int = 2

    def local_hours(self) -> list[tuple[int, int]]:
        """Local hours at which slots begin and end."""
        last = self.last_hour - self.hours
        return [(hour, hour + self.hours) for hour in range(self.first_hour, last + 1, self.hours)]


class Danger(StrEnum):
    """How a promise stands: safe, at risk, or about to be broken (R-503)."""

    SAFE = "safe"
    AT_RISK = "at_risk"
    BREAKING = "breaking"


AT_RISK_BELOW, BREAKING_BELOW = 0.8, 0.2
"""Chances of being kept below which a promise is at risk, and as good as broken."""


def danger_of(chance: float | None) -> Danger:
    """Return how a promise stands by its chance; without a promise nothing is in danger."""
    if chance is None or chance >= AT_RISK_BELOW:
        return Danger.SAFE
    return Danger.AT_RISK if chance >= BREAKING_BELOW else Danger.BREAKING


LEAST_OPEN = 1800
"""Seconds that a slot must still last to be offered."""


class Ranked(Protocol):
    """What the order of offers looks at."""

    @property
    def cost_minor(self) -> int:
        """Price to the plan."""

    @property
    def chance(self) -> float:
        """Probability of being kept."""

    @property
    def load(self) -> float:
        """How full the slot is."""

    @property
    def meets_response(self) -> bool:
        """Whether the contract's limit of response is kept."""

    @property
    def meets_resolution(self) -> bool:
        """Whether the contract's limit of resolution is kept."""

    @property
    def start(self) -> datetime:
        """When the window opens."""


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """
    Which windows are offered, and which come first (R-303); amounts in minor units.

    least_chance
        Windows that are less likely to be kept are hidden.
    broken_promise_minor
        What a broken promise costs.
    full_slot_minor
        What a slot costs that is full already, so that work is spread over the day.
    searches
        Closed windows that are searched for room, at most, where insertion finds none that will do.
    """

    least_chance: float = 0.6
    broken_promise_minor: int = 5_000
    full_slot_minor: int = 500
    grid: SlotGrid = field(default_factory=SlotGrid)
    searches: int = 8

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the company's policy."""
        return cls(
            settings.offer_least_chance,
            settings.broken_promise_minor,
            settings.full_slot_minor,
            SlotGrid(settings.offer_first_hour, settings.offer_last_hour, settings.offer_window_hours),
            searches=settings.offer_searches,
        )

    def rank(self, seen: Ranked) -> tuple[bool, bool, int, datetime]:
        """Order of offers: within the contract's limits first, then cheap, keepable and off-peak together."""
        risk = (1 - seen.chance) * self.broken_promise_minor
        crowd = seen.load * self.full_slot_minor
        price = round(seen.cost_minor + risk + crowd)
        return not seen.meets_response, not seen.meets_resolution, price, seen.start


def check_window(start: datetime, end: datetime, now: datetime) -> None:
    """Refuse windows that no plan could hold."""
    if end <= start:
        raise WindowImpossible("the window ends before it starts")
    if end <= now:
        raise WindowImpossible("the window lies in the past")
    if end - start > timedelta(hours=12):
        raise WindowImpossible("the window is longer than 12 hours")


def is_open(slot: tuple[int, int], earliest: int) -> bool:
    """Tell whether a slot (seconds since local midnight) is open for half an hour after a moment."""
    start, end = slot
    return end - LEAST_OPEN >= max(start, earliest)


def new_reason(is_promised: bool, reason: str) -> str:
    """Return why a window is told: a further one is never the first, whatever the caller says."""
    return "customer_moved" if is_promised and reason == "first" else reason


PLAN_REASONS = {
    "absence": "technician_ill",
    "delay": "delay",
    "emergency": "emergency",
    "site_moved": "site_moved",
}
"""Why a plan was made, and what customers are told of it; any other plan is told as changed."""
REPLANNED = "replanned"


def told_reason(plan_reason: str) -> str:
    """Return the reason of a new promise that a plan brings about."""
    return PLAN_REASONS.get(plan_reason, REPLANNED)


def new_window_around(start: datetime, hours: int = 2) -> tuple[datetime, datetime]:
    """Return the window told to the customer for a planned start: the quarter hour before, two hours long."""
    floor = start.replace(minute=start.minute - start.minute % 15, second=0, microsecond=0)
    return floor, floor + timedelta(hours=hours)
