"""Quotes on days beyond plain routes: every offer can be taken, costs what it says, and none is missed."""

from dataclasses import replace

import pytest

from optimizer import Plan, Problem, Visit, Window, check, cost, insert, quote, refusals
from optimizer.features import is_tied
from optimizer.insertion import fill
from optimizer.problem import After
from optimizer.trials import Trials
from tests.optimizer.random_days import random_day
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.test_oracle import enumerated
from tests.optimizer.world import HOUR, a_day, a_plan, a_technician, a_visit, at, codes, window

WINDOWS = tuple(Window(at("8:00") + i * HOUR, at("8:00") + (i + 2) * HOUR) for i in range(0, 8, 2))


def asked_about(seed: int) -> tuple[Problem, Plan, Visit]:
    """A rich day, its plan, and one more visit."""
    problem = rich_day(seed, visits=7, technicians=2, kind=KINDS[seed % 2])
    wanted = random_day(seed + 1_000, visits=8, technicians=2).visits[0]
    return problem, fill(problem, {}), replace(wanted, id="new", location=3, windows=(), setup=seed % 3 * 300)


@pytest.mark.parametrize("seed", range(40))
def test_every_offer_can_be_taken_at_its_price(seed: int) -> None:
    problem, plan, visit = asked_about(seed)
    assert check(problem, plan) == []
    for offer in quote(problem, plan, visit, WINDOWS, each_technician=True):
        taken = insert(problem, plan, offer, visit)
        wider = problem.with_visit(replace(visit, windows=(offer.window,)))
        assert check(wider, taken) == []
        assert sum(cost(wider, taken).values()) - sum(cost(problem, plan).values()) == offer.extra_cost


@pytest.mark.parametrize("seed", range(40))
def test_no_offer_is_missed_where_visits_stand_alone(seed: int) -> None:
    problem, plan, visit = asked_about(seed)
    if any(map(is_tied, problem.visits)):
        problem = replace(problem, visits=tuple(v for v in problem.visits if not is_tied(v)))
        problem = problem.with_locks(k for k in problem.locks if problem.visit(k.visit_id) is not None)
        if any(lock.is_begun for lock in problem.locks):
            problem = problem.with_locks(())
        plan = fill(problem, {})
    offers = quote(problem, plan, visit, WINDOWS)
    assert {offer.window: offer.extra_cost for offer in offers} == enumerated(problem, plan, visit, WINDOWS)


def test_a_partner_of_a_team_is_offered_the_moment_of_the_others() -> None:
    lift = (a_visit(1, id="one", team="lift"), a_visit(1, id="two", team="lift"))
    day = a_day(*lift, a_visit(2))
    plan = a_plan(day, ada="v2 one")
    [offer] = quote(day, plan, lift[1], (Window(at("8:00"), at("16:00")),))
    assert (offer.technician_id, offer.start) == ("ben", plan.routes[0].stops[1].start)
    assert codes(day, insert(day, plan, offer, lift[1])) == set()


def test_who_serves_the_partner_is_refused_by_the_team() -> None:
    lift = (a_visit(1, id="one", team="lift"), a_visit(1, id="two", team="lift"))
    day = a_day(*lift)
    found = refusals(day, a_plan(day, ada="one"), lift[1], (window("8:00", "16:00"),))
    assert [(refusal.technician_id, refusal.code) for refusal in found] == [("ada", "TEAM")]


def test_a_visit_is_offered_after_the_one_it_waits_for() -> None:
    late = a_visit(2, id="late", after=(After("v1", HOUR),))
    day = a_day(a_visit(1), late, technicians=(a_technician("ada"),))
    plan = a_plan(day, ada="v1")
    [offer] = quote(day, plan, late, (window("8:00", "16:00"),))
    assert offer.start == plan.routes[0].stops[0].end + HOUR
    assert quote(day, Plan((), plan.unserved), late, (window("8:00", "16:00"),)) == []


def test_what_others_depend_on_keeps_its_time() -> None:
    day = a_day(a_visit(1), a_visit(2, after=(After("v1"),)), a_visit(3))
    trials = Trials(day, a_plan(day, ada="v1 v2 v3").routes)
    assert set(trials.fixed()) == {"v1", "v2"}
