"""Reasons found by arrays, once for visits alike, are those found by asking for each visit anew."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.days import field_day
from optimizer import Lock, Plan, Problem, Window
from optimizer.explain import explained
from optimizer.features import features
from optimizer.insertion import fill
from optimizer.plan import Unserved
from optimizer.reasons import blocking_rule
from optimizer.suited import Suited
from tests.optimizer.explained_by_hand import reason_of
from tests.optimizer.random_days import random_day
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR

PLAIN = ("plain", "crowded")
SEEDS = range(16)
CODES = {
    "ARRIVAL_WINDOW", "CAPACITY", "CERTIFICATE", "EXCLUDED_TECHNICIAN", "LOCK", "LONGEST_WAY", "NOT_WORTH",
    "PARTS", "PRECEDENCE", "REQUIRED_TECHNICIAN", "SAME_TECHNICIAN", "SHIFT", "SKILL", "TEAM", "TERRITORY",
}  # fmt: skip


def a_day_of(kind: str, seed: int) -> Problem:
    """A generated day of a kind on which there is room for few visits."""
    if kind == "plain":
        return random_day(seed, visits=22, technicians=3)
    if kind == "crowded":
        day = field_day(seed, 40, 4)
        return replace(
            day,
            visits=tuple(
                replace(v, duration=2 * v.duration, windows=v.windows[: seed % 2]) for v in day.visits
            ),
        )
    return rich_day(seed, kind=kind, visits=22, technicians=5)


def changed(problem: Problem, plan: Plan, seed: int) -> tuple[Problem, Plan]:
    """Another plan for the day: routes are gone, a shift is short, visits are given to somebody absent."""
    rng = random.Random(seed)
    if seed % 3 == 0:
        kept = [r for r in plan.routes if rng.random() < 0.6 or problem.begun_by(r.technician_id)]
        served = {stop.visit_id for route in kept for stop in route.stops}
        plan = Plan(tuple(kept), tuple(Unserved(v.id, "") for v in problem.visits if v.id not in served))
    left = [entry.visit_id for entry in plan.unserved if problem.lock(entry.visit_id) is None]
    if seed % 3 == 1 and len(left) > 2:
        wanted = problem.visit(left[1])
        assert wanted is not None
        problem = problem.with_visit(replace(wanted, required_technician="nobody"))
        locks = Lock(left[0], "nobody"), Lock(left[2], start=10 * HOUR)
        problem = problem.with_locks((*problem.locks, *locks))
    if seed % 4 == 2 and not features(problem):
        first, *others = problem.technicians
        shorter = Window(first.shift.start, max(first.shift.start, first.shift.end - 2 * HOUR))
        problem = replace(problem, technicians=(replace(first, shift=shorter, overtime=0), *others))
    return problem, plan


def planned(kind: str, seed: int) -> tuple[Problem, Plan]:
    """A day and a plan that leaves visits out."""
    problem = a_day_of(kind, seed)
    return changed(problem, fill(problem, {}), seed)


@pytest.mark.parametrize("kind", [*PLAIN, *KINDS])
@pytest.mark.parametrize("seed", SEEDS)
def test_reasons_are_those_found_by_hand(kind: str, seed: int) -> None:
    problem, plan = planned(kind, seed)
    for left in explained(problem, plan).unserved:
        visit = problem.visit(left.visit_id)
        assert visit is not None
        assert left == reason_of(problem, plan, visit)


def test_every_reason_comes_up_on_these_days() -> None:
    days = [planned(kind, seed) for kind in (*PLAIN, *KINDS) for seed in SEEDS]
    found = Counter(left.reason for day, plan in days for left in explained(day, plan).unserved)
    assert set(found) == CODES


@pytest.mark.parametrize("kind", [*PLAIN, *KINDS])
def test_what_keeps_everybody_from_a_visit_is_asked_for_visits_alike_at_once(kind: str) -> None:
    for seed in SEEDS:
        problem = a_day_of(kind, seed)
        suited = Suited(problem)
        for visit in problem.visits:
            assert suited.blocking(visit) == blocking_rule(problem, visit)
