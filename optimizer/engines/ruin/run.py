"""One search on arrays: slices of annealing, turns of the master, told and cancelled between them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from optimizer.engines.base import Budget, Cancel
from optimizer.engines.ruin import arrays, memory, search, states
from optimizer.engines.ruin.cooling import Cooling, cooling_of
from optimizer.engines.ruin.inserting import construct
from optimizer.engines.ruin.layout import DRIVER, FOLLOWING, IDLE, LEAVE_OUT, PRICE, STOPS, Index, Whole
from optimizer.engines.ruin.pool import (
    Column,
    Columns,
    collect_all,
    columns_of,
    forget_oldest,
    is_nearly_full,
    merged,
    new_pool,
)
from optimizer.engines.ruin.rich import BEGIN, BEHIND, DEPOT, OWN, WORK
from optimizer.engines.ruin.side_keys import idle_price
from optimizer.engines.ruin.states import Orders
from optimizer.units import Cents

if TYPE_CHECKING:
    from optimizer.engines.ruin.together import Others

Tell: TypeAlias = Callable[[float, Cents, int, int], None]
"""Is told seconds, price of the best plan, iterations so far and visits that the plan leaves out."""

SLICE_SECONDS = 0.02
"""Between two slices progress is told and cancellation asked."""
SLICE_ROUNDS = 50
"""Iterations of a slice under a budget of iterations, and of the first slice under a budget of time."""
INSERTED_AT_ONCE = 100
KNOWN_AFTER = 0.02
"""Part of a search after which its speed is known."""
EASED = 20.0
"""At first a visit left out counts as much as serving so many."""
COMBINED_SHARE = 0.2
"""Share of the time that the master may use."""
LEAST_SECONDS, LEAST_ROUNDS, MOST_COMBINED = 2.0, 5_000, 1_000
"""Shorter searches and larger days do without the master."""
ALWAYS_COMBINED, COMBINED_FROM = 250, 1_500
"""On days with more visits the master needs so many iterations a visit, else its routes are too raw."""
MARGIN, MARGIN_CUT = 0.1, 0.7
"""Routes of plans so much dearer than the best are kept for the master; less whenever too many come."""
ROUNDS_UNLIMITED = 1 << 62


class Run:
    """One search."""

    def __init__(
        self,
        day: arrays.Day,
        budget: Budget,
        seed: int,
        tell: Tell,
        cancel: Cancel,
        began: float | None = None,
        fixed: Cents = 0,
    ) -> None:
        """``began`` is when the clock was started, now unless told; ``fixed`` comes to all prices here."""
        self.began = time.monotonic() if began is None else began
        self.fixed = fixed
        self.day, self.budget, self.seed = day, budget, seed
        self.tell, self.cancel = tell, cancel
        self.routes = arrays.empty_routes(day)
        self.memory = memory.new_search(day, self.routes, seed)
        states.connect(day, self.routes, self.memory)
        self.pool, self.margin = new_pool(day), MARGIN
        self.cooling, self.is_planned, self.combines = Cooling(), False, True
        self.first_seconds = 0.0
        self.typical = max(1.0, float(np.median(day.nodes[: day.visits, LEAVE_OUT]))) if day.visits else 1.0
        self.combinations = 0

    def begin(self, orders: Orders, bounds: Whole | None = None) -> None:
        """Lay the start, insert what is missing."""
        self.routes = self.laid(orders, bounds)
        self.memory = memory.new_search(self.day, self.routes, self.seed)
        states.keep_bounds(self.day)
        passed = 0
        while passed < self.memory.numbers[memory.ABSENT] and not self.cancel():
            passed = construct(self.day, self.routes, self.memory, passed, INSERTED_AT_ONCE)
        collect_all(self.day, self.routes, self.pool, 0)
        self.first_seconds = self.elapsed()
        self._tell()

    def laid(self, orders: Orders, bounds: Whole | None = None) -> arrays.Routes:
        """Routes of which each technician named has these nodes, one behind the other."""
        return states.laid(self.day, orders, bounds)

    def best_orders(self) -> list[tuple[int, tuple[int, ...]]]:
        """The best plan: the nodes of each technician with any."""
        return self._orders_in(self.memory.best)

    def _orders_in(self, links: Index) -> list[tuple[int, tuple[int, ...]]]:
        found = []
        for who in range(self.day.people):
            nodes = []
            node = int(links[self.day.visits + who, FOLLOWING])
            while node < self.day.visits:
                nodes.append(node)
                node = int(links[node, FOLLOWING])
            if nodes:
                found.append((who, tuple(nodes)))
        return found

    @property
    def best_price(self) -> int:
        """Price of the best plan."""
        return int(self.memory.numbers[memory.BEST])

    def search(self, others: "Others | None" = None) -> None:
        """Anneal in slices until the budget is used up; ``others`` hand over what they found on the way."""
        rounds = SLICE_ROUNDS
        while (left := self._rounds_left()) > 0 and not self._is_over():
            began = time.monotonic()
            done = self.progress()
            if not self.is_planned and done >= KNOWN_AFTER:
                self._plan_cooling(done, others)
            self._slice(done, min(rounds, left))
            if self.cooling.number(self.progress()) > self.cooling.number(done):
                self._cooled(others)
            elif self.cooling.combined_at and self.progress() >= self.cooling.combined_at[0]:
                self.combine()
            if self.budget.solutions is None:
                took = max(time.monotonic() - began, 1e-6)
                rounds = int(max(1, min(4 * rounds, rounds * SLICE_SECONDS / took)))

    def _slice(self, done: float, rounds: int) -> None:
        """Some iterations at one temperature."""
        heat, ease = self._heat(done)
        search.anneal(self.day, self.routes, self.memory, self.pool, heat, ease, self.margin, rounds)
        self._tell()
        if is_nearly_full(self.pool):
            forget_oldest(self.pool)
            self.margin *= MARGIN_CUT

    def _plan_cooling(self, done: float, others: "Others | None") -> None:
        """Decide on the schedule as soon as the speed is known."""
        rounds = self.budget.solutions or float(self.memory.numbers[memory.ROUND]) / done
        self.cooling = cooling_of(
            rounds,
            self.day.visits,
            is_tight=int(self.memory.numbers[memory.BEST_MISSED]) > 0,
            shared_at=others.shared_at if others else None,
        )
        if not self._may_combine(rounds / max(1, self.day.visits)):
            self.cooling.combined_at.clear()
        self.turns = max(1, len(self.cooling.combined_at))
        self.is_planned = True

    def _cooled(self, others: "Others | None") -> None:
        """Go on from the best plan after a cooling, or from a better one that others or the master know."""
        heard: list[Columns] = []
        if others is not None and self.cooling.number(self.progress()) == len(self.cooling.ends) - 1:
            for found in others.found(self.cancel):
                heard.append(found.columns)
                if found.price < self.best_price:
                    self.restart(found.orders, found.bounds)
        self.restart(self.best_orders(), states.best_bounds(self.day))
        if self.cooling.combined_at:
            self.combine(heard)

    def _may_combine(self, each: float) -> bool:
        """Whether the search, of so many iterations a visit, is long enough for the master to pay."""
        seconds, rounds, visits = self.budget.seconds, self.budget.solutions, self.day.visits
        is_long = (seconds is None or seconds >= LEAST_SECONDS) and (rounds is None or rounds >= LEAST_ROUNDS)
        is_settled = visits <= ALWAYS_COMBINED or each >= COMBINED_FROM
        return self.combines and is_long and is_settled and visits <= MOST_COMBINED

    def combine(self, heard: Sequence[Columns] = ()) -> None:
        """Let the master look for a better plan among the routes seen and heard of, and go on from it."""
        from optimizer.engines.ruin.master import Master

        self.cooling.combined_at.pop(0)
        idle = idle_price(self.day)
        seconds = COMBINED_SHARE * (self.budget.seconds or 5 * LEAST_SECONDS) / self.turns
        columns = merged([columns_of(self.pool), *heard])
        now = self._orders_in(self.routes.links), states.bounds_now(self.day)
        master = Master(self.day, columns, self.best_columns(), self.best_price - idle, seconds)
        with ThreadPoolExecutor(1) as thread:
            work = thread.submit(master.combined)
            while not wait([work], timeout=SLICE_SECONDS).done:
                if self._is_over():
                    master.stop()
        found = work.result()
        if found is not None and self.take_up(found, master.best + idle):
            self.combinations += 1
        elif self.day.rich.used:  # pricing the best routes has left their state behind
            self.restart(*now)

    def best_columns(self) -> list[Column]:
        """The routes of the best plan, priced."""

        day, crew = self.day, self.day.rich.crew
        orders = self.best_orders()
        tours = self.laid(orders, states.best_bounds(day)).tours
        prices = (crew[:, OWN] if day.rich.shared else tours[:, PRICE]) - day.crew[:, IDLE]
        return [
            Column(
                int(day.kind[who]),
                int(prices[who]),
                nodes,
                tuple(day.rich.visit[list(nodes), BEGIN].tolist()) if day.rich.tied else (),
                int(crew[who, WORK]),
                int(crew[who, DEPOT]) if crew[who, BEHIND] >= 0 else -1,
            )
            for who, nodes in orders
        ]

    def take_up(self, found: Sequence[Column], price: int) -> bool:
        """Go on from routes that the master chose; not if laid they are no better plan than the best."""
        from optimizer.engines.ruin.laying import bounds_of, ties_hold
        from optimizer.engines.ruin.master import placed

        orders = placed(self.day, found)
        if not self.day.rich.used:
            self.restart(orders)
            return True
        for is_loose, most in ((True, price), (False, self.best_price - 1)):
            bounds = bounds_of(self.day, found, loose=is_loose)
            laid = self.laid(orders, bounds)
            left_out = self.day.nodes[: self.day.visits, LEAVE_OUT][laid.links[: self.day.visits, DRIVER] < 0]
            total = int(laid.tours[:, PRICE].sum() + left_out.sum())
            if total <= most and ties_hold(self.day, laid.links):
                self.restart(orders, bounds)
                return True
        return False

    def restart(self, orders: Orders, bounds: Whole | None = None) -> None:
        """Go on from other routes."""
        self.memory.known[:, :, memory.STAMP] = -1
        self.routes = self.laid(orders, bounds)
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
            states.keep_bounds(self.day)
            self._tell()

    def _rounds_left(self) -> int:
        if self.budget.solutions is None:
            return ROUNDS_UNLIMITED
        return self.budget.solutions - int(self.memory.numbers[memory.ROUND])

    def _is_over(self) -> bool:
        late = self.budget.seconds is not None and self.elapsed() >= self.budget.seconds - SLICE_SECONDS / 2
        return late or self.budget.is_reached(self.best_price + self.fixed) or self.cancel()

    def elapsed(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self.began

    def progress(self) -> float:
        """How much of the budget is used up, 0 to 1."""
        if self.budget.solutions is not None:
            return float(self.memory.numbers[memory.ROUND]) / self.budget.solutions
        spent = self.elapsed() - self.first_seconds
        return min(1.0, spent / max(1e-6, (self.budget.seconds or 1.0) - self.first_seconds))

    def _heat(self, done: float) -> tuple[float, float]:
        """
        Temperature in cents, and the part of its price at which a visit left out counts.

        Both as ``Cooling`` says: the first falls from the price of some visits, the second rises to one.
        """
        served = max(1, int(self.routes.tours[:, STOPS].sum()))
        unit = max(1.0, float(self.routes.tours[:, PRICE].sum()) / served)
        heat, left = self.cooling.at(done)
        return unit * heat, float(min(1.0, EASED * unit / self.typical) ** left)

    def _tell(self) -> None:
        left_out = int((self.memory.best[: self.day.visits, DRIVER] < 0).sum())
        self.tell(self.elapsed(), self.best_price, int(self.memory.numbers[memory.ROUND]), left_out)
