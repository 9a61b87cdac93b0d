"""The fast engine behind the seam: arrays in, slices of annealing, a plan timed by ``timing`` out."""

import time
from typing import TypeAlias

from optimizer.check import check, cost
from optimizer.constraints import CONSTRAINTS
from optimizer.engines.base import Budget, Cancel, OnProgress, Progress, Result
from optimizer.engines.ruin import arrays, memory, states, together
from optimizer.engines.ruin.looking import Look, planned_instead
from optimizer.engines.ruin.run import Run
from optimizer.engines.ruin.states import Orders
from optimizer.engines.ruin.terms import model_terms
from optimizer.engines.ruin.tiny import FEW, PLAIN, TIED
from optimizer.engines.ruin.uncovered import CalledOff, Uncovered
from optimizer.insertion import Sequences, mended, never_cancelled, sequences_of, without_reasons
from optimizer.leading import led
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.schedule import retimed
from optimizer.units import NEVER, Cents

Figures: TypeAlias = dict[str, int | float | str]


class RuinEngine:
    """Keeps every constraint; places in routes ahead and figures too large go to the reference engine."""

    def capabilities(self) -> frozenset[str]:
        """All constraints of this version."""
        return frozenset(rule.CODE for rule in CONSTRAINTS)

    def compile(self) -> None:
        """Plan two tiny days, plain and rich, which compiles the loops or loads them compiled."""
        for day in (PLAIN, TIED):
            self.solve(day, budget=FEW)

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
        began, called_off = time.monotonic(), cancel or never_cancelled
        try:
            ahead = led(problem) or problem
            arrays.require_covered(ahead)
            day = arrays.day_of(ahead, called_off)
        except CalledOff:
            return _unsearched(problem, start, began)
        except Uncovered as reason:
            look = Look(problem, budget, called_off, began)
            return planned_instead(problem, reason, look, seed=seed, start=start, on_progress=on_progress)
        ready = time.monotonic()
        told = _Told(ahead, on_progress)
        run = Run(day, budget, seed, told, called_off, began, told.fixed)
        answered, is_proved = 0, False
        if day.visits and day.people:
            begin, look = _begun(ahead, day, start), Look(ahead, budget, called_off, began)
            with together.others(day, budget, seed, begin) as others:
                run.begin(*begin)
                if day.rich.used:  # plain days wait for ``_look_at_all``, which knows that nothing is cheaper
                    _go_on_from(ahead, day, run, look.first(run.best_price + told.fixed))
                run.search(others)
                answered = others.answered if others else 0
            while _go_on_from(ahead, day, run, look.again(run.best_price + told.fixed)):
                pass  # each look begins from a cheaper plan
            is_proved = _look_at_all(ahead, run)
        found = _figures(run) | {"setup_seconds": round(ready - began, 3), "processes": 1 + answered}
        sequences = _sequences(ahead, run.best_orders())
        held = states.bounded(ahead, day, run.memory.best)
        plan = retimed(held, sequences)
        terms, price = model_terms(ahead, run), run.best_price + told.fixed
        if ahead is not problem:
            plan, more = _as_asked(problem, held, sequences)
            terms = {name: cents + more[name] for name, cents in terms.items()}
            is_proved, price = False, price + sum(more.values())
        found["model_cost"] = price
        found |= {f"model_{name}": cents for name, cents in terms.items()}
        return _better(problem, plan, start, found, is_proved=is_proved)


def _unsearched(problem: Problem, start: Plan | None, began: float) -> Result:
    """A valid start, or what has begun alone, since planning was called off before the first plan."""
    begun = {t.id: visits for t in problem.technicians if (visits := problem.begun_by(t.id))}
    figures: Figures = {"engine": "ruin", "seconds": round(time.monotonic() - began, 3), "solutions": 0}
    return _better(problem, retimed(problem, begun), start, figures, is_proved=False)


def _as_asked(problem: Problem, held: Problem, sequences: Sequences) -> tuple[Plan, dict[str, Cents]]:
    """The plan as the day was asked for, not with its first stops taken for begun, and what more it costs."""
    taken = cost(held, retimed(held, sequences))
    bounds = {visit.id: bound for visit in held.visits if (bound := held.bound(visit.id)) is not None}
    plan = retimed(problem.bounded(bounds), sequences)
    asked = cost(problem, plan)
    return plan, {name: cents - taken[name] for name, cents in asked.items()}


def _go_on_from(problem: Problem, day: arrays.Day, run: Run, found: Sequences | None) -> bool:
    """Go on from a plan, if there is one and it is cheaper as the arrays lay it; tell whether it is."""
    if found is None:
        return False
    known, former = run.best_price, (run.best_orders(), states.best_bounds(day))
    run.restart(*_as_nodes(problem, day, found))
    if run.best_price >= known:  # the arrays cannot lay it
        run.restart(*former)
        return False
    return True


def _look_at_all(problem: Problem, run: Run) -> bool:
    """Take the cheapest plan of a day so small that all its plans can be looked at; whether it is."""
    from optimizer.exact import cheapest_orders

    orders = cheapest_orders(problem, run.cancel)
    if orders is not None:
        run.restart(orders)
    return orders is not None


class _Told:
    """Passes on every better plan, in the prices of the whole day."""

    def __init__(self, problem: Problem, on_progress: OnProgress | None) -> None:
        self.on_progress, self.best = on_progress, NEVER
        self.fixed: Cents = arrays.begun_cents(problem)

    def __call__(self, seconds: float, price: Cents, rounds: int, left_out: int) -> None:
        """Pass it on if it is better."""
        if self.on_progress is not None and price < self.best:
            self.best = price
            self.on_progress(Progress(seconds, price + self.fixed, rounds, left_out))


def _begun(problem: Problem, day: arrays.Day, start: Plan | None) -> together.Start:
    """The stops of a start that still hold, as nodes, and their bounds."""
    if start is None:
        return (), None
    return _as_nodes(problem, day, mended(problem, sequences_of(problem, start)))


def _as_nodes(problem: Problem, day: arrays.Day, kept: Sequences) -> together.Start:
    """Open stops of routes as nodes, and their bounds."""
    node_of = {visit.id: node for node, visit in enumerate(arrays.open_visits(problem))}
    orders = [
        (who, [node_of[visit.id] for visit in kept.get(technician.id, ()) if visit.id in node_of])
        for who, technician in enumerate(problem.technicians)
    ]
    return orders, states.moments_of(problem, day, kept)


def _sequences(problem: Problem, orders: Orders) -> Sequences:
    """Routes of nodes as visits in order, behind those that have begun."""
    visits = arrays.open_visits(problem)
    sequences: Sequences = {}
    nodes_of = dict(orders)
    for who, technician in enumerate(problem.technicians):
        begun = problem.begun_by(technician.id)
        if begun or who in nodes_of:
            sequences[technician.id] = (*begun, *(visits[node] for node in nodes_of.get(who, ())))
    return sequences


def _better(problem: Problem, plan: Plan, start: Plan | None, figures: Figures, *, is_proved: bool) -> Result:
    """The better of what was found and a valid start."""
    prices = cost(problem, plan)
    if start is not None and not check(problem, start):
        known = cost(problem, start)
        if sum(known.values()) < sum(prices.values()):
            plan, prices = without_reasons(start), known
            figures = {name: found for name, found in figures.items() if not name.startswith("model_")}
            figures["kept_start"] = 1
    return Result(plan, prices, sum(prices.values()) if is_proved else None, figures)


def _figures(run: Run) -> Figures:
    """Figures about a search."""
    numbers = run.memory.numbers
    return {
        "engine": "ruin",
        "seconds": round(run.elapsed(), 3),
        "first_plan_seconds": round(run.first_seconds, 3),
        "solutions": int(numbers[memory.ROUND]),
        "accepted": int(numbers[memory.ACCEPTED]),
        "combinations": run.combinations,
    }
