"""
The booking oracle: what a visit would cost in each window, found by inserting it into the plan of the day.

Each route keeps the earliest and the latest time at every stop, so one insertion is judged without driving
the route again. A quote never opens a window that a hard rule, a later stop or a break would close.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from optimizer.constraints import blocked
from optimizer.errors import InfeasibleRoute, OfferGone, UnknownSubject
from optimizer.features import features
from optimizer.objectives import preference, stability
from optimizer.objectives.overtime import route_cents
from optimizer.open_route import OpenRoute
from optimizer.plan import Plan, Route
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.schedule import scheduled
from optimizer.timing import slacks, timetable
from optimizer.trials import Trials
from optimizer.units import NEVER, Cents, Seconds, clock
from optimizer.work import START


@dataclass(frozen=True, slots=True)
class Offer:
    """
    One way to take a visit into the plan.

    window
        The window asked about; service begins inside it.
    extra_cost
        What the plan costs more, in cents.
    technician_id
        Who would go.
    position
        Place in the route, counted from 0.
    arrival
        Expected arrival.
    start
        Expected start of service.
    slack
        How much later service could begin without breaking this window or anything later, breaks as planned.
    visit
        The visit asked about.
    """

    window: Window
    extra_cost: Cents
    technician_id: str
    position: int
    arrival: Seconds
    start: Seconds
    slack: Seconds
    visit: Visit | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why one technician cannot take a visit.

    technician_id
        Who.
    code
        Rule that stands in the way, or CAPACITY when the day has no room left.
    sentence
        The same in words.
    """

    technician_id: str
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An insertion judged by arrays alone; ``window`` is an index into the windows asked about."""

    extra_cost: Cents
    start: Seconds
    order: int
    position: int
    window: int
    route: OpenRoute

    def rank(self) -> tuple[int, int, int, int]:
        """Order of preference, the same on every machine."""
        return self.extra_cost, self.start, self.order, self.position


def known_sequences(problem: Problem, plan: Plan) -> dict[str, tuple[Visit, ...]]:
    """Visits of each route of a plan in order; one that the problem lacks is an error."""
    sequences = {}
    for route in plan.routes:
        visits = [problem.visit(stop.visit_id) for stop in route.stops]
        known = tuple(visit for visit in visits if visit is not None)
        if len(known) < len(visits) or problem.technician(route.technician_id) is None:
            cause = f"the route of {route.technician_id} names a visit or technician the problem lacks"
            raise UnknownSubject(cause, "build problem and plan from the same state of the day")
        sequences[route.technician_id] = known
    return sequences


def is_plain(problem: Problem, visit: Visit) -> bool:
    """Whether a visit that the problem may lack asks for nothing beyond plain routes."""
    return not features(replace(problem, technicians=(), visits=(visit,)))


class Oracle:
    """Quotes and takes insertions into one plan; cheap to ask again after each one."""

    def __init__(self, problem: Problem, sequences: dict[str, tuple[Visit, ...]]) -> None:
        self.problem = problem
        self.closed: dict[str, str] = {}
        self.routes: dict[str, OpenRoute] = {}
        for technician in problem.technicians:
            visits = sequences.get(technician.id) or problem.begun_by(technician.id)
            self._open(technician, visits)
        self._trials = self._together() if features(problem) else None

    @classmethod
    def open(cls, problem: Problem, plan: Plan) -> Self:
        """Read a plan; a route that no longer holds under the problem is closed to insertions."""
        oracle = cls(problem, known_sequences(problem, plan))
        if oracle._trials is not None:
            oracle._stay_with(plan.routes)
        return oracle

    def _together(self) -> Trials:
        """Routes as they are timed together, where visits depend on one another."""
        try:
            return self._stay_with(scheduled(self.problem, self.sequences()))
        except InfeasibleRoute:
            return self._stay_with([route.timed for route in self.routes.values() if route.timed])

    def _trials_for(self, visit: Visit) -> Trials | None:
        """Where insertions of a visit must be driven, since the day or the visit is beyond plain routes."""
        if self._trials is not None or is_plain(self.problem, visit):
            return self._trials
        return Trials(self.problem, [route.timed for route in self.routes.values() if route.timed])

    def _stay_with(self, routes: Sequence[Route]) -> Trials:
        """Ask about these routes; whatever others depend on keeps its time in the arrays as well."""
        self._trials = Trials(self.problem, routes)
        if fixed := self._trials.fixed():
            bounded = self.problem.bounded(fixed)
            for route in list(self.routes.values()):
                if any(visit.id in fixed for visit in route.visits):
                    self._open(route.technician, route.visits, bounded)
        return self._trials

    def _open(self, technician: Technician, visits: Sequence[Visit], problem: Problem | None = None) -> None:
        """Compute the arrays of one route."""
        try:
            self.routes[technician.id] = OpenRoute(problem or self.problem, technician, tuple(visits))
        except InfeasibleRoute as missed:
            self.routes.pop(technician.id, None)
            self.closed[technician.id] = missed.cause

    def quote(self, visit: Visit, windows: Sequence[Window], *, each_technician: bool = False) -> list[Offer]:
        """
        Cheapest offer per window, dearest last; with ``each_technician`` one per window and technician.

        A window without an offer cannot be kept by anybody today.
        """
        best: dict[tuple[int, int], _Candidate] = {}
        for candidate in self._candidates(visit, windows):
            key = (candidate.window, candidate.order if each_technician else -1)
            if key not in best or candidate.rank() < best[key].rank():
                best[key] = candidate
        offers = [self._offer(visit, windows[c.window], c) for c in best.values()]
        offers.sort(key=lambda o: (o.extra_cost, o.start, o.window.start, o.window.end, o.technician_id))
        return offers

    def _candidates(self, visit: Visit, windows: Sequence[Window]) -> Iterator[_Candidate]:
        """Every feasible insertion into every window."""
        trials = self._trials_for(visit)
        if trials is not None:
            yield from self._tried(trials, visit, windows)
            return
        asking = self._asking(visit)
        for order, technician in enumerate(self.problem.technicians):
            route = self.routes.get(technician.id)
            if route is None or not route.has_parts(visit) or _blocked(asking, technician, visit):
                continue
            fixed = stability.pair_cents(self.problem, technician, visit)
            fixed += preference.pair_cents(self.problem, technician, visit)
            for gap in route.gaps(visit):
                for index, window in enumerate(windows):
                    start = max(gap.earliest, window.start)
                    if start > min(gap.latest, window.end):
                        continue
                    overtime = 0
                    if start > gap.latest_without_overtime or route.overtime:
                        overtime = self._overtime(route, replace(visit, windows=(window,)), gap.position)
                    extra = gap.travel_cents + fixed + overtime - route.overtime
                    yield _Candidate(extra, start, order, gap.position, index, route)

    def _tried(self, trials: Trials, visit: Visit, windows: Sequence[Window]) -> Iterator[_Candidate]:
        """Insertions found by driving each route; the arrays tell where it is worth trying."""
        asking = self._asking(visit)
        questions = trials.asked(asking, visit, windows)
        for order, technician in enumerate(self.problem.technicians if questions else ()):
            route = self.routes.get(technician.id)
            if route is None or _blocked(asking, technician, visit) or trials.tie_against(technician, visit):
                continue
            gaps = list(route.gaps(visit))
            for asked in questions:
                places = {
                    gap.position for gap in gaps if gap.has_time(asked.problem, technician, asked.visit)
                }
                for extra, start, at, window in trials.into(
                    technician, route.visits, asked, positions=sorted(places)
                ):
                    yield _Candidate(extra, start, order, at, window, route)

    def _overtime(self, route: OpenRoute, visit: Visit, position: int) -> Cents:
        """Price of the overtime of a route with the visit in it."""
        problem = self._asking(visit)
        timed = timetable(problem, route.technician, route.with_visit(visit, position))
        return route_cents(problem.policy, route.technician, timed.return_time)

    def _asking(self, visit: Visit) -> Problem:
        """The problem as it is while a visit is asked about: its own times give way to the window asked."""
        lock = self.problem.lock(visit.id)
        if lock is None or (lock.start is None and lock.range is None):
            return self.problem
        free = replace(lock, start=None, range=None)
        return self.problem.with_locks(free if k is lock else k for k in self.problem.locks)

    def _beside(self, narrowed: Visit) -> Problem:
        """The problem with a visit in it, while what others depend on keeps its time."""
        problem = self._asking(narrowed).with_visit(narrowed)
        trials = self._trials_for(narrowed)
        beside = trials.beside(problem, narrowed) if trials is not None else None
        return beside if beside is not None else problem

    def _offer(self, visit: Visit, window: Window, chosen: _Candidate) -> Offer:
        """State the times of an insertion by driving its route once."""
        narrowed = replace(visit, windows=(window,))
        problem = self._beside(narrowed)
        timed = timetable(
            problem, chosen.route.technician, chosen.route.with_visit(narrowed, chosen.position)
        )
        stop = timed.stops[chosen.position]
        slack = slacks(problem, timed)[chosen.position]
        technician_id = chosen.route.technician.id
        times = stop.arrival, stop.start, slack
        return Offer(window, chosen.extra_cost, technician_id, chosen.position, *times, visit)

    def cheapest(self, visit: Visit) -> tuple[Cents, str, int] | None:
        """Extra cost, technician and position of the best insertion of a visit of the problem, if any."""
        windows = self.problem.windows_of(visit) or (Window(-NEVER, NEVER),)
        if self.problem.is_timed(visit.id):
            visit = replace(visit, window_end=START)
        best = min(self._candidates(visit, windows), key=_Candidate.rank, default=None)
        return (best.extra_cost, best.route.technician.id, best.position) if best else None

    def take(self, visit: Visit, technician_id: str, position: int) -> None:
        """Put a visit of the problem into a route; only that route is computed again."""
        route = self.routes[technician_id]
        self._open(route.technician, route.with_visit(visit, position))
        if self._trials is not None:
            self._together()

    def sequences(self) -> dict[str, tuple[Visit, ...]]:
        """Visits of every open route that has any, in order."""
        return {name: route.visits for name, route in self.routes.items() if route.visits}

    def refusal(self, visit: Visit, technician: Technician, windows: Sequence[Window]) -> Refusal | None:
        """Why a technician cannot take the visit in any of the windows, or None when one of them works."""
        name = technician.name
        if technician.id in self.closed:
            return Refusal(technician.id, "INFEASIBLE_ROUTE", self.closed[technician.id])
        asked, asking = replace(visit, windows=tuple(windows)), self._asking(visit)
        if found := _blocked(asking, technician, visit) or blocked(asking, technician, asked):
            return Refusal(technician.id, *found)
        route = self.routes[technician.id]
        if (trials := self._trials_for(visit)) is not None:
            return self._tried_refusal(trials, asked, technician, windows)
        if not route.has_parts(visit):
            return Refusal(technician.id, "PARTS", f"other visits use up the parts on the van of {name}")
        asked_windows = tuple(windows) or (Window(-NEVER, NEVER),)
        for gap in route.gaps(visit):
            if any(max(gap.earliest, w.start) <= min(gap.latest, w.end) for w in asked_windows):
                return None
        return _no_room(technician, windows)

    def _tried_refusal(
        self, trials: Trials, visit: Visit, technician: Technician, windows: Sequence[Window]
    ) -> Refusal | None:
        """Why no insertion into one route holds, or None when one does."""
        if tie := trials.tie_against(technician, visit):
            return Refusal(technician.id, *tie)
        asked = windows or (Window(-NEVER, NEVER),)
        if any(c.route.technician.id == technician.id for c in self._tried(trials, visit, asked)):
            return None
        route = self.routes[technician.id]
        if not self.problem.depots and not route.has_parts(visit):
            cause = f"other visits use up the parts on the van of {technician.name}"
            return Refusal(technician.id, "PARTS", cause)
        return _no_room(technician, windows)


def _no_room(technician: Technician, windows: Sequence[Window]) -> Refusal:
    """The refusal of a technician whose day is full."""
    times = ", ".join(f"{clock(w.start)}-{clock(w.end)}" for w in windows) or "the day"
    return Refusal(technician.id, "CAPACITY", f"{technician.name} has no room left in {times}")


def _blocked(problem: Problem, technician: Technician, visit: Visit) -> tuple[str, str] | None:
    """First rule about the pair, its windows set aside: they are what is being asked."""
    return blocked(problem, technician, replace(visit, windows=()))


def without(problem: Problem, plan: Plan, visit: Visit) -> Plan:
    """The plan with a visit taken off its route and that route timed again, for quoting the visit anew."""
    routes = []
    fixed = Trials(problem, plan.routes).fixed() if features(problem) else {}
    beside = problem.bounded({name: window for name, window in fixed.items() if name != visit.id})
    for route in plan.routes:
        left = tuple(stop for stop in route.stops if stop.visit_id != visit.id)
        technician = problem.technician(route.technician_id)
        others = tuple(found for stop in left if (found := problem.visit(stop.visit_id)) is not None)
        if len(left) == len(route.stops) or technician is None or len(others) < len(left):
            routes.append(replace(route, stops=left))
        elif left:
            routes.append(timetable(beside, technician, others))
    return Plan(tuple(routes), tuple(u for u in plan.unserved if u.visit_id != visit.id))


def quote(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    windows: Sequence[Window],
    *,
    each_technician: bool = False,
) -> list[Offer]:
    """
    Price a visit in each window by inserting it into the plan, cheapest first.

    The visit need not be in the problem. If the plan already serves it, it is taken out first, so that the
    price is that of having it at all.
    """
    return Oracle.open(problem, without(problem, plan, visit)).quote(
        visit, windows, each_technician=each_technician
    )


def insert(problem: Problem, plan: Plan, offer: Offer, visit: Visit) -> Plan:
    """
    Take an offer: the plan with the visit in it, the route timed again for the offered window.

    The plan is valid for ``problem.with_visit(replace(visit, windows=(offer.window,)))``.

    Raises
    ------
    OfferGone
        When the plan has changed since the quote and the visit no longer fits there.
    """
    rest = without(problem, plan, visit)
    technician = problem.technician(offer.technician_id)
    if technician is None:
        raise OfferGone(f"technician {offer.technician_id} is not in the problem", "ask for a new quote")
    narrowed = replace(visit, windows=(offer.window,))
    oracle = Oracle.open(problem, rest)
    route = oracle.routes.get(technician.id)
    fitting = oracle.quote(visit, (offer.window,), each_technician=True) if route else []
    if route is None or not any(o.technician_id == technician.id for o in fitting):
        raise OfferGone(f"visit {visit.id} no longer fits into the day of {technician.name}", "ask again")
    asking = oracle._beside(narrowed)  # noqa: SLF001  # same module
    try:
        timed = timetable(asking, technician, route.with_visit(narrowed, offer.position))
    except InfeasibleRoute as missed:
        raise OfferGone(missed.cause, "ask for a new quote") from missed
    return Plan(placed(problem, rest, timed), rest.unserved)


def placed(problem: Problem, plan: Plan, timed: Route) -> tuple[Route, ...]:
    """Routes with one put in place of its predecessor, technicians in the order of the problem."""
    routes = {route.technician_id: route for route in plan.routes}
    routes[timed.technician_id] = timed
    return tuple(routes[t.id] for t in problem.technicians if t.id in routes)


def refusals(problem: Problem, plan: Plan, visit: Visit, windows: Sequence[Window]) -> list[Refusal]:
    """For each technician who cannot take the visit in any of the windows, the first reason."""
    oracle = Oracle.open(problem, without(problem, plan, visit))
    found = (oracle.refusal(visit, technician, windows) for technician in problem.technicians)
    return [refusal for refusal in found if refusal is not None]
