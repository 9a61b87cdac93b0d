"""
A plan under construction on a day of which visits depend on one another.

Places are looked for by the arrays of each route, which know neither fetches nor what waiting does to other
routes; the most promising are then timed with all other routes, and the cheapest that holds is taken.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from optimizer.constraints import blocked
from optimizer.constraints.precedence import earliest
from optimizer.constraints.same_technician import groups
from optimizer.constraints.team import lacking, needs_of
from optimizer.drives import entries, service_start
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.objectives import lateness, preference, stability
from optimizer.open_route import Gap, OpenRoute
from optimizer.plan import Route
from optimizer.problem import Technician, Visit, Window
from optimizer.schedule import Schedule, Sequences
from optimizer.settling import held
from optimizer.trials import driven_cents
from optimizer.units import NEVER, Cents, Seconds

ENOUGH = 4
"""Places that hold, of which the cheapest is taken."""
MOST_TRIED = 24
"""Places timed with all other routes before a visit is given up."""
MOST_MOMENTS = 80
"""Starts at which a team is tried to gather."""


class Place(NamedTuple):
    """
    One place for a visit, as far as its route alone tells.

    guess
        About what it costs more.
    start
        Earliest start of service there.
    last
        Latest start that the rest of the route bears.
    position
        Place in the route, counted from 0.
    technician
        Whose route.
    """

    guess: Cents
    start: Seconds
    last: Seconds
    position: int
    technician: Technician


class Draft:
    """Routes timed together; ``put`` adds a visit, or a whole team."""

    def __init__(self, schedule: Schedule, sequences: Sequences) -> None:
        self.problem = schedule.problem
        self.schedule = schedule
        self.sequences = sequences
        self.routes = {route.technician_id: route for route in schedule.routes(sequences)}
        self._open: dict[str, OpenRoute | None] = {}
        self._groups = groups(self.problem)

    def put(self, unit: Sequence[Visit], worth: Cents) -> bool:
        """Add visits that go together where they cost least, if that is less than they are worth."""
        best: tuple[Cents, Sequences, tuple[Route, ...]] | None = None
        for trial, routes in islice(self._held(unit), ENOUGH):
            extra = self._extra(routes)
            if best is None or extra < best[0]:
                best = (extra, trial, routes)
        if best is None or best[0] >= worth:
            return False
        self.sequences = best[1]
        self._adopt(best[2])
        return True

    def has_room(self, unit: Sequence[Visit]) -> bool:
        """Whether visits that go together could be added, whatever that costs."""
        return any(True for _ in self._held(unit))

    def _held(self, unit: Sequence[Visit]) -> Iterator[tuple[Sequences, tuple[Route, ...]]]:
        """Routes with a unit in them that hold, the cheapest guess first."""
        for ways in islice(self._ways(unit), MOST_TRIED):
            trial = dict(self.sequences)
            for visit, place in zip(unit, ways, strict=True):
                order = trial.get(place.technician.id) or self.problem.begun_by(place.technician.id)
                trial[place.technician.id] = (*order[: place.position], visit, *order[place.position :])
            routes = held(self.schedule, trial)
            if routes is not None:
                yield trial, routes

    def _adopt(self, routes: Sequence[Route]) -> None:
        """Take over routes; the arrays of those that changed are made again when they are needed."""
        for route in routes:
            if self.routes.get(route.technician_id) is not route:
                self._open.pop(route.technician_id, None)
        self.routes = {route.technician_id: route for route in routes}

    def _extra(self, routes: Sequence[Route]) -> Cents:
        """What routes cost more than those of the draft."""
        new = {route.technician_id: route for route in routes}
        changed = {who for who, route in new.items() if self.routes.get(who) is not route}
        people = {t.who for t in self.problem.technicians if t.id in changed}
        mine = [t.id for t in self.problem.technicians if t.who in people]
        before = [self.routes[who] for who in mine if who in self.routes]
        return driven_cents(self.problem, [new[who] for who in mine if who in new]) - driven_cents(
            self.problem, before
        )

    def _ways(self, unit: Sequence[Visit]) -> Iterator[tuple[Place, ...]]:
        """Places for all of a unit, the cheapest guess first."""
        if len(unit) == 1 and not needs_of(unit):
            for place in sorted(self._places(unit[0]), key=_rank):
                yield (place,)
            return
        members = [self._few(visit) for visit in unit]
        moments = sorted({place.start for places in members for place in places})[:MOST_MOMENTS]
        found = []
        for moment in moments:
            there = [[p for p in places if p.start <= moment <= p.last] for places in members]
            there = [
                [p for p in places if self._may_begin(visit, p.technician, moment)]
                for visit, places in zip(unit, there, strict=True)
            ]
            crew = self._crew(unit, there)
            if crew is not None:
                found.append((sum(place.guess for place in crew), moment, crew))
        for _, _, crew in sorted(found, key=lambda item: item[:2]):
            yield crew

    def _crew(self, unit: Sequence[Visit], there: Sequence[Sequence[Place]]) -> tuple[Place, ...] | None:
        """Cheapest places on different people's routes that together have the skills of the team."""
        best: tuple[Cents, tuple[Place, ...]] | None = None
        stack: list[tuple[Cents, tuple[Place, ...]]] = [(0, ())]
        while stack:
            guess, chosen = stack.pop()
            if best is not None and guess >= best[0]:
                continue
            if len(chosen) == len(unit):
                if not lacking(self.problem, [place.technician for place in chosen], unit):
                    best = (guess, chosen)
                continue
            people = {place.technician.who for place in chosen}
            free = [place for place in there[len(chosen)] if place.technician.who not in people]
            stack += [(guess + place.guess, (*chosen, place)) for place in reversed(free)]
        return best[1] if best is not None else None

    def _few(self, visit: Visit) -> list[Place]:
        """The three cheapest places of each technician, the cheapest first."""
        kept: list[Place] = []
        count: dict[str, int] = {}
        for place in sorted(self._places(visit), key=_rank):
            name = place.technician.id
            count[name] = count.get(name, 0) + 1
            if count[name] <= 3:
                kept.append(place)
        return kept

    def _places(self, visit: Visit) -> Iterator[Place]:
        """Every place in which a visit has time, as far as each route alone tells."""
        first = self._first_start(visit)
        hands = self._hands(visit)
        for technician in self.problem.technicians:
            if hands is not None and technician.who not in hands:
                continue
            if technician.who in self._partners(visit) or blocked(self.problem, technician, visit):
                continue
            route = self._route(technician)
            if route is None:
                continue
            price = self._pair_cents(technician, visit)
            for gap in route.gaps(visit):
                place = self._place(visit, route, gap, first=first, price=price)
                if place is not None:
                    yield place

    def _place(
        self, visit: Visit, route: OpenRoute, gap: Gap, *, first: Seconds, price: Cents
    ) -> Place | None:
        """A gap as a place for the visit, or None when its windows leave no start there."""
        technician, policy = route.technician, self.problem.policy
        intervals = entries(self.problem, technician, visit, visit.setup)
        start = service_start(max(gap.earliest, first), intervals)
        if start > gap.latest:
            return None
        service = technician.time_for(visit)
        over = max(0, start - gap.latest_without_overtime)
        guess = gap.travel_cents + price + over * policy.overtime_cents_per_minute // 60
        guess += lateness.visit_cents(policy, visit, gap.earliest, start + service)
        guess += stability.retold_cents(policy, visit, start)
        return Place(guess, start, gap.latest, gap.position, technician)

    def _route(self, technician: Technician) -> OpenRoute | None:
        """Arrays of one route while what waits does not begin earlier than now."""
        if technician.id not in self._open:
            order = self.sequences.get(technician.id) or self.problem.begun_by(technician.id)
            timed = self.routes.get(technician.id)
            starts = {stop.visit_id: stop.start for stop in timed.stops} if timed is not None else {}
            bounds = {v.id: Window(starts[v.id], NEVER) for v in order if is_tied(v) and v.id in starts}
            try:
                self._open[technician.id] = OpenRoute(self.problem.bounded(bounds), technician, order)
            except InfeasibleRoute:
                self._open[technician.id] = None
        return self._open[technician.id]

    def _first_start(self, visit: Visit) -> Seconds:
        """Earliest start that the visits before leave."""
        ends = {stop.visit_id: stop.end for route in self.routes.values() for stop in route.stops}
        moments = [earliest(self.problem, a, ends[a.visit_id]) for a in visit.after if a.visit_id in ends]
        return max(moments, default=-NEVER)

    def _hands(self, visit: Visit) -> set[str] | None:
        """Whoever serves others of the visit's group; None for anybody."""
        if visit.same_technician is None:
            return None
        group = {other.id for other in self._groups[visit.same_technician]}
        return self._people(group) or None

    def _partners(self, visit: Visit) -> set[str]:
        """Whoever serves others of the visit's team."""
        if visit.team is None:
            return set()
        return self._people({v.id for v in self.problem.visits if v.team == visit.team and v.id != visit.id})

    def _people(self, visit_ids: set[str]) -> set[str]:
        found = set()
        for technician in self.problem.technicians:
            if any(visit.id in visit_ids for visit in self.sequences.get(technician.id, ())):
                found.add(technician.who)
        return found

    def _may_begin(self, visit: Visit, technician: Technician, moment: Seconds) -> bool:
        return service_start(moment, entries(self.problem, technician, visit, visit.setup)) == moment

    def _pair_cents(self, technician: Technician, visit: Visit) -> Cents:
        changed = stability.pair_cents(self.problem, technician, visit)
        return changed + preference.pair_cents(self.problem, technician, visit)


def _rank(place: Place) -> tuple[Cents, Seconds, str, int]:
    """Order of preference, the same on every machine."""
    return place.guess, place.start, place.technician.id, place.position
