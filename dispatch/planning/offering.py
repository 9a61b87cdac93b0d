"""
Arrival windows over the next days: what each costs the plan, how likely it is kept, how full it is (R-303).

Every window of the grid is either offered or hidden with its reason. Nothing is written.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.contracts.house_rules import house_rules, rules_under
from dispatch.customers.model import Site
from dispatch.planning import heads, open_days, spreads
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.chances import Forecast, Spread, forecast, lost
from dispatch.planning.days import Day, day_at
from dispatch.planning.open_days import Question
from dispatch.planning.quiet_times import QuietTimes, quiet_times
from dispatch.planning.rules import OfferPolicy, VisitNotPlannable, is_open
from dispatch.planning.wanting import Wanted
from dispatch.technicians import queries as technicians
from dispatch.territories.model import Territory
from dispatch.territories.queries import zone_of
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import EMERGENCY
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.travel import leg_cents
from optimizer.offers import with_site
from optimizer.oracle import Offer as Quote
from optimizer.plan import Route
from optimizer.problem import Technician, Window
from optimizer.problem import Visit as Job
from optimizer.timing import timetable

NOBODY = "nobody is on duty on this day"
RESERVED = "the last {} % of the day are kept for emergencies"
USUAL = OfferPolicy()


@dataclass(frozen=True, slots=True)
class Price:
    """
    What a window costs the plan, in minor units.

    displacement_minor
        What it does to others: their lost chances at the price of a broken promise, and whatever else the
        plan pays beyond driving and overtime.
    """

    travel_minor: int
    overtime_minor: int
    displacement_minor: int

    @property
    def total_minor(self) -> int:
        """All three together."""
        return self.travel_minor + self.overtime_minor + self.displacement_minor


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


class _Desk:
    """Gathers offers, hidden windows and refusals day by day."""

    def __init__(self, session: Session, asker: Asker, policy: OfferPolicy) -> None:
        self.session, self.asker, self.policy = session, asker, policy
        self.windows: list[WindowOffer] = []
        self.hidden: list[HiddenSlot] = []
        self.refusals: list[Refusal] = []
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
        if quotes and is_reserved(self.asker, asked, self.reserve):
            self._hide(day, windows, "EMERGENCY_RESERVE", RESERVED.format(self.reserve))
            return
        ledger = Ledger(asked, self.spread, self.policy)
        for quote in quotes:
            found = self._seen(day, ledger, quote, head.version if head else 0)
            if found.chance < self.policy.least_chance:
                sentence = f"arriving in time is likely to {round(100 * found.chance)} % only"
                self._hide(day, [quote.window], "UNLIKELY", sentence)
            else:
                self.windows.append(found)
        closed = [window for window in windows if all(window != quote.window for quote in quotes)]
        if closed:
            self._refuse(day, asked, closed, is_any_open=bool(quotes))

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


Former = tuple[tuple[Job, ...], Route | None, dict[str, Forecast]]
"""Visits of a route, the route, and what is forecast for it."""


class Ledger:
    """Prices quotes of one question, and says how likely each is kept."""

    def __init__(self, asked: Question, spread: Spread, policy: OfferPolicy) -> None:
        self.asked, self._spread, self._policy = asked, spread, policy
        self._plan = asked.day.oracle.plan
        self._problem, self._job = with_site(asked.day.oracle.problem, asked.job, asked.site)
        self._begun = asked.day.built.begun
        self._now = asked.day.built.day.seconds(clock.now())
        self._formers: dict[str, Former] = {}

    def judge(self, quote: Quote) -> tuple[Price, float]:
        """Return the price of a quote, split, and the chance of arriving by the end of its window."""
        technician = self._problem.technician(quote.technician_id)
        if technician is None:
            raise ValueError(f"technician {quote.technician_id} is not of this day")
        others, before, had = self._former(technician)
        narrowed = replace(self._job, windows=(quote.window,))
        with_it = (*others[: quote.position], narrowed, *others[quote.position :])
        after = timetable(self._problem, technician, with_it)
        will = self._forecast(after, {job.id: job.windows[0] for job in with_it if job.windows})
        travel = self._drives(after) - (self._drives(before) if before else 0)
        over = [
            route_cents(self._problem.policy, technician, route.return_time) if route else 0
            for route in (after, before)
        ]
        overtime = over[0] - over[1]
        harm = round(lost(had, will) * self._policy.broken_promise_minor)
        rest = quote.extra_cost - travel - overtime
        return Price(travel, overtime, rest + harm), will[self._job.id].chance

    def _former(self, technician: Technician) -> Former:
        """A route without the visit, timed and forecast once for all windows."""
        known = self._formers.get(technician.id)
        if known is None:
            others = self._others(technician.id)
            before = timetable(self._problem, technician, others) if others else None
            windows = {job.id: job.windows[0] for job in others if job.windows}
            had = self._forecast(before, windows) if before else {}
            known = self._formers[technician.id] = (others, before, had)
        return known

    def _forecast(self, route: Route, windows: Mapping[str, Window]) -> dict[str, Forecast]:
        return forecast(route, windows, self._spread, begun=self._begun, now=self._now)

    def _others(self, technician_id: str) -> tuple[Job, ...]:
        route = self._plan.route_of(technician_id)
        if route is None:
            return self._problem.begun_by(technician_id)
        return tuple(self._known(route))

    def _known(self, route: Route) -> Iterator[Job]:
        for stop in route.stops:
            job = self._problem.visit(stop.visit_id)
            if job is not None and job.id != self._job.id:
                yield job

    def _drives(self, route: Route) -> int:
        policy = self._problem.policy
        ways = [(call.travel, call.metres) for call in route.calls()]
        ways.append((route.return_travel, route.return_metres))
        return sum(leg_cents(policy, *way) for way in ways)
