"""Quotes on rich days: the compiled loops make the offers of plain Python, to the cent and the second."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from optimizer import Budget, Plan, Problem, Visit, Window, check, solve
from optimizer.booking import PlainOracle, open_oracle
from optimizer.engines.ruin.rich_booking import RichOracle
from optimizer.features import BY_ONE_ROUTE, features
from optimizer.planned import as_planned
from optimizer.problem import After
from optimizer.validate import errors_in
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR, a_day, a_plan, served_by

WINDOWS = [Window(h * HOUR, (h + wide) * HOUR) for h in range(6, 18, 3) for wide in (0, 1, 4)]


def a_loose_day(seed: int, kind: str, *, visits: int = 14) -> Problem:
    """A rich day on which no route depends on another; every second one with travel by hour."""
    day = rich_day(seed, kind=kind, visits=visits, technicians=4)
    free = {"team": None, "after": (), "same_technician": None, "team_skills": {}}
    alone = tuple(replace(v, **free, lead_certificates=frozenset()) for v in day.visits)  # type: ignore[arg-type]
    crew = tuple(replace(technician, person=None) for technician in day.technicians)
    traffic = day.traffic if seed % 2 else None
    loose = replace(day, visits=alone, technicians=crew, depots=(), traffic=traffic)
    return loose.with_locks(lock for lock in day.locks if lock.sequence is None or lock.is_begun)


def asked_days(seeds: range, *, each: int = len(KINDS)) -> Iterator[tuple[Problem, Plan, list[Visit]]]:
    """Days with a plan, ``each`` kinds of every seed by turns, and visits that they lack."""
    for seed in seeds:
        for number in range(each):
            kind = KINDS[(seed // 2 + number) % len(KINDS)]
            day = a_loose_day(seed, kind)
            if errors_in(day):
                continue
            open_ = [visit for visit in day.visits if not day.is_begun(visit.id)]
            asked = random.Random(seed).sample(open_, min(3, len(open_)))
            names = {visit.id for visit in asked}
            rest = replace(day, visits=tuple(visit for visit in day.visits if visit.id not in names))
            rest = as_planned(rest.with_locks(lock for lock in day.locks if lock.visit_id not in names))
            yield rest, solve(rest, Budget(solutions=100), seed=seed, engine="ruin").plan, asked


@pytest.mark.slow
def test_rich_days_are_quoted_as_in_plain_python() -> None:
    """Price, technician, place, arrival, start and slack of every offer, for visits on the plan as well."""
    used: Counter[str] = Counter()
    offers = planned = 0
    for problem, plan, asked in asked_days(range(24), each=1):
        desk, plain = open_oracle(problem, plan), PlainOracle(problem, plan)
        assert isinstance(desk, RichOracle) == bool(features(problem))
        used.update(features(problem))
        served = [visit for visit in problem.visits if visit.id in served_by(plan)]
        own = [visit for visit in served if not problem.is_begun(visit.id)][:1]
        planned += len(own)
        for visit in (*asked[:2], *own):
            for each in (False, True):
                found = desk.quote(visit, WINDOWS, each_technician=each)
                assert found == plain.quote(visit, WINDOWS, each_technician=each)
                offers += len(found)
    assert offers > 400
    assert planned > 12
    assert set(used) == BY_ONE_ROUTE


def test_an_offer_on_a_rich_day_is_taken_and_the_day_asked_on() -> None:
    """The arrays follow what is committed."""
    taken = 0
    for problem, plan, asked in asked_days(range(3)):
        desk = open_oracle(problem, plan)
        for visit in asked:
            found = desk.copy().quote(visit, WINDOWS)
            assert found == desk.quote(visit, WINDOWS)
            if found:
                after = desk.commit(found[0])
                assert check(desk.problem, after) == []
                taken += 1
            plain = PlainOracle(desk.problem, desk.plan)
            other = replace(visit, id="other", announced=None)
            assert desk.quote(other, WINDOWS) == plain.quote(other, WINDOWS)
    assert taken > 5


def test_days_on_which_visits_depend_on_one_another_are_asked_in_plain_python() -> None:
    first, *others = a_day().visits
    tied = replace(a_day(), visits=(first, replace(others[0], after=(After(first.id),)), *others[1:]))
    assert isinstance(open_oracle(tied, Plan()), PlainOracle)


def test_a_plan_that_no_longer_says_what_is_driven_is_asked_in_plain_python() -> None:
    """What an insertion adds is counted from what the plan states: an old hour, an overdrawn van."""
    first, *others = a_day().visits
    needy = replace(first, setup=600, parts={"pump": 1})
    crew = tuple(replace(technician, stock={"pump": 1}) for technician in a_day().technicians)
    problem = replace(a_day(), visits=(needy, *others), technicians=crew)
    plan = a_plan(problem, ada="v1 v2")
    assert isinstance(open_oracle(problem, plan), RichOracle)
    (route,) = plan.routes
    old = Plan((replace(route, return_time=17 * HOUR),), plan.unserved)
    empty = replace(problem, technicians=tuple(replace(technician, stock={}) for technician in crew))
    new = replace(others[1], id="new")
    for day, stated in ((problem, old), (empty, plan)):
        desk = open_oracle(day, stated)
        assert isinstance(desk, PlainOracle)
        assert desk.quote(new, WINDOWS) == PlainOracle(day, stated).quote(new, WINDOWS)
