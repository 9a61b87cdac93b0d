"""The fast engine: no rule broken, priced to the cent, repeatable, never worse than its start."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.days import field_day
from optimizer import Budget, Lock, Plan, Problem, Progress, check, cost, solve
from optimizer.engines import base
from optimizer.engines.ruin import compiling
from optimizer.engines.ruin.arrays import day_of, empty_routes, open_visits, require_covered
from optimizer.engines.ruin.layout import DRIVER, LATE, LEAVE_OUT
from optimizer.engines.ruin.linking import link
from optimizer.engines.ruin.master import Master
from optimizer.engines.ruin.plain import retimed_about
from optimizer.engines.ruin.pool import collect_all, columns_of, new_pool
from optimizer.engines.ruin.removing import fits
from optimizer.engines.ruin.routes import retimed
from optimizer.engines.ruin.uncovered import Uncovered
from optimizer.errors import InfeasibleRoute
from optimizer.insertion import fill
from optimizer.objectives.overtime import route_cents
from optimizer.timing import timetable
from tests.optimizer.random_days import random_day
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, served_by

BIG = random_day(3, visits=40, technicians=6)


def covered_day(seed: int) -> Problem:
    """A random day of 6 to 40 visits without places in routes ahead, which only the other engine keeps."""
    rng = random.Random(seed)
    day = random_day(seed, visits=rng.randrange(6, 41), technicians=rng.randrange(1, 9))
    return day.with_locks(lock for lock in day.locks if lock.sequence is None or lock.is_begun)


def plain_day(seed: int) -> Problem:
    """A random day without breaks and with one window a visit at most, which has loops of its own."""
    day = covered_day(seed)
    crew = tuple(replace(technician, breaks=()) for technician in day.technicians)
    visits = tuple(replace(visit, windows=visit.windows[:1]) for visit in day.visits)
    return replace(day, technicians=crew, visits=visits)


@pytest.mark.parametrize("seed", range(40))
def test_plans_of_plain_days_break_no_rule_and_cost_what_the_checker_says(seed: int) -> None:
    problem = plain_day(seed)
    assert day_of(problem).plain
    result = solve(problem, Budget(solutions=400), seed=seed, engine="ruin")
    assert check(problem, result.plan) == []
    assert result.stats["model_cost"] == result.cost


def test_only_technicians_alike_in_everything_are_of_one_kind() -> None:
    ada = a_technician("ada")
    others = [ada, replace(ada, id="ben"), replace(ada, id="cem", overtime=60), replace(ada, id="dot", end=2)]
    day = a_day(a_visit(1), technicians=tuple(others))
    assert day_of(day).kind.tolist() == [0, 0, 1, 2]
    known = a_day(a_visit(1, previous_technician="ben"), technicians=tuple(others))
    assert len(set(day_of(known).kind.tolist())) == 4


@pytest.mark.parametrize("seed", range(100))
def test_plans_of_random_days_break_no_rule_and_cost_what_the_checker_says(seed: int) -> None:
    problem = covered_day(seed)
    result = solve(problem, Budget(solutions=200), seed=seed, engine="ruin")
    assert result.stats["engine"] == "ruin"
    assert check(problem, result.plan) == []
    assert dict(result.cost_by_term) == cost(problem, result.plan)
    assert result.stats["model_cost"] == result.cost
    assert all(left.reason and left.sentence and left.action for left in result.plan.unserved)


@pytest.mark.parametrize("problem_of", [covered_day, plain_day])
@pytest.mark.parametrize("seed", range(30))
def test_insertions_are_judged_and_timed_as_the_slow_clock_does(
    seed: int, problem_of: Callable[[int], Problem]
) -> None:
    """Stops are added one by one in any order; each verdict is compared with ``timing.timetable``."""
    rng = random.Random(seed)
    problem = problem_of(seed)
    day, visits = day_of(problem), open_visits(problem)
    for who, technician in enumerate(problem.technicians):
        routes = empty_routes(day)
        order: list[int] = []
        for node in rng.sample(range(len(visits)), min(len(visits), 8)):
            at = rng.randrange(len(order) + 1)
            before = order[at - 1] if at else len(visits) + who
            wanted = [*order[:at], node, *order[at:]]
            sequence = (*problem.begun_by(technician.id), *(visits[each] for each in wanted))
            says = fits(day, routes, who, node, before)
            try:
                route = timetable(problem, technician, sequence)
            except InfeasibleRoute:
                assert not says
                continue
            assert says
            order = wanted
            link(routes.links, routes.tours, who, node, before)
            retimed(day, routes, who)
            assert route.stops[-1].end in routes.times[order[-1], : day.limits.shape[1]]
            assert routes.tours[who, LATE] == route_cents(problem.policy, technician, route.return_time)


@pytest.mark.parametrize("seed", range(20))
def test_a_plain_route_is_timed_about_an_insertion_as_it_is_anew(seed: int) -> None:
    rng = random.Random(seed)
    day = day_of(plain_day(seed))
    routes = empty_routes(day)
    for node in rng.sample(range(day.visits), day.visits):
        who = rng.randrange(day.people)
        before = rng.choice([day.visits + who, *np.flatnonzero(routes.links[: day.visits, DRIVER] == who)])
        if not fits(day, routes, who, node, before):
            continue
        link(routes.links, routes.tours, who, node, before)
        retimed_about(day, routes, who, node)
        about = [array.copy() for array in routes]
        retimed(day, routes, who)
        assert all((one == other).all() for one, other in zip(about, routes, strict=True))


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    first, second = (solve(BIG, Budget(solutions=300), seed=7, engine="ruin") for _ in range(2))
    assert first.plan == second.plan
    others = [solve(BIG, Budget(solutions=300), seed=seed, engine="ruin") for seed in range(8, 14)]
    assert len({other.stats["accepted"] for other in others}) > 1  # another seed is another search


def test_the_engine_improves_on_insertion_and_on_the_reference_engine() -> None:
    fast = solve(BIG, Budget(solutions=2_000), engine="ruin").cost
    assert fast < sum(cost(BIG, fill(BIG, {})).values())
    assert fast <= solve(BIG, Budget(solutions=60), engine="routing").cost


@pytest.mark.parametrize("seed", range(6))
def test_the_result_is_never_dearer_than_a_valid_start(seed: int) -> None:
    problem = random_day(seed, visits=20, technicians=4)
    start = solve(problem, Budget(solutions=500), seed=1, engine="routing").plan
    again = solve(problem, Budget(solutions=1), start=start, engine="ruin")
    assert again.cost <= sum(cost(problem, start).values())


def test_a_start_that_no_longer_holds_is_mended() -> None:
    day = a_day()
    start = a_plan(day, ada="v1 v2", ben="v3 v4")
    excluded = a_visit(1, id="v9", excluded_technicians=frozenset({"ada"}))
    changed = replace(day, visits=(*day.visits[1:], excluded))
    result = solve(changed, Budget(solutions=5), start=start, engine="ruin")
    assert check(changed, result.plan) == []
    assert sorted(served_by(result.plan)) == ["v2", "v3", "v4", "v9"]


def test_a_locked_visit_stays_with_its_technician_at_its_time() -> None:
    day = a_day()
    for locked in (Lock("v2", "ben"), Lock("v2", start=36_000), Lock("v2", "ben", start=36_000)):
        result = solve(day.with_locks([locked]), Budget(solutions=200), engine="ruin")
        [(technician, start)] = [
            (route.technician_id, stop.start)
            for route in result.plan.routes
            for stop in route.stops
            if stop.visit_id == "v2"
        ]
        assert locked.technician_id in {None, technician}
        assert locked.start in {None, start}


def test_a_place_further_back_in_a_route_is_left_to_the_reference_engine_and_said() -> None:
    day = a_day().with_locks([Lock("v2", "ben", sequence=1)])
    with pytest.raises(Uncovered, match="v2"):
        require_covered(day)
    result = solve(day, Budget(solutions=20), engine="ruin")
    assert (result.stats["engine"], result.stats["instead_of"]) == ("routing", "ruin")
    assert "v2 is locked to a place" in str(result.stats["because"])
    assert check(day, result.plan) == []


def test_days_without_visits_or_technicians_have_a_plan() -> None:
    assert solve(replace(a_day(), visits=()), Budget(solutions=5), engine="ruin").plan == Plan()
    alone = solve(a_day(a_visit(1), technicians=()), Budget(solutions=5), engine="ruin")
    assert [left.reason for left in alone.plan.unserved] == ["NO_TECHNICIAN"]


def test_without_numba_the_reference_engine_answers_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "find_spec", lambda _name: None)
    result = solve(a_day(), Budget(solutions=5), engine="ruin")
    assert (result.stats["engine"], result.stats["instead_of"]) == ("routing", "ruin")


def test_cancelling_returns_the_best_so_far_at_once() -> None:
    base.warm_up("ruin")
    seen: list[float] = []

    def cancel() -> bool:
        seen.append(time.monotonic())
        return len(seen) > 10

    result = solve(BIG, Budget(seconds=60), cancel=cancel, engine="ruin")
    assert len(seen) == 11
    assert check(BIG, result.plan) == []


@pytest.mark.parametrize(
    ("problem", "solutions"),
    [(BIG, 6_000), (field_day(1, 1_000, 125), 200)],
    ids=["with the master", "while a thousand visits are put in"],
)
def test_cancellation_is_asked_for_every_tenth_of_a_second(problem: Problem, solutions: int) -> None:
    """Also between the last answer and the result; counted in processor time, as other work may disturb."""
    base.warm_up("ruin")
    asked = [time.process_time()]

    def cancel() -> bool:
        asked.append(time.process_time())
        return False

    solve_with = base.engine("ruin").solve
    result = solve_with(problem, budget=Budget(solutions=solutions), cancel=cancel)
    asked.append(time.process_time())
    assert result.stats["solutions"] >= solutions
    assert max(later - earlier for earlier, later in pairwise(asked)) < 0.1


def test_progress_tells_ever_cheaper_plans() -> None:
    seen: list[Progress] = []
    solve(BIG, Budget(solutions=2_000), on_progress=seen.append, engine="ruin")
    assert len(seen) > 1
    assert [p.cost for p in seen] == sorted((p.cost for p in seen), reverse=True)


def test_a_published_visit_keeps_its_technician_when_the_change_costs_more() -> None:
    visits = tuple(a_visit(place, previous_technician="ben") for place in (1, 2, 3, 4))
    result = solve(a_day(*visits), Budget(solutions=200), engine="ruin")
    assert set(served_by(result.plan).values()) == {"ben"}
    gone = a_day(*visits, technicians=(a_technician("ada"),))
    assert solve(gone, Budget(solutions=200), engine="ruin").cost_by_term["stability"] == 4 * 2_000


def test_loops_compiled_from_other_sources_are_thrown_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "loop.py").write_text("one")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    compiling.forget_outdated()
    stored = tmp_path / "__pycache__" / "loop.nbi"
    stored.write_text("compiled")
    compiling.forget_outdated()
    assert stored.exists()
    (tmp_path / "loop.py").write_text("two")
    compiling.forget_outdated()
    assert not stored.exists()


def test_the_master_combines_routes_of_different_plans() -> None:
    """Of two plans each with one good and one bad route the two good ones are put together."""
    visits = tuple(a_visit(place) for place in (1, 2, 3, 4))
    problem = a_day(*visits)
    day = day_of(problem)
    pool = new_pool(day)
    for orders in (((0,), (1, 2, 3)), ((0, 1, 2, 3), ()), ((), (0, 1, 2, 3)), ((0, 1), (2, 3))):
        routes = empty_routes(day)
        for who, order in enumerate(orders):
            before = day.visits + who
            for node in order:
                link(routes.links, routes.tours, who, node, before)
                before = node
            retimed(day, routes, who)
        collect_all(day, routes, pool, 0)
    worst = int(day.nodes[:4, LEAVE_OUT].sum())
    found = Master(day, columns_of(pool), [], worst, 1.0).combined()
    assert found is not None
    assert sorted(node for column in found for node in column.visits) == [0, 1, 2, 3]
    cheapest = sum(column.price for column in found)
    assert cheapest == solve(problem, Budget(solutions=200), engine="ruin").cost
    assert Master(day, columns_of(pool), found, cheapest, 1.0).combined() is None
    stopped = Master(day, columns_of(pool), [], worst, 1.0)
    stopped.stop()
    assert stopped.combined() is None


def test_a_long_search_uses_the_master_and_stays_repeatable() -> None:
    first, second = (solve(BIG, Budget(solutions=6_000), seed=3, engine="ruin") for _ in range(2))
    assert first.plan == second.plan
    assert check(BIG, first.plan) == []
    assert first.stats["model_cost"] == first.cost
