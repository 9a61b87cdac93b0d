"""The fast engine behind the seam: arrays in, slices of annealing, a plan timed by ``timing`` out."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from optimizer.check import check, cost
from optimizer.constraints import CONSTRAINTS
from optimizer.engines.base import Budget, Cancel, OnProgress, Progress, Result, engine
from optimizer.engines.ruin import arrays, memory, routes, search
from optimizer.engines.ruin.inserting import construct
from optimizer.engines.ruin.layout import DRIVER, FOLLOWING, IDLE, LEAVE_OUT, PRICE, STOPS, Index
from optimizer.engines.ruin.pool import collect_all, columns_of, forget_oldest, is_nearly_full, new_pool
from optimizer.insertion import Sequences, mended, never_cancelled, sequences_of, without_reasons
from optimizer.plan import Plan
from optimizer.problem import Break, Problem, Technician, Visit, Window, matrix_of
from optimizer.schedule import retimed
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.ruin.master import Column

Orders: TypeAlias = Iterable[tuple[int, Sequence[int]]]
"""Technicians and the nodes of their open stops, in order."""

SLICE_SECONDS = 0.02
"""Between two slices progress is told and cancellation asked."""
SLICE_ROUNDS = 50
"""Iterations of a slice under a budget of iterations, and of the first slice under a budget of time."""
HOT, COLD = 1.0, 0.02
"""First and last temperature as shares of the price of serving one visit."""
LONG_SECONDS = 5.0
"""A shorter search begins colder, since it has no time to cool."""
EASED = 6.0
"""At first a visit left out counts as much as serving so many."""
QUENCH = 0.1
"""Share of the search, at its end, in which hardly anything dearer is accepted."""
COMBINED_AT = (0.7, 0.85, 0.95)
"""Parts of the budget after which the master combines the routes seen."""
COMBINED_SHARE = 0.1
MARGIN, MARGIN_CUT = 0.1, 0.7
"""Routes of plans so much dearer than the best are kept for the master; less whenever too many come."""
LEAST_SECONDS, LEAST_ROUNDS, MOST_COMBINED = 2.0, 5_000, 1_000
"""Shorter searches and larger days do without the master."""
ROUNDS_UNLIMITED = 1 << 62


class RuinEngine:
    """Keeps every constraint but places in routes ahead; those problems go to the reference engine."""

    def capabilities(self) -> frozenset[str]:
        """All constraints of this version."""
        return frozenset(rule.CODE for rule in CONSTRAINTS)

    def compile(self) -> None:
        """Plan a tiny day, which compiles the loops or loads them compiled."""
        shift = Window(0, 9 * 3600)
        crew = [Technician(str(n), str(n), 0, 0, shift, breaks=(Break(0, 3600, 60),)) for n in range(2)]
        visits = [Visit(str(n), n, 600, (shift,)) for n in range(4)]
        roads = matrix_of([[60] * 4] * 4)
        problem = Problem(date(2026, 1, 1), tuple(crew), tuple(visits), roads)
        self.solve(problem, budget=Budget(solutions=20))

    def solve(
        self,
        problem: Problem,
        *,
        budget: Budget,
        seed: int = 0,
        start: Plan | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Result:
        """Return the better of a valid start and what the search finds."""
        try:
            run = _Run(problem, budget, seed, on_progress, cancel or never_cancelled)
        except arrays.Uncovered:
            reference = engine("routing")
            return reference.solve(
                problem, budget=budget, seed=seed, start=start, on_progress=on_progress, cancel=cancel
            )
        if run.day.visits and run.day.people:
            run.begin(start)
            run.search()
            run.look_at_all()
        return run.result(start)


class _Run:
    """One call of the engine."""

    def __init__(
        self, problem: Problem, budget: Budget, seed: int, on_progress: OnProgress | None, cancel: Cancel
    ) -> None:
        self.began = time.monotonic()
        self.problem, self.budget = problem, budget
        self.on_progress, self.cancel = on_progress, cancel
        arrays.require_covered(problem)
        self.visits = arrays.open_visits(problem)
        self.day = arrays.day_of(problem)
        self.routes = arrays.empty_routes(self.day)
        self.memory = memory.new_search(self.day, self.routes, seed)
        self.pool = new_pool(self.day)
        self.margin = MARGIN
        self.combined_at = list(COMBINED_AT) if self._may_combine() else []
        self.fixed: Cents = arrays.begun_cents(problem)
        self.told: Cents | None = None
        self.first_seconds = 0.0
        self.typical = float(np.median(self.day.nodes[: self.day.visits, LEAVE_OUT])) if self.visits else 1.0
        self.combinations = 0
        self.is_proved = False
        self.hot = (
            HOT if budget.seconds is None else min(HOT, max(2 * COLD, HOT * budget.seconds / LONG_SECONDS))
        )
        self.seed = seed

    def begin(self, start: Plan | None) -> None:
        """Lay the start, if there is one, and insert what is missing."""
        if start is not None:
            kept = mended(self.problem, sequences_of(self.problem, start))
            node_of = {visit.id: node for node, visit in enumerate(self.visits)}
            orders = [
                (who, [node_of[visit.id] for visit in kept.get(technician.id, ()) if visit.id in node_of])
                for who, technician in enumerate(self.problem.technicians)
            ]
            self.routes = self._laid(orders)
            self.memory = memory.new_search(self.day, self.routes, self.seed)
        construct(self.day, self.routes, self.memory)
        collect_all(self.day, self.routes, self.pool, 0)
        self.first_seconds = self._elapsed()
        self._tell()

    def _laid(self, orders: Orders) -> arrays.Routes:
        """Routes of which each technician named has these nodes, one behind the other."""
        laid = arrays.empty_routes(self.day)
        for who, nodes in orders:
            before = len(self.visits) + who
            for node in nodes:
                routes.link(laid.links, laid.tours, who, node, before)
                before = node
            routes.retimed(self.day, laid, who)
        return laid

    def _orders(self, links: Index) -> list[tuple[int, tuple[int, ...]]]:
        """The nodes of each technician with any."""
        found = []
        for who in range(self.day.people):
            nodes = []
            node = int(links[len(self.visits) + who, FOLLOWING])
            while node < len(self.visits):
                nodes.append(node)
                node = int(links[node, FOLLOWING])
            if nodes:
                found.append((who, tuple(nodes)))
        return found

    def search(self) -> None:
        """Anneal in slices until the budget is used up."""
        rounds = SLICE_ROUNDS
        while (left := self._rounds_left()) > 0 and not self._is_over():
            began = time.monotonic()
            heats = self._heat()
            search.anneal(
                self.day, self.routes, self.memory, self.pool, *heats, self.margin, min(rounds, left)
            )
            self._tell()
            if is_nearly_full(self.pool):
                forget_oldest(self.pool)
                self.margin *= MARGIN_CUT
            if self.combined_at and self._progress() >= self.combined_at[0]:
                self.combined_at.pop(0)
                self._combine()
            if self.budget.solutions is None:
                took = max(time.monotonic() - began, 1e-6)
                rounds = int(max(1, min(4 * rounds, rounds * SLICE_SECONDS / took)))

    def look_at_all(self) -> None:
        """Take the cheapest plan of a day so small that all its plans can be looked at."""
        from optimizer.exact import cheapest_orders

        orders = cheapest_orders(self.problem)
        if orders is not None:
            self._restart(orders)
            self.is_proved = True

    def _may_combine(self) -> bool:
        """Whether the search is long enough, and the day small enough, for the master to pay."""
        seconds, rounds = self.budget.seconds, self.budget.solutions
        is_long = (seconds is None or seconds >= LEAST_SECONDS) and (rounds is None or rounds >= LEAST_ROUNDS)
        return is_long and self.day.visits <= MOST_COMBINED

    def _combine(self) -> None:
        """Let the master look for a better plan among the routes seen, and go on from it."""
        from optimizer.engines.ruin.master import Master, placed

        known = self._best_columns()
        best = int(self.memory.numbers[memory.BEST]) - int(self.day.crew[:, IDLE].sum())
        seconds = COMBINED_SHARE * (self.budget.seconds or LEAST_SECONDS)
        master = Master(self.day, columns_of(self.pool), known, best, seconds)
        with ThreadPoolExecutor(1) as thread:
            work = thread.submit(master.combined)
            while not wait([work], timeout=SLICE_SECONDS).done:
                if self.cancel():
                    master.stop()
        found = work.result()
        if found is not None:
            self._restart(placed(self.day, found))

    def _best_columns(self) -> "list[Column]":
        """The routes of the best plan, priced."""
        from optimizer.engines.ruin.master import Column

        found = []
        laid = self._laid(self._orders(self.memory.best))
        for who, nodes in self._orders(self.memory.best):
            price = int(laid.tours[who, PRICE] - self.day.crew[who, IDLE])
            found.append(Column(int(self.day.kind[who]), price, nodes))
        return found

    def _restart(self, orders: Orders) -> None:
        """Go on from other routes, each the nodes of one technician."""
        self.routes = self._laid(orders)
        numbers = self.memory.numbers
        absent = np.flatnonzero(self.routes.links[: self.day.visits, DRIVER] < 0)
        self.memory.absent[: absent.size] = absent
        numbers[memory.ABSENT] = absent.size
        numbers[memory.MISSED] = self.day.nodes[absent, LEAVE_OUT].sum()
        numbers[memory.TOTAL] = self.routes.tours[:, PRICE].sum() + numbers[memory.MISSED]
        if numbers[memory.TOTAL] < numbers[memory.BEST]:
            numbers[memory.BEST] = numbers[memory.TOTAL]
            numbers[memory.BEST_MISSED] = numbers[memory.MISSED]
            self.memory.best[:] = self.routes.links
            self.combinations += 1

    def _rounds_left(self) -> int:
        if self.budget.solutions is None:
            return ROUNDS_UNLIMITED
        return self.budget.solutions - int(self.memory.numbers[memory.ROUND])

    def _is_over(self) -> bool:
        late = self.budget.seconds is not None and self._elapsed() >= self.budget.seconds - SLICE_SECONDS / 2
        return late or self.cancel()

    def _elapsed(self) -> float:
        return time.monotonic() - self.began

    def _progress(self) -> float:
        """How much of the budget is used up, 0 to 1."""
        if self.budget.solutions is not None:
            return float(self.memory.numbers[memory.ROUND]) / self.budget.solutions
        spent = self._elapsed() - self.first_seconds
        return min(1.0, spent / max(1e-6, (self.budget.seconds or 1.0) - self.first_seconds))

    def _heat(self) -> tuple[float, float]:
        """
        Temperature in cents, and the part of its price at which a visit left out counts.

        The first falls geometrically from the price of serving a visit, the second rises to one.
        """
        served = max(1, int(self.routes.tours[:, STOPS].sum()))
        unit = max(1.0, float(self.routes.tours[:, PRICE].sum()) / served)
        done = min(1.0, self._progress() / (1 - QUENCH))
        if done >= 1:
            return unit * COLD * 0.05, 1.0
        eased = min(1.0, EASED * unit / self.typical)
        return unit * self.hot * (COLD / self.hot) ** done, eased ** max(0.0, 1 - done)

    def _tell(self) -> None:
        best = int(self.memory.numbers[memory.BEST]) + self.fixed
        if self.on_progress is not None and (self.told is None or best < self.told):
            self.told = best
            self.on_progress(Progress(self._elapsed(), best, int(self.memory.numbers[memory.ROUND])))

    def _best(self) -> Plan:
        """The best routes as a plan."""
        sequences: Sequences = {}
        orders = dict(self._orders(self.memory.best))
        for who, technician in enumerate(self.problem.technicians):
            begun = self.problem.begun_by(technician.id)
            if begun or who in orders:
                sequences[technician.id] = (*begun, *(self.visits[node] for node in orders.get(who, ())))
        return retimed(self.problem, sequences)

    def result(self, start: Plan | None) -> Result:
        """The better of what was found and a valid start, with figures about the run."""
        plan = self._best()
        prices = cost(self.problem, plan)
        if start is not None and not check(self.problem, start):
            known = cost(self.problem, start)
            if sum(known.values()) < sum(prices.values()):
                plan, prices = without_reasons(start), known
        stats: dict[str, int | float | str] = {
            "engine": "ruin",
            "seconds": round(self._elapsed(), 3),
            "first_plan_seconds": round(self.first_seconds, 3),
            "solutions": int(self.memory.numbers[memory.ROUND]),
            "accepted": int(self.memory.numbers[memory.ACCEPTED]),
            "combinations": self.combinations,
            "model_cost": int(self.memory.numbers[memory.BEST]) + self.fixed,
        }
        return Result(plan, prices, sum(prices.values()) if self.is_proved else None, stats)
