"""The booking oracle on compiled loops: one plan as arrays, asked and changed without building them again."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from threading import RLock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from optimizer import offers, oracle
from optimizer.constraints import longest_way
from optimizer.engines.ruin import arrays, pairing, quoting
from optimizer.engines.ruin.layout import (
    DRIVER,
    FIRST_WINDOW,
    FOLLOWING,
    LEFT,
    LENGTH,
    PRICE,
    UNABLE,
    WINDOWS,
    Index,
    Whole,
)
from optimizer.engines.ruin.linking import IMPOSSIBLE, TOO_DEAR
from optimizer.engines.ruin.making_room import chosen_among, made_room
from optimizer.errors import InfeasibleRoute, OfferGone
from optimizer.features import is_plain
from optimizer.objectives.travel import leg_cents
from optimizer.offers import USUAL, Effort, Rearranged, SiteTravel
from optimizer.oracle import Offer
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit, Window
from optimizer.timing import opening, timetable

SPARES = 8
"""Visits that can be committed before the arrays are built again; the last spare node is asked with."""


class CompiledOracle(offers.Desk):
    """
    Offers as ``oracle.Oracle`` makes them, some thousand times faster once opened.

    A route that no longer holds under the problem is closed to insertions. Threads may share one.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        arrays.require_plain(problem)
        self.problem, self.plan = problem, plan
        self._lock = RLock()
        self._is_covered = True
        """Until a visit is committed that the arrays cannot tell."""
        self._lay()

    def _lay(self) -> None:
        """Build the arrays from problem and plan, with nodes and places to spare."""
        problem = self.problem
        visits = arrays.open_visits(problem)
        parts = sorted({part for visit in visits for part, count in visit.parts.items() if count > 0})
        spares = [Visit(f"spare {n}", 0, 0, parts=dict.fromkeys(parts, 1)) for n in range(SPARES)]
        day = arrays.day_of(replace(problem, visits=(*problem.visits, *spares)))
        self._used = self._places(day, [*visits, *spares])
        self._place_of = {place: at for at, place in enumerate(self._used.tolist())}
        border = (0, SPARES), (0, SPARES)
        self._day = day._replace(seconds=np.pad(day.seconds, border), cents=np.pad(day.cents, border))
        self._routes = arrays.empty_routes(self._day)
        self._part_at = {part: at for at, part in enumerate(parts)}
        self._node_of = {visit.id: node for node, visit in enumerate(visits)}
        self._free = list(range(len(visits) + SPARES - 1, len(visits) - 1, -1))
        self._begun = np.array([len(problem.begun_by(t.id)) for t in problem.technicians], dtype=np.int64)
        self._closed = np.zeros(len(problem.technicians), dtype=np.bool_)
        self._by_place = longest_way.used_by(problem)
        self._may_go: dict[object, NDArray[np.bool_]] = {}
        sequences = oracle.known_sequences(problem, self.plan)
        for who, technician in enumerate(problem.technicians):
            self._lay_route(who, sequences.get(technician.id) or problem.begun_by(technician.id))
        states = self._day.limits.shape[1]
        self._gaps: Whole = np.zeros((states, 3), dtype=np.int64)
        self._walk: Whole = np.zeros((day.visits + 2, 3 * states), dtype=np.int64)
        self._path: Index = np.zeros(day.visits + 2, dtype=np.int32)

    def _places(self, day: arrays.Day, visits: Sequence[Visit]) -> NDArray[np.int64]:
        """Locations in the order of the arrays' places: all, or of a large table those in use."""
        size = len(self.problem.matrix.seconds)
        if day.seconds.shape[0] == size:
            return np.arange(size, dtype=np.int64)
        homes = [
            place for t in self.problem.technicians for place in (opening(self.problem, t).location, t.end)
        ]
        return np.unique(np.array([*homes, *(visit.location for visit in visits)], dtype=np.int64))

    def _lay_route(self, who: int, visits: Sequence[Visit]) -> None:
        """Put the open stops of a technician's route into the arrays, unless the route no longer holds."""
        technician = self.problem.technicians[who]
        self._closed[who] = False
        try:
            if visits:
                timetable(self.problem, technician, visits)
        except InfeasibleRoute:
            self._closed[who] = True
            return
        before = self._day.visits + who
        for visit in visits[int(self._begun[who]) :]:
            node = self._node_of[visit.id]
            quoting.put_in(self._day, self._routes, who, node, before)
            before = node
        self._bound_stock(who)

    def _bound_stock(self, who: int) -> None:
        """A van that the plan overdraws still takes visits that need none of the part."""
        np.maximum(self._routes.tours[who, LEFT:], 0, out=self._routes.tours[who, LEFT:])

    @property
    def nbytes(self) -> int:
        """Memory in use, about."""
        tables = (*self._day[:-1], *self._day.rich, *self._routes, self._walk)
        return sum(np.asarray(table).nbytes for table in tables) + offers.matrix_bytes(self.problem.matrix)

    def quote(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        site: SiteTravel | None = None,
        each_technician: bool = False,
    ) -> list[Offer]:
        """Cheapest offer per window, dearest last; with ``each_technician`` one per window and technician."""
        if not windows:
            return []
        if not self._covers(visit) or self._is_on_closed(visit):
            plain = offers.plain_quote
            return plain(self.problem, self.plan, visit, windows, site, each_technician=each_technician)
        asked = np.array([(window.start, window.end) for window in windows], dtype=np.int64)
        with self._lock:
            best, chosen, times = self.search(visit, asked, site, each=each_technician)
        crew, found = self.problem.technicians, []
        for row, at in zip(*(axis.tolist() for axis in np.nonzero(best < TOO_DEAR)), strict=True):
            who, _, position, _ = chosen[row, at].tolist()
            arrival, start, slack = times[row, at].tolist()
            price, place = int(best[row, at]), position + int(self._begun[who])
            found.append(Offer(windows[at], price, crew[who].id, place, arrival, start, slack, visit))
        found.sort(key=lambda o: (o.extra_cost, o.start, o.window.start, o.window.end, o.technician_id))
        return found

    def _covers(self, visit: Visit) -> bool:
        """Whether the arrays can tell everything about the plan and the visit asked about."""
        return self._is_covered and is_plain(self.problem, visit)

    def _is_on_closed(self, visit: Visit) -> bool:
        """Whether a visit is on a closed route, which may open once it is off it."""
        closed = (self.problem.technicians[who].id for who in np.flatnonzero(self._closed))
        routes = (route for name in closed if (route := self.plan.route_of(name)) is not None)
        return any(stop.visit_id == visit.id for route in routes for stop in route.stops)

    def search(
        self, visit: Visit, windows: Whole, site: SiteTravel | None = None, *, each: bool = False
    ) -> tuple[Whole, Whole, Whole]:
        """Price, place and times by window from the loops; a visit on a route is off it meanwhile."""
        node = self._free[-1]
        self._seat(node, visit, site)
        shape = (self._day.people if each else 1, len(windows))
        best = np.full(shape, TOO_DEAR, dtype=np.int64)
        chosen, times = np.zeros((*shape, 4), dtype=np.int64), np.zeros((*shape, 3), dtype=np.int64)
        former = self._take_out(visit)
        if former is None or self._routes.tours[former[0], PRICE] < IMPOSSIBLE:
            self._ask(node, windows, best, chosen, times)
        if former is not None:
            who, own, before = former
            quoting.put_in(self._day, self._routes, who, own, before)
            self._bound_stock(who)
        return best, chosen, times

    def _ask(self, node: int, windows: Whole, best: Whole, chosen: Whole, times: Whole) -> None:
        """Write prices, places and times of a node by window, or with several rows by technician as well."""
        day, routes, each = self._day, self._routes, int(len(best) > 1)
        quoting.ask(day, routes, node, windows, each, best, chosen, self._gaps)
        quoting.time_all(day, routes, node, windows, self._begun, best, chosen, times, self._walk, self._path)

    def _take_out(self, visit: Visit) -> tuple[int, int, int] | None:
        """Take the visit itself off its route, if it is on one: technician, its node, the node before."""
        own = self._node_of.get(visit.id)
        if own is None or self._routes.links[own, DRIVER] < 0:
            return None
        who, before = quoting.take_out(self._day, self._routes, own)
        self._bound_stock(who)
        return who, own, before

    def _seat(self, node: int, visit: Visit, site: SiteTravel | None) -> None:
        """Write what is asked about into a spare node."""
        day = self._day
        day.place[node] = self._place(visit, site)
        day.nodes[node, LENGTH] = visit.duration
        day.use[node] = 0
        for part, quantity in visit.parts.items():
            if part in self._part_at:
                day.use[node, self._part_at[part]] = quantity
        needs = pairing.needs_of(self.problem, visit, by_place=self._by_place)
        if needs not in self._may_go:
            able = [pairing.may_go(self.problem, t, visit) for t in self.problem.technicians]
            self._may_go[needs] = np.array(able, dtype=np.bool_)
        prices: Whole | int = 0
        if visit.previous_technician is not None or visit.preferred_technicians or visit.skills:
            each = [pairing.pair_price(self.problem, t, visit) for t in self.problem.technicians]
            prices = np.array(each, dtype=np.int64)
        day.pair[node] = np.where(self._may_go[needs] & ~self._closed, prices, UNABLE)

    def _place(self, visit: Visit, site: SiteTravel | None) -> int:
        """Where the visit is in the arrays; the ways of a place they lack are written at their end."""
        if site is None and visit.location in self._place_of:
            return self._place_of[visit.location]
        used, day = self._used, self._day
        if site is None:
            matrix, here = self.problem.matrix, [visit.location]
            to, back = matrix.block(used, here), matrix.block(here, used)
        else:
            to = np.asarray(site.seconds_to)[used], np.asarray(site.metres_to)[used]
            back = np.asarray(site.seconds_from)[used], np.asarray(site.metres_from)[used]
        place = used.size
        for cells, (seconds, metres) in (((slice(place), place), to), ((place, slice(place)), back)):
            times, lengths = seconds.astype(np.int64).ravel(), metres.astype(np.int64).ravel()
            day.seconds[cells] = times
            day.cents[cells] = leg_cents(self.problem.policy, times, lengths)  # type: ignore[arg-type]
        return place

    def _keep_place(self, location: int) -> None:
        """Keep the ways that were written last."""
        self._place_of[location] = self._used.size
        self._used = np.append(self._used, location)

    def reopen(
        self,
        visit: Visit,
        window: Window,
        *,
        site: SiteTravel | None = None,
        effort: Effort = USUAL,
        seed: int = 0,
    ) -> Rearranged | None:
        """
        Make room for a visit in a window by changing the nearest routes, all their visits kept.

        None when that was not found; the price may be lower than that of a plain offer.
        """
        with self._lock:
            problem, plan = self.problem, self.plan
            names = self._nearest(visit, site) if self._covers(visit) else None
        return made_room(problem, plan, visit, window, site, effort, seed, technicians=names)

    def _nearest(self, visit: Visit, site: SiteTravel | None) -> list[str]:
        """Technicians nearest to a visit by stops and home, some of them able to serve it if anybody is."""
        node = self._free[-1]
        self._seat(node, visit, site)
        day, links = self._day, self._routes.links
        place, places = day.place[node], day.place
        way = day.seconds[place, places].astype(np.int64) + day.seconds[places, place]
        away = way[day.visits : day.visits + day.people].copy()
        planned = np.flatnonzero(links[: day.visits, DRIVER] >= 0)
        np.minimum.at(away, links[planned, DRIVER], way[planned])
        order = np.lexsort((np.arange(day.people), away)).tolist()
        chosen = chosen_among(order, lambda who: day.pair[node, who] != UNABLE, lambda w: not self._closed[w])
        return [self.problem.technicians[who].id for who in chosen]

    def copy(self) -> Self:
        """The same oracle once more, to be changed by itself."""
        with self._lock:
            twin = copy(self)
            twin._take_copies()  # noqa: SLF001  # of its own class
        return twin

    def _take_copies(self) -> None:
        """Replace what changes by copies of it."""
        self._lock = RLock()
        for name in ("_node_of", "_place_of", "_free", "_closed", "_gaps", "_walk", "_path"):
            setattr(self, name, copy(getattr(self, name)))
        changing = ("seconds", "cents", "place", "nodes", "pair", "use")
        self._day = self._day._replace(**{name: getattr(self._day, name).copy() for name in changing})
        links, times, tours = self._routes
        self._routes = arrays.Routes(links.copy(), times.copy(), tours.copy())

    def taken(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """The plan with an offer taken, without taking it; ``OfferGone`` when it no longer holds."""
        with self._lock:
            return self._with(offer, site)[1]

    def commit(self, offer: Offer, *, site: SiteTravel | None = None) -> Plan:
        """
        Take an offer: problem and plan hold the visit from now on, in the window offered.

        Raises
        ------
        OfferGone
            When the plan has changed since the quote and the offer no longer holds.
        """
        with self._lock:
            self._change_to(*self._with(offer, site))
            return self.plan

    def _with(self, offer: Offer, site: SiteTravel | None) -> tuple[Problem, Plan, Visit]:
        """Problem and plan with an offer taken, and the visit in its window."""
        if offer.visit is None:
            raise OfferGone("the offer names no visit", "commit an offer that quote returned")
        wider, there = offers.with_site(self.problem, offer.visit, site)
        problem, visit = offers.asked(wider, there, offer.window)
        if isinstance(offer, Rearranged):
            return problem, offers.rearranged(problem, self.plan, offer), visit
        held = self.quote(offer.visit, [offer.window], site=site, each_technician=True)
        return problem, offers.inserted(problem, self.plan, offer, visit, held), visit

    def _change_to(self, problem: Problem, plan: Plan, visit: Visit) -> None:
        """Hold another problem and plan, which differ by a visit and the routes that its coming changes."""
        self._is_covered = self._covers(visit)
        former, self.problem, self.plan = self.plan, problem, plan
        if not self._is_covered:
            return
        node = self._free.pop()
        if not self._free:
            self._lay()
            return
        self._node_of[visit.id] = node
        self._seat(node, visit, None)
        if visit.location not in self._place_of:
            self._keep_place(visit.location)
        nodes = self._day.nodes
        nodes[node, WINDOWS] = 1
        nodes[node, FIRST_WINDOW : FIRST_WINDOW + 2] = visit.windows[0].start, visit.windows[0].end
        sequences = oracle.known_sequences(problem, plan)
        names = [technician.id for technician in problem.technicians]
        changed = [at for at, name in enumerate(names) if plan.route_of(name) != former.route_of(name)]
        for who in changed:
            self._clear(who)
        for who in changed:
            self._lay_route(who, sequences.get(names[who]) or problem.begun_by(names[who]))

    def _clear(self, who: int) -> None:
        """Take every open stop off a technician's route."""
        begin = self._day.visits + who
        while (node := int(self._routes.links[begin, FOLLOWING])) < self._day.visits:
            quoting.take_out(self._day, self._routes, node)
