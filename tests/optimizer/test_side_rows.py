"""The master on days whose routes are tied to one another: as good as trying every choice, kept when laid."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fuzzed_days import wrong_with
from optimizer import Budget, Problem, Result, Window, check, cost, solve
from optimizer.engines.ruin import memory, side_rows, states
from optimizer.engines.ruin import run as running
from optimizer.engines.ruin.arrays import day_of
from optimizer.engines.ruin.engine import _sequences as sequences_of
from optimizer.engines.ruin.laying import bounds_of, ties_hold
from optimizer.engines.ruin.layout import DRIVER, IDLE, LEAVE_OUT, PRICE, UNABLE
from optimizer.engines.ruin.linking import IMPOSSIBLE
from optimizer.engines.ruin.master import Master, placed
from optimizer.engines.ruin.pool import Column, Columns, as_columns, collect_all, columns_of, merged, new_pool
from optimizer.engines.ruin.rich import BEGIN, GROUP_NEXT, LEAST, MOST, OWN, TIED, WORK
from optimizer.engines.ruin.run import Run
from optimizer.engines.ruin.side_keys import idle_price
from optimizer.schedule import retimed
from optimizer.validate import errors_in
from tests.optimizer.rich_days import rich_day
from tests.optimizer.side_days import KINDS, side_day
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at

ROUNDS, ROUTES, SHORT = 150, 14, 3
"""Iterations that fill a pool, routes of it that are tried, visits of which there are routes of one stop."""
BITES: dict[str, str] = {
    "meetings": "teams",
    "waits": "precedence",
    "hands": "one hand",
    "once": "shifts at once",
    "skills": "team skills",
    "vans": "shared van",
    "shelves": "depots",
    "works": "fairness",
}
"""A kind of day on which each kind of row decides."""


POSSIBLE = [kind for kind in KINDS if kind != "shifts at once"]
"""Kinds that validation lets through."""


class Case:
    """A day, some routes of its pool, and what the master and trying everything make of them."""

    def __init__(self, kind: str, seed: int) -> None:
        self.problem = side_day(kind, seed)
        self.day = day_of(self.problem)
        self.run = Run(self.day, Budget(solutions=ROUNDS), seed, lambda *_: None, lambda: False)
        self.run.begin(())
        self.run.search()
        seen = some_of(columns_of(self.run.pool), random.Random(seed))
        self.columns = merged([seen, as_columns(self.short_routes())])
        self.left_out = self.day.nodes[: self.day.visits, LEAVE_OUT]

    def short_routes(self) -> list[Column]:
        """Everybody with one of the visits that are tied, at one moment, whether or not others allow it."""
        day, rich = self.day, self.day.rich
        bounds = rich.visit[:, (LEAST, MOST)].copy()
        bounds[rich.visit[:, TIED] > 0] = at("10:00")
        found = []
        for who in range(day.people):
            for visit in range(SHORT if rich.tied or (rich.visit[:-1, GROUP_NEXT] >= 0).any() else 0):
                price = int(self.run.laid([(who, [visit])], bounds).tours[who, PRICE])
                if day.pair[visit, who] != UNABLE and price < IMPOSSIBLE:
                    price = int(rich.crew[who, OWN] if rich.shared else price) - int(day.crew[who, IDLE])
                    starts = (int(rich.visit[visit, BEGIN]),) if rich.tied else ()
                    found.append(Column(who, price, (visit,), starts, int(rich.crew[who, WORK])))
        return found

    def chosen(self) -> tuple[int, list[Column]]:
        """Price and routes that the master chooses."""
        nothing = int(self.left_out.sum())
        master = Master(self.day, self.columns, [], nothing + 1, 5.0)
        found = master.combined() or []
        return (master.best if found else nothing) + idle_price(self.day), found

    def laid(self, columns: Sequence[Column], *, loose: bool = False) -> int | None:
        """Price of routes as a plan, None when they cannot be kept."""
        routes = self.run.laid(placed(self.day, columns), bounds_of(self.day, columns, loose=loose))
        if not ties_hold(self.day, routes.links):
            return None
        missed = self.left_out[routes.links[: self.day.visits, DRIVER] < 0]
        price = int(routes.tours[:, PRICE].sum() + missed.sum())
        return price if price < 1 << 49 else None

    def cheapest(self) -> int:
        """Price of the cheapest choice, by laying every one."""
        routes = routes_of(self.columns)
        return min(filter(None, (self.laid(choice) for choice in choices(routes))))


def some_of(columns: Columns, rng: random.Random) -> Columns:
    """A few routes of a pool."""
    count = columns.kind.size
    chosen = sorted(rng.sample(range(count), min(ROUTES, count)))
    first = np.cumsum(columns.size) - columns.size
    stops = np.concatenate([np.arange(first[n], first[n] + columns.size[n]) for n in chosen])
    return Columns(
        columns.kind[chosen],
        columns.price[chosen],
        columns.size[chosen],
        columns.stops[stops],
        columns.starts[stops] if columns.starts.size else columns.starts,
        columns.aside[chosen],
    )


def routes_of(columns: Columns) -> list[Column]:
    """Routes of a table one by one."""
    found, first = [], 0
    for number, size in enumerate(columns.size.tolist()):
        span = slice(first, first + size)
        starts = tuple(columns.starts[span].tolist())
        visits = tuple(columns.stops[span].tolist())
        found.append(Column(int(columns.kind[number]), int(columns.price[number]), visits, starts))
        first += size
    return found


def choices(routes: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    """Every choice of routes with no technician and no visit twice."""
    if not routes:
        yield ()
        return
    for rest in choices(routes[1:]):
        yield rest
        taken = {visit for route in rest for visit in route.visits}
        if taken.isdisjoint(routes[0].visits) and all(route.kind != routes[0].kind for route in rest):
            yield (routes[0], *rest)


@pytest.mark.parametrize("kind", KINDS)
def test_the_master_chooses_as_well_as_trying_every_choice(kind: str) -> None:
    for seed in range(4):
        case = Case(kind, seed)
        price, chosen = case.chosen()
        assert price == case.cheapest() == case.laid(chosen)


@pytest.mark.parametrize(("row", "kind"), BITES.items(), ids=BITES)
def test_without_a_kind_of_rows_the_master_chooses_what_cannot_be_kept(
    row: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = tuple(each for each in side_rows.KINDS if each.__name__ != row)
    assert len(kinds) == len(side_rows.KINDS) - 1
    monkeypatch.setattr(side_rows, "KINDS", kinds)
    assert any(cannot_be_kept(Case(kind, seed)) for seed in range(60))


def cannot_be_kept(case: Case) -> bool:
    """Whether the master chooses routes that are another plan when laid."""
    price, found = case.chosen()
    return case.laid(found) != price


def test_a_result_that_cannot_be_kept_is_dropped() -> None:
    """Half a team, whatever it is said to cost."""
    case = Case("teams", 0)
    before = case.run.best_price, case.run.best_orders()
    [half, *_] = [route for route in case.short_routes() if route.visits == (0,)]
    assert not case.run.take_up([half], 0)
    assert (case.run.best_price, case.run.best_orders()) == before


def test_a_result_that_is_dearer_when_laid_is_dropped() -> None:
    case = Case("one hand", 1)
    before = case.run.best_price, case.run.best_orders()
    assert not case.run.take_up([], before[0] - 1)
    assert (case.run.best_price, case.run.best_orders()) == before


def test_the_same_visits_at_other_moments_are_another_route_only_where_visits_are_tied() -> None:
    for kind, routes in (("teams", 2), ("one hand", 1)):
        case = Case(kind, 0)
        pool = new_pool(case.day)
        for begin in ("9:00", "10:00"):
            bounds = case.day.rich.visit[:, (LEAST, MOST)].copy()
            bounds[case.day.rich.visit[:, TIED] > 0] = at(begin)
            collect_all(case.day, case.run.laid([(0, [0])], bounds), pool, 0)
        assert columns_of(pool).kind.size == routes


@pytest.mark.parametrize(("minutes", "days"), [(60, {0}), (200, {0, 1})])
def test_the_choice_of_routes_is_the_choice_of_day(minutes: int, days: set[int]) -> None:
    """Two visits go on the first day together, or one of them on the next day when they are too long."""
    plain = a_technician("ada", shift=Window(at("8:00"), at("14:00")), person="ada")
    later = Window(plain.shift.start + 24 * HOUR, plain.shift.end + 24 * HOUR)
    crew = (replace(plain, id="ada.0"), replace(plain, id="ada.1", shift=later))
    problem = a_day(*(a_visit(place, duration=minutes * MINUTE) for place in (1, 2)), technicians=crew)
    day = day_of(problem)
    run = Run(day, Budget(solutions=1), 0, lambda *_: None, lambda: False)
    pool = new_pool(day)
    for orders in ([(0, [0])], [(1, [1])], [(0, [1])], [(1, [0])], [(0, [0, 1])]):
        laid = run.laid(orders)
        if laid.tours[:, PRICE].max() < IMPOSSIBLE:
            collect_all(day, laid, pool, 0)
    found = Master(day, columns_of(pool), [], 1 << 40, 5.0).combined()
    assert {column.kind for column in found or ()} == days


def searched(problem: Problem, *, rounds: int) -> Run:
    """A search after so many iterations, without the master."""
    run = Run(day_of(problem), Budget(solutions=max(1, rounds)), 3, lambda *_: None, lambda: False)
    run.begin(())
    run.search() if rounds else None
    return run


def solved(problem: Problem, budget: Budget) -> Result:
    """The engine's result, in which nothing is wrong."""
    assert errors_in(problem) == []
    result = solve(problem, budget, seed=1, engine="ruin")
    assert list(wrong_with(problem, result)) == []
    return result


@pytest.mark.parametrize("kind", POSSIBLE)
def test_plans_keep_all_rules_when_the_master_has_had_its_turns(kind: str) -> None:
    problem = side_day(kind, 0, visits=21, people=4)
    result = solved(problem, Budget(solutions=running.LEAST_ROUNDS))
    assert result.stats["engine"] == "ruin"


def test_with_the_master_the_same_seed_gives_the_same_plan() -> None:
    problem = side_day("next day", 1, visits=28, people=5)
    first, second = (solved(problem, Budget(solutions=running.LEAST_ROUNDS)) for _ in range(2))
    assert first.plan == second.plan
    assert int(first.stats["combinations"]) > 0


@pytest.mark.parametrize("kind", POSSIBLE)
def test_a_better_plan_is_made_of_the_routes_of_another_search_and_costs_what_the_master_says(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = side_day(kind, 0, visits=21, people=4)
    other = searched(problem, rounds=600)
    said: list[int] = []
    take_up = Run.take_up

    def told(run: Run, found: Sequence[Column], price: int) -> bool:
        said.append(price)
        return take_up(run, found, price)

    monkeypatch.setattr(Run, "take_up", told)
    run = searched(problem, rounds=0)
    greedy = run.best_price
    run.cooling, run.turns = replace(run.cooling, combined_at=[0.0]), 1
    run.combine([columns_of(other.pool)])
    assert [run.best_price] == said
    assert other.best_price <= run.best_price < greedy
    assert run.best_price == run.memory.numbers[memory.TOTAL]
    held = states.bounded(problem, run.day, run.memory.best)
    plan = retimed(held, sequences_of(problem, run.best_orders()))
    assert check(problem, plan) == []
    assert sum(cost(problem, plan).values()) == run.best_price


@pytest.mark.parametrize("seed", range(4))
def test_rich_days_are_kept_and_priced_when_the_master_has_its_turn(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LEAST_ROUNDS", 600)
    turns: list[int] = []
    combine = Run.combine

    def counted(run: Run, heard: Sequence[Columns] = ()) -> None:
        turns.append(run.best_price)
        combine(run, heard)

    monkeypatch.setattr(Run, "combine", counted)
    day = replace(rich_day(seed, visits=24, technicians=6), traffic=None)
    day = day.with_locks(lock for lock in day.locks if lock.sequence is None or lock.is_begun)
    solved(day, Budget(solutions=800))
    assert turns


def test_routes_of_another_process_are_combined_with_their_moments() -> None:
    result = solved(
        side_day("teams", 1, visits=21, people=4), Budget(solutions=running.LEAST_ROUNDS, processes=2)
    )
    assert result.stats["processes"] == 2
