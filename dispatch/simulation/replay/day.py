"""
One day of a generated company under a policy: promised, driven, replanned, counted.

Everything goes through the engine that real days go through: windows are quoted by the booking oracle, new
plans come from ``solve`` with what has begun as facts, and chances from ``planning.chances``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from dispatch.planning.chances import Spread, forecast, lost
from dispatch.planning.load import Load
from dispatch.planning.rules import BREAKING_BELOW
from dispatch.simulation.replay.company import CLOSES, HOUR, OPENS, Caller, Company, DayPlot
from dispatch.simulation.replay.figures import Figures
from dispatch.simulation.replay.policy import ReplayPolicy
from optimizer.booking import open_oracle
from optimizer.engines.base import Budget
from optimizer.errors import InfeasibleRoute
from optimizer.oracle import Offer
from optimizer.plan import Plan, Route
from optimizer.policy import policy as prices_named
from optimizer.problem import Lock, Problem, Technician, Visit, Window
from optimizer.schedule import retimed
from optimizer.solve import solve
from optimizer.timing import timetable

LOOK_SECONDS = 1_800
"""How often the desk looks at the day."""
LATEST = 36 * HOUR
PATIENCE = 12 * HOUR
EMERGENCY_WITHIN = 2 * HOUR
BUFFER = 600
"""Technicians set out so long before they must."""
RETOLD = 900


@dataclass(frozen=True, slots=True)
class Begun:
    """A visit that a technician has set out for, or finished."""

    technician_id: str
    arrival: int
    start: int
    end: int
    metres: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """An offer as the order of offers sees it."""

    offer: Offer
    cost_minor: int
    chance: float
    load: float
    start: datetime
    meets_response: bool = True
    meets_resolution: bool = True


@dataclass
class Replay:
    """A day as it stands: who was promised what, who is where, and what is planned."""

    company: Company
    plot: DayPlot
    policy: ReplayPolicy
    figures: Figures
    spread: Spread = field(default_factory=Spread)
    visits: dict[str, Visit] = field(default_factory=dict)
    promised: dict[str, Window] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    begun: dict[str, Begun] = field(default_factory=dict)
    told: dict[str, tuple[str, int]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)

    def live(self) -> Figures:
        """Let the day happen, and return its figures."""
        self._book_until(0)
        self._plan(0)
        for now in range(OPENS, CLOSES + 1, LOOK_SECONDS):
            self._drive(now)
            trouble = self._go_home(now)
            trouble |= self._book_until(now)
            in_danger = self.policy.replan == "danger" and self._is_in_danger(now)
            if (trouble and self.policy.replan != "never") or in_danger:
                self._plan(now)
        self._drive(LATEST)
        self._count()
        return self.figures

    # Booking -------------------------------------------------------------------------------------

    def _book_until(self, now: int) -> bool:
        """Take the calls up to a moment; tell whether an emergency was among them."""
        waiting = [
            caller
            for caller in self.plot.callers
            if caller.called_at <= now and caller.visit.id not in self.figures.seen
        ]
        for caller in waiting:
            self.figures.seen.add(caller.visit.id)
            self._book(caller, max(now, 0))
        return any(caller.is_emergency for caller in waiting)

    def _book(self, caller: Caller, now: int) -> None:
        self.figures.emergencies += caller.is_emergency
        problem = self._problem(now)
        plan = self._timed(problem)
        oracle = open_oracle(problem, plan)
        windows = self._windows(caller, now)
        offers = oracle.quote(caller.visit, windows) if windows else []
        ranked = sorted(self._ranked(problem, plan, offers, caller, now), key=self.policy.offers.rank)
        if not ranked:
            self.figures.turned_away += 1
            return
        taken = self._chosen(caller, ranked)
        window = taken.offer.window
        self.visits[caller.visit.id] = replace(caller.visit, windows=(window,))
        self.promised[caller.visit.id] = window
        order = self.orders.setdefault(taken.offer.technician_id, [])
        order.insert(
            max(0, taken.offer.position - self._begun_of(taken.offer.technician_id)), caller.visit.id
        )
        self.figures.promised += 1

    def _begun_of(self, technician_id: str) -> int:
        return sum(each.technician_id == technician_id for each in self.begun.values())

    def _windows(self, caller: Caller, now: int) -> list[Window]:
        if caller.is_emergency:
            return [Window(now, now + EMERGENCY_WITHIN)]
        spans = [(begin * HOUR, end * HOUR) for begin, end in self.policy.offers.grid.local_hours()]
        return [Window(max(start, now), end) for start, end in spans if end - LOOK_SECONDS >= max(start, now)]

    def _ranked(
        self, problem: Problem, plan: Plan, offers: Sequence[Offer], caller: Caller, now: int
    ) -> Iterator[Ranked]:
        load = Load.of(problem, plan)
        full = not load.leaves(caller.visit.duration, self.policy.reserve_percent, now)
        for offer in offers:
            if caller.is_emergency:
                yield Ranked(offer, offer.extra_cost, 1.0, 0.0, self._moment(offer.start))
                continue
            chance, harm = self._chance(problem, plan, offer, caller.visit, now)
            if full or chance < self.policy.least_chance:
                continue
            cost = offer.extra_cost + round(harm * self.policy.broken_promise_minor)
            start = self._moment(offer.window.start)
            yield Ranked(offer, cost, chance, load.share(offer.window), start)

    def _moment(self, seconds: int) -> datetime:
        return datetime.combine(self.plot.day, time(), UTC) + timedelta(seconds=seconds)

    def _chance(
        self, problem: Problem, plan: Plan, offer: Offer, visit: Visit, now: int
    ) -> tuple[float, float]:
        """The chance of an offer being kept, and how many other promises it costs in the mean."""
        technician = problem.technician(offer.technician_id)
        assert technician is not None  # noqa: S101 - the oracle offers technicians of the problem
        route = plan.route_of(technician.id)
        others = tuple(
            found for stop in (route.stops if route else ()) if (found := problem.visit(stop.visit_id))
        )
        with_it = (
            *others[: offer.position],
            replace(visit, windows=(offer.window,)),
            *others[offer.position :],
        )
        windows = {**self.promised, visit.id: offer.window}
        begun = frozenset(self.begun)
        after = forecast(timetable(problem, technician, with_it), windows, self.spread, begun=begun, now=now)
        before = forecast(route, windows, self.spread, begun=begun, now=now) if route else {}
        return after[visit.id].chance, lost(before, after)

    def _chosen(self, caller: Caller, ranked: Sequence[Ranked]) -> Ranked:
        """What the caller takes: the wished hour if it is among the first three offers, else the first."""
        if caller.wish is not None:
            for each in ranked[:3]:
                if each.offer.window.start <= caller.wish * HOUR < each.offer.window.end:
                    return each
        return ranked[0]

    # Planning ------------------------------------------------------------------------------------

    def _problem(self, now: int, relaxed: frozenset[str] = frozenset()) -> Problem:
        """The day as the engine sees it at a moment."""
        crew = tuple(who for each in self.company.crew if (who := self._person(each, now)) is not None)
        present = {who.id for who in crew}
        rows = [self._job(name, visit, now, relaxed) for name, visit in self.visits.items()]
        locks: list[Lock] = []
        for one in sorted(present):
            mine = sorted((b.start, name) for name, b in self.begun.items() if b.technician_id == one)
            locks += [Lock(name, one, start=start, sequence=at) for at, (start, name) in enumerate(mine)]
        held = {name for name, b in self.begun.items() if b.technician_id not in present}
        visits = tuple(visit for visit in rows if visit.id not in held)
        prices = prices_named(self.policy.prices)
        return Problem(self.plot.day, crew, visits, self.company.matrix, tuple(locks), prices)

    def _person(self, technician: Technician, now: int) -> Technician | None:
        if technician.id in self.gone:
            return None
        free = [b.end for b in self.begun.values() if b.technician_id == technician.id]
        rests = () if now > technician.breaks[0].latest else technician.breaks
        ready = max([technician.shift.start, now, *[end for end in free if end <= now]])
        return replace(technician, earliest_departure=ready, breaks=rests)

    def _job(self, name: str, visit: Visit, now: int, relaxed: frozenset[str]) -> Visit:
        begun = self.begun.get(name)
        if begun is not None:
            known = begun.end - begun.start if begun.end <= now else visit.duration
            length = max(60, known, 0 if begun.end <= now else now + 300 - begun.start)
            return replace(visit, windows=(), skills={}, duration=length)
        window = self.promised[name]
        if name in relaxed or window.end < now:
            window = Window(max(window.start, now), LATEST)
        technician, start = self.told.get(name, (None, None))
        return replace(visit, windows=(window,), previous_technician=technician, announced=start)

    def _timed(self, problem: Problem) -> Plan:
        """The present orders, timed; what no longer fits in its route is left to the end of it."""
        sequences = {}
        for who in problem.technicians:
            names = [name for name in self.orders.get(who.id, ()) if name not in self.begun]
            later = [visit for name in names if (visit := problem.visit(name)) is not None]
            sequences[who.id] = (*problem.begun_by(who.id), *later)
        try:
            return retimed(problem, sequences)
        except InfeasibleRoute:
            return retimed(problem, {who: _fitting(problem, who, line) for who, line in sequences.items()})

    def _plan(self, now: int) -> None:
        """Plan what is left of the day anew, and tell those for whom it changes."""
        problem = self._problem(now)
        half = Budget(solutions=self.policy.iterations)
        result = solve(problem, half, seed=1, start=self._timed(problem))
        late = frozenset(left.visit_id for left in result.plan.unserved)
        if late:
            problem = self._problem(now, late)
            result = solve(problem, half, seed=1, start=result.plan)
        self.figures.plans += now > 0
        self.orders = {
            route.technician_id: [stop.visit_id for stop in route.stops if stop.visit_id not in self.begun]
            for route in result.plan.routes
        }
        placed = {
            stop.visit_id: (r.technician_id, stop.start) for r in result.plan.routes for stop in r.stops
        }
        for name in self.promised:
            if name not in self.begun:
                self._tell(name, placed.get(name))
        for name in [name for name in self.promised if name not in placed and name not in self.begun]:
            self.orders.setdefault(problem.technicians[0].id, []).append(name)

    def _tell(self, name: str, place: tuple[str, int] | None) -> None:
        """Count who hears of something new: another technician, or a begin after the promised window."""
        before = self.told.get(name)
        if place is None:
            self.figures.told_anew += before is not None
            self.told.pop(name, None)
            return
        if before is not None:
            is_late = place[1] > self.promised[name].end and place[1] - before[1] > RETOLD
            self.figures.told_anew += before[0] != place[0] or is_late
        self.told[name] = place

    def _is_in_danger(self, now: int) -> bool:
        """Whether a promise will probably break as the routes are."""
        problem = self._problem(now)
        begun = frozenset(self.begun)
        for route in self._timed(problem).routes:
            found = forecast(route, self.promised, self.spread, begun=begun, now=now)
            if any(seen.chance < BREAKING_BELOW for seen in found.values()):
                return True
        return False

    # Driving -------------------------------------------------------------------------------------

    def _go_home(self, now: int) -> bool:
        """Let those fall ill whose time has come; tell whether anybody did."""
        ill = [who for who, at in self.plot.ill.items() if at <= now and who not in self.gone]
        for who in ill:
            if len(self.gone) + 1 < len(self.company.crew):
                self.gone[who] = now
                left = self.orders.pop(who, [])
                other = next(each.id for each in self.company.crew if each.id not in self.gone)
                self.orders.setdefault(other, []).extend(name for name in left if name not in self.begun)
        return bool(ill)

    def _drive(self, until: int) -> None:
        """Let every technician begin what they would have set out for by a moment."""
        for technician in self.company.crew:
            while technician.id not in self.gone and self._next(technician, until):
                pass

    def _next(self, technician: Technician, until: int) -> bool:
        order = self.orders.get(technician.id, [])
        while order and order[0] in self.begun:
            order.pop(0)
        if not order:
            return False
        name, (place, free, rested) = order[0], self._where(technician)
        visit = self.visits[name]
        planned = self.company.matrix.seconds[place][visit.location]
        window = self.promised[name]
        rest = technician.breaks[0]
        leaves = max(free, window.start - planned - BUFFER)
        if not rested and leaves >= rest.earliest:
            leaves += rest.duration
        if leaves > until:
            return False
        arrival = leaves + self.plot.drive(place, visit.location, planned)
        start = max(arrival, window.start)
        end = start + max(300, round(visit.duration * self.plot.factors[name]))
        metres = self.company.matrix.metres[place][visit.location]
        self.begun[name] = Begun(technician.id, arrival, start, end, metres)
        return True

    def _where(self, technician: Technician) -> tuple[int, int, bool]:
        """Where somebody is, from when on they are free, and whether they have had their break."""
        mine = [(b.end, name, b) for name, b in self.begun.items() if b.technician_id == technician.id]
        if not mine:
            return technician.start, technician.shift.start, False
        end, name, last = max(mine)
        return self.visits[name].location, end, last.start > technician.breaks[0].earliest

    def _count(self) -> None:
        """Add up what happened."""
        figures = self.figures
        for name, window in self.promised.items():
            fact = self.begun.get(name)
            figures.kept += fact is not None and fact.arrival <= window.end
            figures.left_out += fact is None
            if name.startswith("E"):
                figures.emergencies_kept += fact is not None and fact.arrival <= window.end
        for technician in self.company.crew:
            mine = [(b.end, name) for name, b in self.begun.items() if b.technician_id == technician.id]
            figures.metres += sum(b.metres for b in self.begun.values() if b.technician_id == technician.id)
            if mine:
                end, name = max(mine)
                place = self.visits[name].location
                figures.metres += self.company.matrix.metres[place][technician.end]
                home = end + self.company.matrix.seconds[place][technician.end]
                figures.overtime += max(0, home - technician.shift.end)


def _fitting(problem: Problem, technician_id: str, visits: Sequence[Visit]) -> tuple[Visit, ...]:
    """As many visits of a route, in order, as can still be driven within the shift."""
    technician = problem.technician(technician_id)
    kept: tuple[Visit, ...] = problem.begun_by(technician_id)
    for visit in visits[len(kept) :]:
        try:
            _route_of(problem, technician, (*kept, visit))
        except InfeasibleRoute:
            continue
        kept = (*kept, visit)
    return kept


def _route_of(problem: Problem, technician: Technician | None, visits: tuple[Visit, ...]) -> Route:
    assert technician is not None  # noqa: S101 - asked for technicians of the problem
    return timetable(problem, technician, visits)
