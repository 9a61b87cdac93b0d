"""The booking oracle on compiled loops for days beyond plain routes."""

from collections.abc import Sequence
from contextlib import suppress
from threading import RLock

import numpy as np

from optimizer import offers, oracle
from optimizer.constraints.parts import shifts_of, van_violations
from optimizer.engines.ruin import arrays, asking, memory, routes, states
from optimizer.engines.ruin.booking import CompiledOracle
from optimizer.engines.ruin.layout import Whole
from optimizer.engines.ruin.rich import (
    ANNOUNCED,
    DATED,
    MEANING,
    MEANINGS,
    RESOLVE,
    RESPOND,
    SETUP,
    Rich,
)
from optimizer.engines.ruin.uncovered import REFERENCE, Uncovered
from optimizer.errors import InfeasibleRoute
from optimizer.features import BY_ONE_ROUTE, features
from optimizer.offers import SiteTravel
from optimizer.oracle import Offer
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit, Window
from optimizer.timing import timetable
from optimizer.trials import driven_cents
from optimizer.units import NEVER


def require_askable(problem: Problem, plan: Plan) -> None:
    """
    Raise ``Uncovered`` for days on which routes depend on one another, or go by a depot.

    So for a plan that overdraws a van, or states times at which a route costs something else than now: what
    an insertion adds is then counted from what the plan states.
    """
    arrays.require_covered(problem)
    if beyond := features(problem) - BY_ONE_ROUTE:
        raise Uncovered(f"quoting does not know {', '.join(sorted(beyond))}", REFERENCE)
    stated = {route.technician_id: route for route in plan.routes if route.stops}
    if any(True for crew in shifts_of(problem).values() for _ in van_violations(problem, crew, stated)):
        raise Uncovered("the plan overdraws a van", REFERENCE)
    sequences = oracle.known_sequences(problem, plan)
    for technician in problem.technicians:
        visits = sequences.get(technician.id) or problem.begun_by(technician.id)
        before = [stated[technician.id]] if technician.id in stated else []
        with suppress(InfeasibleRoute):  # such a route is closed
            timed = [timetable(problem, technician, visits)] if visits else []
            if driven_cents(problem, timed) != driven_cents(problem, before):
                raise Uncovered(f"the times stated for {technician.name} are out of date", REFERENCE)


class RichOracle(CompiledOracle):
    """Offers as ``oracle.Oracle`` makes them on rich days."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        require_askable(problem, plan)
        self.problem, self.plan = problem, plan
        self._lock = RLock()
        self._is_covered = True
        self._connected: Rich | None = None
        self._lay()

    def _lay_route(self, who: int, visits: Sequence[Visit]) -> None:
        if self._connected is not self._day.rich:
            self._day = self._day._replace(rich=self._with_all_hours(self._day.rich))
            self._connected = self._day.rich
            states.connect(self._day, self._routes, memory.new_search(self._day, self._routes, 0))
            states.set_anew(self._day)
            for other in range(self._day.people):
                routes.retimed(self._day, self._routes, other)
        super()._lay_route(who, visits)

    def _with_all_hours(self, rich: Rich) -> Rich:
        """The same with zone and lengths of every place, also of those where nobody goes yet."""
        traffic, used = self.problem.traffic, self._used.tolist()
        if traffic is None:
            return rich
        factors = np.array(traffic.factors, dtype=np.int32)
        head = [factors.shape[1], 2 + len(used), *(traffic.zones[place] for place in used)]
        hours = np.concatenate([np.array(head, dtype=np.int32), factors.ravel()], dtype=np.int32)
        metres = np.ascontiguousarray(self.problem.matrix.block(used, used)[1], dtype=np.int32)
        return rich._replace(hours=hours, metres=metres)

    def _covers(self, visit: Visit) -> bool:
        alone = self.problem.changed(technicians=(), visits=(visit,), locks=())
        is_placed = self.problem.traffic is None or visit.location in self._place_of
        return self._is_covered and is_placed and features(alone) <= BY_ONE_ROUTE

    def quote(
        self,
        visit: Visit,
        windows: Sequence[Window],
        *,
        site: SiteTravel | None = None,
        each_technician: bool = False,
    ) -> list[Offer]:
        """As in ``CompiledOracle``; in plain Python for a new address where travel depends on the hour."""
        if site is not None and self.problem.traffic is not None:
            plain = offers.plain_quote
            return plain(self.problem, self.plan, visit, windows, site, each_technician=each_technician)
        return super().quote(visit, windows, site=site, each_technician=each_technician)

    def _seat(self, node: int, visit: Visit, site: SiteTravel | None) -> None:
        super()._seat(node, visit, site)
        rich, crew = self._day.rich, self.problem.technicians
        rich.service[node] = [t.time_for(visit) for t in crew] if visit.durations else visit.duration
        row = rich.visit[node]
        limits = (visit.respond_by, visit.resolve_by, visit.announced)
        row[[RESPOND, RESOLVE, ANNOUNCED]] = [NEVER if limit is None else limit for limit in limits]
        row[SETUP], row[MEANING] = visit.setup, MEANINGS[visit.window_end]
        row[DATED] = 1  # so that its start is stated

    def _ask(self, node: int, windows: Whole, best: Whole, chosen: Whole, times: Whole) -> None:
        day, routes, each = self._day, self._routes, int(len(best) > 1)
        asked = np.hstack([windows, np.zeros((len(windows), 1), dtype=np.int64)])
        asking.ask_richly(day, routes, node, asked, each, best, chosen)
        asking.time_richly(day, routes, node, windows, self._begun, best, chosen, times)

    def _take_copies(self) -> None:
        super()._take_copies()
        names = ("visit", "crew", "service", "figures", "depots", "kept")
        rich = self._day.rich._replace(**{name: getattr(self._day.rich, name).copy() for name in names})
        self._day = self._day._replace(rich=rich)
        self._connected = rich
