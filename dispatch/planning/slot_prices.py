"""What a window costs the plan, split into driving, overtime and what it does to others (R-303)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dispatch import clock
from dispatch.planning.chances import Forecast, Spread, forecast, lost
from dispatch.planning.questions import Question
from dispatch.planning.rules import OfferPolicy
from optimizer.meeting import seats_of
from optimizer.objectives.overtime import route_cents
from optimizer.objectives.travel import leg_cents
from optimizer.offers import Rearranged, with_site
from optimizer.oracle import Offer as Quote
from optimizer.plan import Route
from optimizer.problem import Technician, Window
from optimizer.problem import Visit as Job
from optimizer.timing import timetable


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
class Former:
    """A technician's visits without the one asked about, their route, and what is forecast for it."""

    technician: Technician
    jobs: tuple[Job, ...]
    route: Route | None
    forecast: Mapping[str, Forecast]


class Ledger:
    """Prices quotes of one question, and says how likely each is kept."""

    def __init__(self, asked: Question, spread: Spread, policy: OfferPolicy) -> None:
        self.asked, self._spread, self._policy = asked, spread, policy
        self._plan = asked.day.oracle.plan
        self._problem, self._job = with_site(asked.day.oracle.problem, asked.job, asked.site)
        self._begun, self._told = asked.day.built.begun, asked.day.built.told
        self._now = asked.day.built.day.seconds(clock.now())
        self._formers: dict[str, Former] = {}

    def judge(self, quote: Quote) -> tuple[Price, float]:
        """
        Return the price of a quote, split, and the chance of arriving by the end of its window.

        A crew is as likely to be there as whoever of it is the least likely.
        """
        routes = self._after(quote)
        formers = [self._former(name) for name in routes]
        windows = self._windows(job for former in formers for job in former.jobs)
        wanted = [_name(self._job, seat) for seat in seats_of(quote)]
        windows |= dict.fromkeys(wanted, quote.window)
        had: dict[str, Forecast] = {}
        will: dict[str, Forecast] = {}
        travel = overtime = 0
        for former in formers:
            before, after = former.route, routes[former.technician.id]
            had |= former.forecast
            will |= self._forecast(after, windows)
            travel += self._drives(after) - self._drives(before)
            overtime += self._overtime(former.technician, after) - self._overtime(former.technician, before)
        harm = round(lost(had, will) * self._policy.broken_promise_minor)
        rest = quote.extra_cost - travel - overtime
        return Price(travel, overtime, rest + harm), min(will[name].chance for name in wanted)

    def _after(self, quote: Quote) -> dict[str, Route | None]:
        """Routes that a quote changes, by technician, as they would be; None for one who stays at home."""
        if isinstance(quote, Rearranged):
            return {
                **dict.fromkeys(sorted(quote.emptied)),
                **{route.technician_id: route for route in quote.routes},
            }
        return {seat.technician_id: self._with(seat) for seat in seats_of(quote)}

    def _with(self, seat: Quote) -> Route:
        """A route with the visit, or with that of one of its crew."""
        former = self._former(seat.technician_id)
        narrowed = replace(self._job, id=_name(self._job, seat), windows=(seat.window,))
        with_it = (*former.jobs[: seat.position], narrowed, *former.jobs[seat.position :])
        return timetable(self._problem, former.technician, with_it)

    def _windows(self, jobs: Iterable[Job]) -> dict[str, Window]:
        """Windows that customers were told; what narrows them for a crew is nobody's promise."""
        known = ((job.id, self._told.get(job.id, job.windows[0])) for job in jobs if job.windows)
        return {name: window for name, window in known if window is not None}

    def _former(self, technician_id: str) -> Former:
        """A route without the visit, timed and forecast once for all windows."""
        known = self._formers.get(technician_id)
        if known is None:
            technician = self._problem.technician(technician_id)
            if technician is None:
                raise ValueError(f"technician {technician_id} is not of this day")
            others = self._others(technician_id)
            before = timetable(self._problem, technician, others) if others else None
            known = Former(technician, others, before, self._forecast(before, self._windows(others)))
            self._formers[technician_id] = known
        return known

    def _forecast(self, route: Route | None, windows: Mapping[str, Window]) -> dict[str, Forecast]:
        if route is None:
            return {}
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

    def _drives(self, route: Route | None) -> int:
        if route is None:
            return 0
        policy = self._problem.policy
        ways = [(call.travel, call.metres) for call in route.calls()]
        ways.append((route.return_travel, route.return_metres))
        return sum(leg_cents(policy, *way) for way in ways)

    def _overtime(self, technician: Technician, route: Route | None) -> int:
        return route_cents(self._problem.policy, technician, route.return_time) if route else 0


def _name(job: Job, seat: Quote) -> str:
    """The visit that a quote is about: the one asked about, or that of one of its crew."""
    return seat.visit.id if seat.visit is not None else job.id
