"""
The booking oracle: what a visit would cost in each window, found by inserting it into the plan of the day.

Each route keeps the earliest and the latest time at every stop, so one insertion is judged without driving
the route again. A quote never opens a window that a hard rule, a later stop or a break would close.
"""

from collections.abc import Hashable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Self

from optimizer.candidates import Candidate, Question, blocked_at_any_time
from optimizer.constraints import blocked
from optimizer.errors import InfeasibleRoute, OfferGone, UnknownSubject
from optimizer.features import features, is_plain
from optimizer.open_route import OpenRoute
from optimizer.plan import Plan, Route
from optimizer.planned import as_planned
from optimizer.problem import Problem, Technician, Visit, Window
from optimizer.schedule import scheduled
from optimizer.survey import Survey
from optimizer.taking_out import left_by, without
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


class Oracle:
    """Quotes and takes insertions into one plan; cheap to ask again after each one."""

    def __init__(
        self,
        problem: Problem,
        sequences: dict[str, tuple[Visit, ...]],
        routes: Sequence[Route] | None = None,
    ) -> None:
        self.problem = problem
        self.closed: dict[str, str] = {}
        self.routes: dict[str, OpenRoute] = {}
        for technician in problem.technicians:
            self._open(technician, sequences.get(technician.id) or problem.begun_by(technician.id))
        self._alone = dict(self.routes)
        self._bounded: dict[Hashable, OpenRoute] = {}
        self._scheduled: Sequence[Route] | None = None
        self._survey: Survey | None = None
        self.trials: Trials | None = None
        if features(problem):
            self.trials = self._stay_with(routes if routes is not None else self._together())

    @classmethod
    def open(cls, problem: Problem, plan: Plan) -> Self:
        """Read a plan; a route that no longer holds under the problem is closed to insertions."""
        return cls(planned := as_planned(problem), known_sequences(planned, plan), plan.routes)

    def without_tie(self, free: Visit) -> "Oracle":
        """The same routes, timed together, while a visit on none of them is other than in the problem."""
        twin = copy(self)
        twin.problem = self.problem.with_visit(free)
        twin.closed, twin.routes = dict(self.closed), dict(self._alone)
        if self._scheduled is None:
            self._scheduled = self._together()
        is_rich = bool(features(twin.problem))
        twin.trials = twin._stay_with(self._scheduled) if is_rich else None  # noqa: SLF001  # of its own class
        return twin

    def _together(self) -> Sequence[Route]:
        """Routes as they are timed together, where visits depend on one another."""
        try:
            return scheduled(self.problem, self.sequences())
        except InfeasibleRoute:
            return [route.timed for route in self._alone.values() if route.timed]

    def _trials_for(self, visit: Visit) -> Trials | None:
        """Where insertions of a visit must be driven, since the day or the visit is beyond plain routes."""
        known = self.problem.visit(visit.id)
        if self.trials is not None or known is visit or is_plain(self.problem, visit):
            return self.trials
        return Trials(self.problem, [route.timed for route in self.routes.values() if route.timed])

    def _stay_with(self, routes: Sequence[Route]) -> Trials:
        """Ask about these routes; whatever others depend on keeps its time in the arrays as well."""
        trials = Trials(self.problem, routes)
        if fixed := trials.fixed():
            bounded = self.problem.bounded(fixed)
            for route in list(self.routes.values()):
                if any(visit.id in fixed for visit in route.visits):
                    self._open(route.technician, route.visits, bounded)
        return trials

    def _open(self, technician: Technician, visits: Sequence[Visit], bounded: Problem | None = None) -> None:
        """Compute the arrays of one route, if need be while visits keep to what others depend on."""
        key = (technician.id, *((visit.id, bounded.bound(visit.id)) for visit in visits)) if bounded else None
        try:
            route = self._bounded.get(key) if key else None
            route = route or OpenRoute(bounded or self.problem, technician, tuple(visits))
        except InfeasibleRoute as missed:
            self.routes.pop(technician.id, None)
            self.closed[technician.id] = missed.cause
            return
        self.routes[technician.id] = route
        if key:
            self._bounded[key] = route

    def quote(self, visit: Visit, windows: Sequence[Window], *, each_technician: bool = False) -> list[Offer]:
        """
        Cheapest offer per window, dearest last; with ``each_technician`` one per window and technician.

        A window without an offer cannot be kept by anybody today.
        """
        best: dict[tuple[int, int], Candidate] = {}
        for candidate in self.candidates(visit, windows):
            key = (candidate.window, candidate.order if each_technician else -1)
            if key not in best or candidate.rank() < best[key].rank():
                best[key] = candidate
        offers = [self._offer(visit, windows[c.window], c) for c in best.values()]
        offers.sort(key=lambda o: (o.extra_cost, o.start, o.window.start, o.window.end, o.technician_id))
        return offers

    def candidates(self, visit: Visit, windows: Sequence[Window]) -> Iterator[Candidate]:
        """Every feasible insertion into every window."""
        question = self._question(visit, windows)
        for order, technician in enumerate(self.problem.technicians if not question.is_hopeless() else ()):
            route = self.routes.get(technician.id)
            if route is not None:
                yield from question.into(order, route)

    def _question(self, visit: Visit, windows: Sequence[Window]) -> Question:
        return Question(self._asking(visit), visit, windows, self._trials_for(visit))

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

    def _offer(self, visit: Visit, window: Window, chosen: Candidate) -> Offer:
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
        best: Candidate | None = None
        for least, candidates in self._from_the_cheapest(visit):
            if best is not None and least > best.extra_cost:
                break
            found = min(candidates, key=Candidate.rank, default=None)
            if found is not None and (best is None or found.rank() < best.rank()):
                best = found
        return (best.extra_cost, best.route.technician.id, best.position) if best else None

    def fits(self, visit: Visit) -> bool:
        """Whether any insertion of a visit of the problem holds, whatever it costs."""
        return any(True for _, candidates in self._from_the_cheapest(visit) for _ in candidates)

    def _from_the_cheapest(self, visit: Visit) -> Iterator[tuple[Cents, Iterator[Candidate]]]:
        """The least that insertions cost, and those of them that hold, place by place."""
        windows = self.problem.windows_of(visit)
        if self.problem.is_timed(visit.id):
            visit = replace(visit, window_end=START)
        question = self._question(visit, windows or (Window(-NEVER, NEVER),))
        if question.is_hopeless():
            return
        if self.problem.lock(visit.id) is not None:
            for order, technician in enumerate(self.problem.technicians):
                if technician.id in self.routes:
                    yield -NEVER, question.into(order, self.routes[technician.id])
            return
        survey = self._surveyed(question.trials)
        for place in survey.places(visit, windows, question.bound()):
            route = survey.routes[place.who]
            if route is not None:
                yield place.least, question.into(place.who, route, (place.position,))

    def _surveyed(self, trials: Trials | None) -> Survey:
        """The places of the routes as they are now."""
        routes = [self.routes.get(technician.id) for technician in self.problem.technicians]
        if self._survey is None or self._survey.trials is not trials or self._survey.routes != routes:
            self._survey = Survey(self.problem, routes, trials, self._survey)
        return self._survey

    def take(self, visit: Visit, technician_id: str, position: int) -> None:
        """Put a visit of the problem into a route; only that route is computed again."""
        route = self.routes[technician_id]
        self._open(route.technician, route.with_visit(visit, position))
        if technician_id in self.routes:
            self._alone[technician_id] = self.routes[technician_id]
        self._scheduled = None
        if self.trials is not None:
            self.trials = self._stay_with(self._together())

    def sequences(self) -> dict[str, tuple[Visit, ...]]:
        """Visits of every open route that has any, in order."""
        return {name: route.visits for name, route in self.routes.items() if route.visits}

    def refusal(self, visit: Visit, technician: Technician, windows: Sequence[Window]) -> Refusal | None:
        """Why a technician cannot take the visit in any of the windows, or None when one of them works."""
        name = technician.name
        if technician.id in self.closed:
            return Refusal(technician.id, "INFEASIBLE_ROUTE", self.closed[technician.id])
        asked, asking = replace(visit, windows=tuple(windows)), self._asking(visit)
        if found := blocked_at_any_time(asking, technician, visit) or blocked(asking, technician, asked):
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
        route = self.routes[technician.id]
        question = Question(self._asking(visit), visit, asked, trials)
        if not question.is_hopeless() and any(True for _ in question.into(0, route)):
            return None
        if not self.problem.depots and not route.has_parts(visit):
            cause = f"other visits use up the parts on the van of {technician.name}"
            return Refusal(technician.id, "PARTS", cause)
        return _no_room(technician, windows)


def _no_room(technician: Technician, windows: Sequence[Window]) -> Refusal:
    """The refusal of a technician whose day is full."""
    times = ", ".join(f"{clock(w.start)}-{clock(w.end)}" for w in windows) or "the day"
    return Refusal(technician.id, "CAPACITY", f"{technician.name} has no room left in {times}")


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
    price is that of having it at all; there is no offer when its route cannot be driven without it.
    """
    try:
        rest = without(problem := as_planned(problem), plan, visit)
    except InfeasibleRoute:
        return []
    return Oracle.open(problem, rest).quote(visit, windows, each_technician=each_technician)


def insert(problem: Problem, plan: Plan, offer: Offer, visit: Visit) -> Plan:
    """
    Take an offer: the plan with the visit in it, the route timed again for the offered window.

    The plan is valid for ``problem.with_visit(replace(visit, windows=(offer.window,)))``.

    Raises
    ------
    OfferGone
        When the plan has changed since the quote and the visit no longer fits there.
    """
    rest = left_by(problem := as_planned(problem), plan, visit)
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
    try:
        oracle = Oracle.open(problem := as_planned(problem), without(problem, plan, visit))
    except InfeasibleRoute as missed:
        return [Refusal(technician.id, missed.code, missed.cause) for technician in problem.technicians]
    found = (oracle.refusal(visit, technician, windows) for technician in problem.technicians)
    return [refusal for refusal in found if refusal is not None]
