"""
The cheapest plan of a tiny day whatever its rules: all ways to share out its visits, each in every order.

Routes that visits tie to one another can only be judged together, by ``schedule`` and the checker. What one
route costs at least by itself rules out most of them before: the bound's look at a set of visits
(``bounds.ways``), then a look at each order of them, with lateness, overtime and fairness of this route.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from optimizer.bounds.labels import IDLE, LIMIT, READY, Way
from optimizer.bounds.scope import scope_of
from optimizer.bounds.sets import Days, every_day
from optimizer.bounds.ways import Sight, day_to_bound
from optimizer.check import check, cost, violations_of
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import lacking, open_teams
from optimizer.errors import InfeasibleRoute
from optimizer.fetching import on_van
from optimizer.objectives.fairness import SQUARE_HOUR
from optimizer.objectives.lateness import visit_cents as late_cents
from optimizer.objectives.overtime import route_cents
from optimizer.problem import Problem, Technician, Visit
from optimizer.schedule import Schedule, Sequences, plan_of
from optimizer.settling import ABOUT_SEVERAL
from optimizer.timing import timetable
from optimizer.units import Cents, Seconds

MOST_VISITS = 8
"""Open visits of a day of which every plan is looked at."""
MOST_LABELS = 60_000
MOST_LOOKS, MOST_STEPS = 5_000, 400_000
"""Plans timed, and stops and sets tried on the way, before a day counts as too large after all."""
FORBIDDEN: Cents = 1 << 60
"""Price of leaving out what is to be served: more than any plan costs."""
Order = tuple[int, ...]
"""Open visits as numbers, in the order in which they are served."""


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What a look at every plan found.

    sequences
        The cheapest plan; None when none was found that is cheaper than the one known.
    is_whole
        Whether no plan was passed over.
    """

    sequences: Sequences | None
    is_whole: bool


class _GivenUp(Exception):
    """There are more plans than can be looked at, or nobody wants to know any more."""


def is_tiny(problem: Problem) -> bool:
    """Whether a day has so few open visits that all its plans may be looked at."""
    count = sum(not problem.is_begun(visit.id) for visit in problem.visits)
    return 0 < count <= MOST_VISITS and bool(problem.technicians)


def cheaper_plan(
    problem: Problem,
    known: Cents,
    cancel: Callable[[], bool] = lambda: False,
    *,
    serving: Collection[str] = (),
) -> Looked:
    """
    The cheapest plan that costs less than one already known, every visit as early as it can be.

    Plans that leave out a visit of ``serving`` are none.
    Where a plan becomes cheaper still by letting visits that are tied begin later than they could, that is
    not found here.
    """
    if not is_lookable(problem):
        return Looked(None, is_whole=False)
    return EveryPlan(problem, serving).on(known, cancel)


def is_lookable(problem: Problem) -> bool:
    """Whether all plans of a day may be looked at, and judged by what routes cost at least."""
    return is_tiny(problem) and not scope_of(problem).unknown


@dataclass(frozen=True, slots=True)
class _Day:
    """One technician's day: the least price of each set of visits, and, once asked for, of its orders."""

    technician: Technician
    way: Way
    days: Days
    worked: Seconds
    orders: dict[int, list[tuple[Cents, Order]]] = field(default_factory=dict)


class EveryPlan:
    """All plans of a day that is lookable, and how far they have been looked at."""

    def __init__(self, problem: Problem, serving: Collection[str] = ()) -> None:
        self.problem, self.serving = problem, serving
        self.sight: Sight = day_to_bound(problem)
        self.cancel: Callable[[], bool] = lambda: False
        self.best: Cents = 0
        self.found: Sequences | None = None
        self.crew: list[_Day] = []
        self.rest: list[list[Cents]] = []
        self.path: list[int] = []
        """Shares at which somebody is looking, or has been when it was broken off."""
        self.ahead: list[int] = []
        """The rest of the shares at which to go on; what comes before has been seen."""
        self.looks = self.steps = 0
        self.schedule = Schedule(problem)
        self.ties = _Ties(problem, self.sight.visits)
        self.begun = {t.id: begun for t in problem.technicians if (begun := problem.begun_by(t.id))}
        self.holds: dict[tuple[str, Order], bool] = {}

    def on(self, known: Cents, cancel: Callable[[], bool]) -> Looked:
        """Look for the cheapest plan below a price from where the last look was broken off."""
        self.best, self.found, self.cancel = known, None, cancel
        try:
            if not self.rest:
                self._prepare()
            self.ahead = list(self.path)
            self._share_out(0, (1 << len(self.sight.visits)) - 1, self.sight.fixed, [])
        except _GivenUp:
            return Looked(self.found, is_whole=False)
        return Looked(self.found, is_whole=True)

    def _prepare(self) -> None:
        """What each set of visits costs at least, by how many of the crew may still take of it."""
        self.crew = list(self._crew())
        count = len(self.sight.visits)
        left_out = self.sight.left_out.tolist()
        for node, visit in enumerate(self.sight.visits):
            if visit.id in self.serving:
                left_out[node] = FORBIDDEN
        missed = [0] * (1 << count)
        for mask in range(1, 1 << count):
            low = mask & -mask
            missed[mask] = missed[mask ^ low] + left_out[low.bit_length() - 1]
        rest = [missed]
        for day in reversed(self.crew):
            rest.append(self._with(day, rest[-1]))
        self.rest = rest[::-1]

    def _crew(self) -> Iterator[_Day]:
        """Everybody who can serve any visit."""
        people: dict[str, Seconds] = {}
        for technician in self.problem.technicians:
            people[technician.who] = max(technician.worked, people.get(technician.who, 0))
        for kind in self.sight.kinds:
            days = None if self.cancel() else every_day(kind.way, MOST_LABELS)
            if days is None:
                raise _GivenUp
            for who in kind.crew:
                technician = self.problem.technicians[who]
                yield _Day(technician, kind.way, days, people[technician.who])

    def _with(self, day: _Day, rest: list[Cents]) -> list[Cents]:
        """The least that each set of visits costs, shared out among one technician more."""
        grown = list(rest)
        for mask in range(len(rest)):
            self._step(1 + len(day.days) // 8)
            for more, (cents, _) in day.days.items():
                if more & ~mask == 0:
                    grown[mask] = min(grown[mask], cents + rest[mask ^ more])
        return grown

    def _step(self, count: int) -> None:
        """Count what has been tried."""
        self.steps += count
        if self.steps > MOST_STEPS or self.cancel():
            raise _GivenUp

    def _share_out(self, at: int, left: int, price: Cents, shares: list[int]) -> None:
        """Give each technician from one on every set of what is left that may be cheap enough."""
        if price + self.rest[at][left] >= self.best:
            return
        if not self.ahead:
            self.path = shares
        self._step(1)
        if at == len(self.crew):
            served = [(day, mask) for day, mask in zip(self.crew, shares, strict=True) if mask]
            if self.ties.may_hold(served, left):
                least = sum(day.days[mask][0] for day, mask in served)
                self._in_order(served, price - least + self.rest[at][left], least, [])
            return
        days = self.crew[at].days
        seen_until = self.ahead.pop(0) if self.ahead else None
        each = sorted((cents, mask) for mask, (cents, _) in days.items() if mask and mask & ~left == 0)
        for cents, mask in ((0, 0), *each):
            if seen_until is not None and mask != seen_until:
                continue
            seen_until = None
            self._share_out(at + 1, left ^ mask, price + cents, [*shares, mask])
            self.ahead.clear()

    def _in_order(
        self, served: list[tuple[_Day, int]], price: Cents, later: Cents, orders: list[tuple[_Day, Order]]
    ) -> None:
        """Try every order of each share; ``price`` is of what is chosen, ``later`` the least of the rest."""
        if price + later >= self.best:
            return
        if len(orders) == len(served):
            self._judge(orders)
            return
        day, mask = served[len(orders)]
        later -= day.days[mask][0]
        for cents, order in self._orders(day, mask):
            if price + cents + later >= self.best:
                break
            if self._holds(day.technician, order):
                self._in_order(served, price + cents, later, [*orders, (day, order)])

    def _judge(self, orders: list[tuple[_Day, Order]]) -> None:
        """Time a whole plan, and keep it if it is cheaper and breaks no rule."""
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise _GivenUp
        sequences = dict(self.begun)
        for day, order in orders:
            sequences[day.technician.id] = self._sequence(day.technician, order)
        try:
            plan = plan_of(self.problem, self.schedule.routes(sequences))
        except InfeasibleRoute:
            return
        price = sum(cost(self.problem, plan).values())
        if price >= self.best or any(violations_of(ABOUT_SEVERAL, self.problem, plan)):
            return  # the rules that most plans break are asked first
        if not check(self.problem, plan):
            self.best, self.found = price, sequences

    def _sequence(self, technician: Technician, order: Order) -> tuple[Visit, ...]:
        begun = self.begun.get(technician.id, ())
        return (*begun, *(self.sight.visits[node] for node in order))

    def _holds(self, technician: Technician, order: Order) -> bool:
        """Whether a route holds by itself."""
        key = technician.id, order
        if key not in self.holds:
            try:
                timetable(self.problem, technician, self._sequence(technician, order))
                self.holds[key] = True
            except InfeasibleRoute:
                self.holds[key] = False
        return self.holds[key]

    def _orders(self, day: _Day, mask: int) -> list[tuple[Cents, Order]]:
        """Orders of a set of visits with the least that each costs, the cheapest first."""
        if mask not in day.orders:
            found: list[tuple[Cents, Order]] = []
            count = len(self.sight.visits)
            now, idle = int(day.way.clock[READY]), int(day.way.clock[IDLE])
            self._go_on(day, mask, _Stop(count, now, -idle, 0), (), found)
            day.orders[mask] = sorted(found)
        return day.orders[mask]

    def _go_on(
        self, day: _Day, left: int, here: "_Stop", order: Order, found: list[tuple[Cents, Order]]
    ) -> None:
        """Drive on to each visit left, or home."""
        self._step(1)
        if not left:
            cents = self._home(day, here)
            if cents is not None:
                found.append((cents, order))
            return
        place = len(self.begun.get(day.technician.id, ())) + len(order)
        for node in range(len(self.sight.visits)):
            is_next = self.ties.places[node] in (None, place) and not self.ties.before[node] & left
            if left >> node & 1 and is_next:
                there = self._drive(day, here, node)
                if there is not None:
                    self._go_on(day, left ^ 1 << node, there, (*order, node), found)

    def _drive(self, day: _Day, here: "_Stop", node: int) -> "_Stop | None":
        """The next stop, as early and as cheap as it can be; None when it is too late for its windows."""
        way, visit = day.way, self.sight.visits[node]
        travel, length = int(way.seconds[here.node, node]), int(way.length[node])
        arrival = start = here.end + travel
        is_set_up = bool(way.places[here.node] == way.places[node])
        start += 0 if is_set_up else int(way.setup[node])
        if way.many[node]:
            windows = way.windows[node, : way.many[node]].tolist()
            begins = [max(start, first) for first, *reach in windows if start <= reach[is_set_up]]
            if not begins:
                return None
            start = begins[0]
        policy = self.problem.policy
        cents = here.cents + int(way.cents[here.node, node])
        cents += late_cents(policy, visit, arrival, start + length)
        if visit.announced is not None and start > visit.announced + policy.retold_after:
            cents += policy.retold_cents
        return _Stop(node, start + length, cents, here.work + travel + length)

    def _home(self, day: _Day, here: "_Stop") -> Cents | None:
        """The least price of a day that ends here; None when nobody is home in time."""
        way, policy, home = day.way, self.problem.policy, len(self.sight.visits) + 1
        travel = int(way.seconds[here.node, home])
        if here.end + travel > way.clock[LIMIT]:
            return None
        cents = here.cents + int(way.cents[here.node, home])
        cents += route_cents(policy, day.technician, here.end + travel)
        # Rounded down: several shifts of one person are priced as one.
        square = (day.worked + here.work + travel) ** 2 - day.worked**2
        return cents + policy.fairness_cents * square // SQUARE_HOUR


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where somebody is on the way: node, end of service, price and work so far."""

    node: int
    end: Seconds
    cents: Cents
    work: Seconds


class _Ties:
    """What shares of the work must keep, so that fewer plans are timed in vain; the checker decides."""

    def __init__(self, problem: Problem, visits: tuple[Visit, ...]) -> None:
        self.problem, self.visits = problem, visits
        bit = {visit.id: 1 << node for node, visit in enumerate(visits)}
        self.teams = [(sum(bit[v.id] for v in members), members) for members in open_teams(problem)]
        self.hands = [sum(bit[v.id] for v in hand if v.id in bit) for hand in groups(problem).values()]
        locks = [problem.lock(visit.id) for visit in visits]
        self.places = [lock.sequence if lock is not None else None for lock in locks]
        self.before = [sum(bit.get(after.visit_id, 0) for after in visit.after) for visit in visits]
        self.parts = sorted({part for visit in visits for part, count in visit.parts.items() if count > 0})
        self.shelf = {part: sum(depot.stock.get(part, 0) for depot in problem.depots) for part in self.parts}
        self.van: dict[str, dict[str, int]] = {}
        for technician in problem.technicians:
            stock, most = on_van(problem, technician), self.van.setdefault(technician.who, {})
            most.update({part: max(most.get(part, 0), stock.get(part, 0)) for part in self.parts})

    def may_hold(self, served: list[tuple[_Day, int]], left: int) -> bool:
        """Whether teams are whole, hands of one, parts enough, and nobody waits for what is left out."""
        if any(left & first and not left >> node & 1 for node, first in enumerate(self.before)):
            return False
        people: dict[str, int] = {}
        for day, mask in served:
            people[day.technician.who] = people.get(day.technician.who, 0) | mask
        if any(sum(bool(mask & hand) for mask in people.values()) > 1 for hand in self.hands):
            return False
        return self._teams_hold(served, people, left) and all(map(partial(self._lasts, people), self.parts))

    def _teams_hold(self, served: list[tuple[_Day, int]], people: dict[str, int], left: int) -> bool:
        for team, members in self.teams:
            if team & left == team:
                continue
            if team & left or any((mask & team).bit_count() > 1 for mask in people.values()):
                return False
            if lacking(self.problem, [day.technician for day, mask in served if mask & team], members):
                return False
        return True

    def _lasts(self, people: dict[str, int], part: str) -> bool:
        """Whether vans and depots hold as much of a part as is used."""
        fetched = 0
        for who, mask in people.items():
            used = sum(v.parts.get(part, 0) for node, v in enumerate(self.visits) if mask >> node & 1)
            fetched += max(0, used - self.van[who][part])
        return fetched <= self.shelf[part]
