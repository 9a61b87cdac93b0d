"""
Arrival windows over the next days: what each costs the plan, how likely it is kept, how full it is (R-303).

Every window of the grid is either offered or hidden with its reason. Where insertion leaves the caller
without a window, room is searched for as booking does it. Nothing is written.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.planning import spreads
from dispatch.planning.asking import Asker, is_reserved
from dispatch.planning.days import Day, day_at
from dispatch.planning.horizon import Horizon
from dispatch.planning.questions import Question
from dispatch.planning.rules import OfferPolicy, is_open
from dispatch.planning.slot_prices import Ledger, Price
from dispatch.territories.queries import reserve_of
from dispatch.work_orders.rules import EMERGENCY
from optimizer.meeting import seats_of
from optimizer.offers import Rearranged
from optimizer.oracle import Offer as Quote
from optimizer.problem import Window

NOBODY = "nobody is on duty on this day"
RESERVED = "the last {} % of the day are kept for emergencies"
USUAL = OfferPolicy()
EVERY = 1_000
"""More windows than the days that are looked at have."""


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
    meets_resolution: bool
    """Whether the work is over by the contract's limit."""
    plan_version: int
    is_searched: bool = False
    """Whether other visits of the day make room, all of them kept within their windows."""
    along: tuple[uuid.UUID, ...] = ()
    """Who goes along, where it takes a crew."""

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
    first = replace(today, day=begin)
    desk = _Desk(session, asker, policy, Horizon(session, first, days))
    for ahead in range(days):
        desk.look_at(first.later(ahead))
    desk.close()
    desk.windows.sort(key=policy.rank)
    refusals = () if desk.windows else tuple(desk.refusals)
    return Offers(tuple(desk.windows[:limit]), tuple(desk.hidden), refusals)


Span = tuple[datetime, datetime]
"""Begin and end of a window."""


def likeliest(found: Sequence[tuple[float, float]], least_chance: float) -> int:
    """
    Return which of several planning days takes a window, of (extra cost, chance) of each.

    The cheapest that is likely enough to be kept, or the cheapest of all; offers, holds and promises agree.
    """
    by_cost = sorted(range(len(found)), key=lambda number: found[number][0])
    return next((number for number in by_cost if found[number][1] >= least_chance), by_cost[0])


@dataclass(frozen=True, slots=True)
class _Side:
    """One planning day asked about windows: the calendar day, or the night shift of the evening before."""

    day: Day
    asked: Question
    ledger: Ledger
    version: int
    is_reserved: bool
    quotes: Mapping[Span, Quote]

    def window(self, span: Span) -> Window:
        """Return a window in the seconds of this planning day."""
        return Window(*map(self.day.seconds, span))


@dataclass(frozen=True, slots=True)
class _Closed:
    """Windows of a calendar day into which no route takes the visit as it stands."""

    day: Day
    sides: Sequence[_Side]
    spans: Sequence[Span]
    is_any_open: bool


def _kept_back(sides: Sequence[_Side], span: Span) -> _Side | None:
    """The side whose reserve is why a window is hidden: that of one day hides nothing of the other."""
    kept = [side for side in sides if side.is_reserved and side.quotes]
    asked = next((side for side in kept if span in side.quotes), None)
    return asked or (kept[0] if kept and len(kept) == len(sides) else None)


class _Desk:
    """Gathers offers, hidden windows and refusals day by day."""

    def __init__(self, session: Session, asker: Asker, policy: OfferPolicy, horizon: Horizon) -> None:
        self.asker, self.policy, self.horizon = asker, policy, horizon
        self.windows: list[WindowOffer] = []
        self.hidden: list[HiddenSlot] = []
        self.refusals: list[Refusal] = []
        self.closed: list[_Closed] = []
        self.searches = policy.searches
        self.spread = spreads.measured(session, asker.territory_id)
        self.reserve = reserve_of(session, asker.territory_id)

    def look_at(self, day: Day) -> None:
        """Offer or hide every window of one calendar day; night shifts of the evening before count."""
        windows = self._allowed(day, self._windows(day))
        if not windows:
            return
        spans = _spans(day, windows)
        asked = self.horizon.days_for(spans[0][0])
        sides = [side for on in asked if (side := self._side(on, spans)) is not None]
        if not sides:
            self._nobody(day, windows)
            return
        left, is_any_open = [], False
        for span in spans:
            quoted = [side for side in sides if span in side.quotes and not side.is_reserved]
            if quoted:
                self._show(day, [(side, side.quotes[span]) for side in quoted])
                is_any_open = True
            elif (kept := _kept_back(sides, span)) is not None:
                percent = self.reserve.on(kept.day.day)
                self._hide(day, [span], "EMERGENCY_RESERVE", RESERVED.format(percent))
            else:
                left.append(span)
        if left:
            self.closed.append(_Closed(day, sides, left, is_any_open))

    def _side(self, day: Day, spans: Sequence[Span]) -> _Side | None:
        """Ask one planning day; None when nobody is on duty then."""
        if not self.horizon.is_worked(day):
            return None
        asked = self.asker.ask(day, self.horizon.mark)
        if not asked.day.built.problem.technicians:
            return None
        windows = {Window(*map(day.seconds, span)): span for span in spans}
        quotes = {windows[quote.window]: quote for quote in asked.quote(list(windows))}
        ledger = Ledger(asked, self.spread, self.policy)
        reserved = is_reserved(self.asker, asked, self.reserve)
        return _Side(day, asked, ledger, self.horizon.version(day), reserved, quotes)

    def close(self) -> None:
        """Search closed windows for room while the caller has none that will do, and hide the others."""
        for closed in self.closed:
            left = [span for span in closed.spans if not self._reopened(closed, span)]
            if left:
                self._refuse(closed, left)

    def _reopened(self, closed: _Closed, span: Span) -> bool:
        """Tell whether room was found in a closed window; it is shown then."""
        for side in closed.sides:
            if side.is_reserved or not self.searches or not self._is_wanting(span):
                continue
            if side.asked.is_about_room(side.window(span)):
                self.searches -= 1
                found = side.asked.reopen(side.window(span))
                if found is not None:
                    self._show(closed.day, [(side, found)])
                    return True
        return False

    def _is_wanting(self, span: Span) -> bool:
        """Tell whether a window would be worth a search: none by insertion keeps what can still be kept."""
        now, inserted = clock.now(), [offer for offer in self.windows if not offer.is_searched]
        response, resolution = ((due if due and due > now else None) for due in self.asker.limits)
        for offer in inserted:
            if (offer.meets_response or not response) and (offer.meets_resolution or not resolution):
                return False
        return not inserted or any(due is not None and span[0] <= due for due in (response, resolution))

    def _windows(self, day: Day) -> list[Window]:
        """The grid's windows that are still open; what is over is hidden as past."""
        now = max(0, day.seconds(clock.now()))
        grid = self.policy.grid
        slots = [(day.at_hour(begin), day.at_hour(end)) for begin, end in grid.local_hours()]
        over = [Window(*slot) for slot in slots if not is_open(slot, now)]
        if over:
            self._hide(day, _spans(day, over), "PAST", "the window is over, or almost")
        found = [Window(max(start, now), end) for start, end in slots if is_open((start, end), now)]
        if self.asker.priority >= EMERGENCY and day.is_today():
            at_once = Window(now, now + grid.hours * 3600)
            return [at_once, *(window for window in found if window.start > now)]
        return found

    def _allowed(self, day: Day, windows: Sequence[Window]) -> list[Window]:
        """
        Hide what the caller may not have at all.

        R-307: what would disturb a business customer, or comes sooner than it can be announced. R-306: what
        is too near to be a reservation, where a technician is asked for by name.
        """
        today, found = clock.business_day(clock.now(), day.timezone), []
        for window in windows:
            objection = self.asker.objection(day.moment(window.start), day.moment(window.end), today)
            if objection is None:
                found.append(window)
            else:
                self._hide(day, _spans(day, [window]), *objection)
        return found

    def _nobody(self, day: Day, windows: Sequence[Window]) -> None:
        self.refusals.append(Refusal(day.day, None, "NO_TECHNICIAN", NOBODY))
        self._hide(day, _spans(day, windows), "NO_TECHNICIAN", NOBODY)

    def _show(self, day: Day, quotes: Sequence[tuple[_Side, Quote]]) -> None:
        """Offer the cheapest of the quotes for one window, unless all are too likely to be missed."""
        seen = [self._seen(day, *pair) for pair in quotes]
        costs = [(quote.extra_cost, offer.chance) for (_, quote), offer in zip(quotes, seen, strict=True)]
        found = seen[likeliest(costs, self.policy.least_chance)]
        if found.chance >= self.policy.least_chance:
            self.windows.append(found)
            return
        sentence = f"arriving in time is likely to {round(100 * found.chance)} % only"
        self._hide(day, [(found.start, found.end)], "UNLIKELY", sentence)

    def _seen(self, day: Day, side: _Side, quote: Quote) -> WindowOffer:
        price, chance = side.ledger.judge(quote)
        moment, (response, resolution) = side.day.moment, self.asker.limits
        return WindowOffer(
            day=day.day,
            start=moment(quote.window.start),
            end=moment(quote.window.end),
            price=price,
            chance=round(chance, 4),
            load=round(side.asked.day.load.share(quote.window), 4),
            technician_id=uuid.UUID(quote.technician_id),
            expected_start=moment(quote.start),
            slack_seconds=quote.slack,
            meets_response=response is None or moment(quote.start) <= response,
            meets_resolution=resolution is None
            or moment(quote.start + side.asked.job.duration) <= resolution,
            plan_version=side.version,
            is_searched=isinstance(quote, Rearranged),
            along=tuple(uuid.UUID(seat.technician_id) for seat in seats_of(quote)[1:]),
        )

    def _refuse(self, closed: _Closed, spans: Sequence[Span]) -> None:
        """Hide windows that nobody can keep, by what keeps most technicians away."""
        found = [
            refusal
            for side in closed.sides
            for refusal in side.asked.refusals([side.window(span) for span in spans])
        ]
        day = closed.day
        if not closed.is_any_open:
            self.refusals += [Refusal(day.day, uuid.UUID(r.technician_id), r.code, r.sentence) for r in found]
        codes = Counter(refusal.code for refusal in found)
        code = "CAPACITY" if "CAPACITY" in codes or not codes else codes.most_common(1)[0][0]
        sentences = [refusal.sentence for refusal in found if refusal.code == code]
        others = f", and so for {len(sentences) - 1} more" if len(sentences) > 1 else ""
        self._hide(day, spans, code, f"{sentences[0]}{others}" if sentences else "nobody has room left")

    def _hide(self, day: Day, spans: Sequence[Span], code: str, sentence: str) -> None:
        self.hidden += [HiddenSlot(day.day, *span, code, sentence) for span in spans]


def _spans(day: Day, windows: Sequence[Window]) -> list[Span]:
    return [(day.moment(window.start), day.moment(window.end)) for window in windows]
