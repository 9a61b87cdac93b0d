"""
Arrival windows over the next days: what each costs the plan, how likely it is kept, how full it is (R-303).

Every window of the grid is either offered or hidden with its reason. Where insertion leaves the caller
without a window, room is searched for as booking does it. Nothing is written.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import house_rules, rules_under
from dispatch.customers.model import Site
from dispatch.planning import heads, open_days, spreads
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.days import Day, day_at
from dispatch.planning.open_days import Question
from dispatch.planning.quiet_times import QuietTimes, quiet_times
from dispatch.planning.rules import OfferPolicy, VisitNotPlannable, is_open
from dispatch.planning.slot_prices import Ledger, Price
from dispatch.planning.wanting import Wanted
from dispatch.technicians import queries as technicians
from dispatch.territories.model import Territory
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY
from optimizer.offers import Rearranged
from optimizer.oracle import Offer as Quote
from optimizer.problem import Window

NOBODY = "nobody is on duty on this day"
RESERVED = "the last {} % of the day are kept for emergencies"
USUAL = OfferPolicy()


@dataclass(frozen=True, slots=True)
class WindowOffer:
    """
    One window that the plan can hold.

    chance
        Probability of arriving by its end.
    load
        Part of the working time in the window that is planned already, 0 to 1.
    """

    day: date
    start: datetime
    end: datetime
    price: Price
    chance: float
    load: float
    technician_id: uuid.UUID
    expected_start: datetime
    slack_seconds: int
    meets_response: bool
    plan_version: int
    is_searched: bool = False
    """Whether other visits of the day make room, all of them kept within their windows."""

    @property
    def cost_minor(self) -> int:
        """The price as one figure."""
        return self.price.total_minor


@dataclass(frozen=True, slots=True)
class HiddenSlot:
    """A window of the grid that is not offered, and why."""

    day: date
    start: datetime
    end: datetime
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one technician cannot take the visit on a day; no technician when nobody at all is on duty."""

    day: date
    technician_id: uuid.UUID | None
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Offers:
    """Windows that can be promised, the best first; those that cannot; and why nobody can if none can."""

    windows: tuple[WindowOffer, ...]
    hidden: tuple[HiddenSlot, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks for a window: an existing visit, or what is to become one."""

    territory_id: uuid.UUID
    priority: int
    response_due_at: datetime | None
    ask: Callable[[Day], Question]
    quiet: QuietTimes | None = None
    """R-307: when planned work may not be offered."""


def offers_of(
    session: Session,
    asker: Asker,
    *,
    first_day: date | None = None,
    days: int = 3,
    limit: int = 12,
    policy: OfferPolicy = USUAL,
) -> Offers:
    """Return the best windows of some days from ``first_day`` on, by default from today in the territory."""
    today = day_at(session, asker.territory_id, clock.now())
    begin = first_day or today.day
    desk = _Desk(session, asker, policy)
    for ahead in range(days):
        desk.look_at(replace(today, day=begin + timedelta(days=ahead)))
    desk.close()
    desk.windows.sort(key=policy.rank)
    refusals = () if desk.windows else tuple(desk.refusals)
    return Offers(tuple(desk.windows[:limit]), tuple(desk.hidden), refusals)


def asker_of(session: Session, visit: Visit) -> Asker:
    """Let a visit ask that nobody has begun."""
    require_plannable(visit)
    order = visit.work_order

    def ask(day: Day) -> Question:
        return question(session, day, visit)

    rules, zone = rules_under(session, order.contract_id), zone_of(session, order.territory_id)
    quiet = quiet_times(session, session.get_one(Site, order.site_id), order.kind, rules, zone)
    return Asker(order.territory_id, order.priority, order.response_due_at, ask, quiet)


def asker_for(session: Session, wanted: Wanted) -> Asker:
    """Let something ask that has no visit yet."""

    def ask(day: Day) -> Question:
        return open_days.question_of(session, day, wanted)

    zone = zone_of(session, wanted.site.territory_id)
    quiet = quiet_times(session, wanted.site, wanted.kind, house_rules(session, wanted.contract), zone)
    return Asker(wanted.site.territory_id, wanted.priority, wanted.response_due_at, ask, quiet)


def question(
    session: Session, day: Day, visit: Visit, *, exact: bool = False, without_hold: uuid.UUID | None = None
) -> Question:
    """Put a visit to a day; one that waits for something is refused."""
    asked = open_days.question(session, day, visit, exact=exact, without_hold=without_hold)
    if asked is None:
        raise VisitNotPlannable(f"visit {visit.number} waits for {visit.work_order.waiting_reason}")
    return asked


def require_plannable(visit: Visit) -> None:
    """Refuse a visit that has begun or is over."""
    if visit.state not in NOT_BEGUN:
        raise VisitNotPlannable(f"visit {visit.number} is {visit.state}")


def reserve_of(session: Session, territory_id: uuid.UUID) -> int:
    """R-308: return the percentage of what is left of a territory's days that emergencies are to have."""
    statement = select(Territory.emergency_reserve_percent).where(Territory.id == territory_id)
    return session.scalars(statement).one()


def is_reserved(asker: Asker, asked: Question, percent: int) -> bool:
    """R-308: tell whether only emergencies may have what is left of the day."""
    if asker.priority >= EMERGENCY or not percent:
        return False
    now = max(0, asked.day.built.day.seconds(clock.now()))
    return not asked.day.load.leaves(asked.job.duration, percent, now)


@dataclass(frozen=True, slots=True)
class _Closed:
    """Windows of a day into which no route takes the visit as it stands."""

    asked: Question
    ledger: Ledger
    windows: Sequence[Window]
    version: int
    is_any_open: bool
    is_reserved: bool


class _Desk:
    """Gathers offers, hidden windows and refusals day by day."""

    def __init__(self, session: Session, asker: Asker, policy: OfferPolicy) -> None:
        self.session, self.asker, self.policy = session, asker, policy
        self.windows: list[WindowOffer] = []
        self.hidden: list[HiddenSlot] = []
        self.refusals: list[Refusal] = []
        self.closed: list[_Closed] = []
        self.searches = policy.searches
        self.spread = spreads.measured(session, asker.territory_id)
        self.reserve = reserve_of(session, asker.territory_id)

    def look_at(self, day: Day) -> None:
        """Offer or hide every window of one day."""
        windows = self._allowed(day, self._windows(day))
        if not windows:
            return
        if not technicians.has_shifts(self.session, day.territory_id, day.day):
            self._nobody(day, windows)
            return
        head = heads.find(self.session, day.territory_id, day.day)
        asked = self.asker.ask(day)
        if not asked.day.built.problem.technicians:
            self._nobody(day, windows)
            return
        quotes = asked.quote(windows)
        reserved = is_reserved(self.asker, asked, self.reserve)
        if quotes and reserved:
            self._hide(day, windows, "EMERGENCY_RESERVE", RESERVED.format(self.reserve))
            return
        ledger, version = Ledger(asked, self.spread, self.policy), head.version if head else 0
        for quote in quotes:
            self._show(day, ledger, quote, version)
        left = [window for window in windows if all(window != quote.window for quote in quotes)]
        if left:
            self.closed.append(_Closed(asked, ledger, left, version, bool(quotes), reserved))

    def close(self) -> None:
        """Search closed windows for room while the caller has none that will do, and hide the others."""
        for closed in self.closed:
            day = closed.asked.day.built.day
            left = [window for window in closed.windows if not self._reopened(day, closed, window)]
            if left:
                self._refuse(day, closed.asked, left, is_any_open=closed.is_any_open)

    def _reopened(self, day: Day, closed: _Closed, window: Window) -> bool:
        """Tell whether room was found in a closed window; it is shown then."""
        if closed.is_reserved or not self.searches or not self._is_wanting(day, window):
            return False
        if not closed.asked.is_about_room(window):
            return False
        self.searches -= 1
        found = closed.asked.reopen(window)
        if found is not None:
            self._show(day, closed.ledger, found, closed.version)
        return found is not None

    def _is_wanting(self, day: Day, window: Window) -> bool:
        """Tell whether a window would be worth a search: there is none by insertion that will do."""
        due = self.asker.response_due_at
        if any(not offer.is_searched and offer.meets_response for offer in self.windows):
            return False
        found_any = any(not offer.is_searched for offer in self.windows)
        return not found_any or (due is not None and day.moment(window.start) <= due)

    def _windows(self, day: Day) -> list[Window]:
        """The grid's windows that are still open; what is over is hidden as past."""
        now = max(0, day.seconds(clock.now()))
        grid = self.policy.grid
        slots = [(day.at_hour(begin), day.at_hour(end)) for begin, end in grid.local_hours()]
        over = [Window(*slot) for slot in slots if not is_open(slot, now)]
        if day.is_today() and over:
            self._hide(day, over, "PAST", "the window is over, or almost")
        found = [Window(max(start, now), end) for start, end in slots if is_open((start, end), now)]
        if self.asker.priority >= EMERGENCY and day.is_today():
            at_once = Window(now, now + grid.hours * 3600)
            return [at_once, *(window for window in found if window.start > now)]
        return found

    def _allowed(self, day: Day, windows: Sequence[Window]) -> list[Window]:
        """R-307: hide what would disturb a business customer, or comes sooner than it can be announced."""
        quiet = self.asker.quiet
        if quiet is None:
            return list(windows)
        today, found = clock.business_day(clock.now(), day.timezone), []
        for window in windows:
            objection = quiet.objection(day.moment(window.start), day.moment(window.end), today)
            if objection is None:
                found.append(window)
            else:
                self._hide(day, [window], *objection)
        return found

    def _nobody(self, day: Day, windows: Sequence[Window]) -> None:
        self.refusals.append(Refusal(day.day, None, "NO_TECHNICIAN", NOBODY))
        self._hide(day, windows, "NO_TECHNICIAN", NOBODY)

    def _show(self, day: Day, ledger: Ledger, quote: Quote, version: int) -> None:
        """Offer a window, unless it is too likely to be missed."""
        found = self._seen(day, ledger, quote, version)
        if found.chance >= self.policy.least_chance:
            self.windows.append(found)
            return
        sentence = f"arriving in time is likely to {round(100 * found.chance)} % only"
        self._hide(day, [quote.window], "UNLIKELY", sentence)

    def _seen(self, day: Day, ledger: Ledger, quote: Quote, version: int) -> WindowOffer:
        price, chance = ledger.judge(quote)
        due = self.asker.response_due_at
        return WindowOffer(
            day=day.day,
            start=day.moment(quote.window.start),
            end=day.moment(quote.window.end),
            price=price,
            chance=round(chance, 4),
            load=round(ledger.asked.day.load.share(quote.window), 4),
            technician_id=uuid.UUID(quote.technician_id),
            expected_start=day.moment(quote.start),
            slack_seconds=quote.slack,
            meets_response=due is None or day.moment(quote.start) <= due,
            plan_version=version,
            is_searched=isinstance(quote, Rearranged),
        )

    def _refuse(self, day: Day, asked: Question, windows: Sequence[Window], *, is_any_open: bool) -> None:
        """Hide windows that nobody can keep, by what keeps most technicians away."""
        found = asked.refusals(windows)
        if not is_any_open:
            self.refusals += [Refusal(day.day, uuid.UUID(r.technician_id), r.code, r.sentence) for r in found]
        codes = Counter(refusal.code for refusal in found)
        code = "CAPACITY" if "CAPACITY" in codes or not codes else codes.most_common(1)[0][0]
        sentences = [refusal.sentence for refusal in found if refusal.code == code]
        others = f", and so for {len(sentences) - 1} more" if len(sentences) > 1 else ""
        self._hide(day, windows, code, f"{sentences[0]}{others}" if sentences else "nobody has room left")

    def _hide(self, day: Day, windows: Sequence[Window], code: str, sentence: str) -> None:
        self.hidden += [
            HiddenSlot(day.day, day.moment(window.start), day.moment(window.end), code, sentence)
            for window in windows
        ]
