"""The reference engine: OR-Tools routing with guided local search, started from best insertion."""

import time

from ortools.constraint_solver import pywrapcp
from ortools.constraint_solver.routing_enums_pb2 import FirstSolutionStrategy, LocalSearchMetaheuristic

from optimizer.check import check, cost
from optimizer.constraints import CONSTRAINTS
from optimizer.engines.base import Budget, Cancel, OnProgress, Progress, Result
from optimizer.engines.model import SCALE, DayModel
from optimizer.engines.stating import (
    begun_cents,
    beyond,
    items_of,
    plan_drawn,
    solution_drawn,
    terms_of,
)
from optimizer.insertion import fill, mended, never_cancelled, sequences_of, without_reasons
from optimizer.objectives import OBJECTIVES
from optimizer.plan import Plan
from optimizer.problem import Problem

FIX_SECONDS = 60
"""Most that OR-Tools may take to fix the times of one plan; the budget ends it sooner."""
LONGEST_SECONDS = 10
"""A search without a limit of time ends here all the same; hardly any takes a tenth of it."""
LOOKS_PER_SOLUTION = 1_000
"""Questions of the solver after which a search that finds nothing more is over."""
LEFT_FOR_FINISH = 0.03
"""Part of the time kept for timing the plan again and filling its last holes."""


class RoutingEngine:
    """Keeps every constraint; its plans are timed by ``timing`` and never worse than a valid start."""

    def capabilities(self) -> frozenset[str]:
        """All constraints of this version."""
        return frozenset(rule.CODE for rule in CONSTRAINTS)

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
        """Return the best of: the start, best insertion, and what OR-Tools makes of them."""
        run = _Run(problem, budget, on_progress=on_progress, cancel=cancel or never_cancelled)
        run.consider(fill(problem, {}, cancel=run.is_over))
        if start is not None:
            run.consider(fill(problem, mended(problem, sequences_of(problem, start)), cancel=run.is_over))
            if not check(problem, start):
                run.consider(without_reasons(start))
        if problem.technicians and problem.visits and not run.is_over():
            run.search(seed)
        return run.result()


class _Run:
    """One call of the engine."""

    def __init__(
        self, problem: Problem, budget: Budget, *, on_progress: OnProgress | None, cancel: Cancel
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.on_progress = on_progress
        self.cancel = cancel
        self.began = time.monotonic()
        self.best: Plan = Plan()
        self.best_cost: int | None = None
        self.told: int | None = None
        """Cost of the best plan so far, as the model counts those it has found."""
        self.solutions = 0
        self.looks = 0
        self.model: DayModel | None = None
        self.model_cost: int | None = None
        self.unstated = 0
        self.mended = 0

    def elapsed(self) -> float:
        """Wall clock since the call."""
        return time.monotonic() - self.began

    def is_over(self) -> bool:
        """Whether time is up, the plan is good enough, or somebody has cancelled."""
        late = self.budget.seconds is not None and self.elapsed() >= self.budget.seconds
        return late or (self.told is not None and self.budget.is_reached(self.told)) or self.cancel()

    def is_enough(self) -> bool:
        """
        Whether the search is over, by time, by cancellation, or because it finds nothing more.

        On a day with very few visits guided local search runs out of new plans and would never reach its
        number of solutions; counting the solver's own questions ends it, the same way in every run.
        """
        self.looks += 1
        solutions = self.budget.solutions
        return (solutions is not None and self.looks > LOOKS_PER_SOLUTION * solutions) or self.is_over()

    def consider(self, plan: Plan) -> None:
        """Keep a plan when it is cheaper than the best."""
        total = sum(cost(self.problem, plan).values())
        self.solutions += 1
        if self.best_cost is None or total < self.best_cost:
            self.best, self.best_cost = plan, total
            self.report(total, len(plan.unserved))

    def report(self, total: int, left_out: int) -> None:
        """Tell the caller of a better plan."""
        if self.told is not None and total >= self.told:
            return
        self.told = total
        if self.on_progress is not None:
            self.on_progress(Progress(self.elapsed(), total, self.solutions, left_out))

    def search(self, seed: int) -> None:
        """Improve the best plan with OR-Tools."""
        self.model = model = DayModel(self.problem, seed=seed)
        for rule in CONSTRAINTS:
            rule.add(model, self.problem)
        for term in OBJECTIVES:
            model.term = term.NAME
            term.add(model, self.problem)
        model.close()
        parameters = self._parameters()
        routing = model.routing
        routing.solver().ReSeed(seed + 1)
        routing.CloseModelWithParameters(parameters)
        listener = _Listener(self, routing)
        routing.AddSearchMonitor(routing.solver().CustomLimit(listener.is_enough))
        routing.AddAtSolutionCallback(listener.on_solution)
        try:
            warm = routing.ReadAssignmentFromRoutes(model.routes_of(self.best), True)
            if warm is not None:
                found = routing.SolveFromAssignmentWithParameters(warm, parameters)
            else:
                found = routing.SolveWithParameters(parameters)
        finally:
            listener.close()
        if found is None:
            return
        self.model_cost = (found.ObjectiveValue() + SCALE // 2) // SCALE + begun_cents(self.problem)
        drawn = solution_drawn(model, found.Value)
        self.unstated = found.ObjectiveValue() - sum(item.scaled for item in items_of(model, drawn))
        sequences = model.sequences(lambda index: found.Value(routing.NextVar(index)))
        sound = mended(self.problem, sequences)
        self.mended = sum(map(len, sequences.values())) - sum(map(len, sound.values()))
        self.consider(fill(self.problem, sound, cancel=self.cancel))

    def _parameters(self) -> pywrapcp.DefaultRoutingSearchParameters:
        """Guided local search within what is left of the budget."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        # With breaks and a price on late returns OR-Tools would solve a small integer programme per neighbour
        # to place the breaks; plain propagation finds the same costs 30 to 60 times faster (12 visits).
        parameters.disable_scheduling_beware_this_may_degrade_performance = True
        # OR-Tools fixes the times of the starting plan under the limit meant for one neighbourhood (0.1 s);
        # beyond it, a plan of 120 visits counted as infeasible on a busy machine.
        parameters.lns_time_limit.FromSeconds(FIX_SECONDS)
        if self.budget.seconds is not None:
            left = self.budget.seconds * (1 - LEFT_FOR_FINISH) - self.elapsed()
            parameters.time_limit.FromMilliseconds(max(1, int(1000 * left)))
        else:  # fixing the times of a plan that its model hardly allows has taken minutes
            parameters.time_limit.FromSeconds(LONGEST_SECONDS)
        if self.budget.solutions is not None:
            parameters.solution_limit = self.budget.solutions
        return parameters

    def on_solution(self, routing: pywrapcp.RoutingModel) -> None:
        """Count and report what OR-Tools finds."""
        self.solutions += 1
        total = (routing.CostVar().Value() + SCALE // 2) // SCALE + begun_cents(self.problem)
        if self.told is None or total < self.told:
            self.report(total, self._left_out(routing))

    def _left_out(self, routing: pywrapcp.RoutingModel) -> int:
        """Visits that the plan just found leaves out."""
        nodes = (at for at in range(routing.Size()) if not routing.IsStart(at))
        return sum(routing.NextVar(at).Value() == at for at in nodes)

    def result(self) -> Result:
        """The best plan with its price and figures about the run."""
        stats: dict[str, int | float | str] = {
            "engine": "routing",
            "seconds": round(self.elapsed(), 3),
            "solutions": self.solutions,
            "mended": self.mended,
        }
        if self.model_cost is not None:
            stats |= {"model_cost": self.model_cost, "unstated": self.unstated}
        if self.model is not None:
            stated = terms_of(self.model, plan_drawn(self.model, self.best))
            unknown = beyond(self.problem, self.best)
            stats |= {f"model_{term}": cents for term, cents in stated.items() if term not in unknown}
        return Result(self.best, cost(self.problem, self.best), None, stats)


class _Listener:
    """
    What OR-Tools asks and tells during one search.

    Its C++ side keeps this as long as the model lives and no collector sees that: were this to hold the model
    for longer than the search, neither would ever go (some megabytes for each search).
    """

    def __init__(self, run: _Run, routing: pywrapcp.RoutingModel) -> None:
        self._heard: tuple[_Run, pywrapcp.RoutingModel] | None = (run, routing)

    def close(self) -> None:
        """Let go of model and search."""
        self._heard = None

    def is_enough(self) -> bool:
        """Whether the search is over."""
        return self._heard is None or self._heard[0].is_enough()

    def on_solution(self) -> None:
        """Pass on that there is another plan."""
        if self._heard is not None:
            run, routing = self._heard
            run.on_solution(routing)
