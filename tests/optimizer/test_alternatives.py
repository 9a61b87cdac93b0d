"""Who else could serve a visit, what stands in the way, and how two plans differ."""

from dataclasses import replace

import pytest

from optimizer import Budget, Window, cost, solve
from optimizer.alternatives import choices
from optimizer.compare import Place, compare
from optimizer.errors import UnknownSubject
from optimizer.loosening import relaxations
from tests.optimizer.random_days import random_day
from tests.optimizer.world import HOUR, MINUTE, a_day, a_plan, a_technician, a_visit, window


def test_each_choice_costs_what_the_plan_with_it_costs_more() -> None:
    day = a_day()
    plan = a_plan(day, ada="v1 v2", ben="v3 v4")
    without = cost(replace(day, visits=day.visits[1:]), a_plan(day, ada="v2", ben="v3 v4"))
    able, refused = choices(day, plan, "v1")
    assert {choice.technician_id for choice in able} == {"ada", "ben"}
    assert refused == []
    for choice in able:
        routes = {"ada": "v2", "ben": "v3 v4"}
        routes[choice.technician_id] = f"v1 {routes[choice.technician_id]}"
        total = sum(cost(day, a_plan(day, **routes)).values())
        assert choice.extra_cost <= total - sum(without.values())
    assert able[0].extra_cost <= able[-1].extra_cost


def test_who_cannot_go_is_told_why() -> None:
    day = a_day(a_visit(1, excluded_technicians=frozenset({"ben"})))
    able, refused = choices(day, a_plan(day, ada="v1"), "v1")
    assert [choice.technician_id for choice in able] == ["ada"]
    assert [(refusal.technician_id, refusal.code) for refusal in refused] == [("ben", "EXCLUDED_TECHNICIAN")]


def test_the_rule_that_stands_in_the_way_is_found_by_loosening_it() -> None:
    day = a_day(a_visit(1, skills={"gas": 2}))
    assert [found.rule for found in relaxations(day, a_plan(day), "v1")] == ["SKILL"]
    late = a_day(a_visit(1, windows=(Window(0, 60),)))
    assert [found.rule for found in relaxations(late, a_plan(late), "v1")] == ["ARRIVAL_WINDOW"]


def test_where_no_rule_alone_is_in_the_way_pairs_of_rules_are_loosened() -> None:
    both = a_day(a_visit(1, skills={"gas": 2}, windows=(Window(0, 60),)))
    assert [found.rule for found in relaxations(both, a_plan(both), "v1")] == ["ARRIVAL_WINDOW+SKILL"]
    three = a_day(a_visit(1, skills={"gas": 2}, windows=(Window(0, 60),), certificates=frozenset({"lift"})))
    assert relaxations(three, a_plan(three), "v1") == []


def test_time_is_loosened_by_no_more_than_is_needed() -> None:
    """From 8:00 the way to place 4 takes 40 minutes; the window closes at 8:20."""
    day = a_day(a_visit(4, windows=(window("8:10", "8:20"),)), technicians=(a_technician("ada"),))
    [found] = relaxations(day, a_plan(day), "v4")
    assert (found.rule, found.needed) == ("ARRIVAL_WINDOW", 20 * MINUTE)
    long = a_day(a_visit(4, duration=7 * HOUR), technicians=(a_technician("ada"),))
    needed = {found.rule: found.needed for found in relaxations(long, a_plan(long), "v4")}
    assert needed["SHIFT"] == 20 * MINUTE
    once = replace(long, technicians=(a_technician("ada", overtime=20 * MINUTE),))
    assert choices(once, a_plan(once), "v4")[0]
    short = replace(long, technicians=(a_technician("ada", overtime=19 * MINUTE),))
    assert not choices(short, a_plan(short), "v4")[0]


def test_the_cheapest_choices_are_priced_term_by_term() -> None:
    """The terms of a choice add up to its price."""
    day = a_day(a_visit(1, preferred_technicians=frozenset({"ben"})), a_visit(2), a_visit(3))
    able, _ = choices(day, a_plan(day, ada="v1 v2", ben="v3"), "v1")
    assert {choice.technician_id for choice in able} == {"ada", "ben"}
    for choice in able:
        assert sum(choice.by_term.values()) == choice.extra_cost
    assert "preference" in {name for choice in able for name in choice.by_term}


def test_loosened_rules_come_cheapest_first() -> None:
    found = [
        relaxations(problem, result.plan, left.visit_id)
        for seed in range(6)
        for problem in [random_day(seed, visits=30, technicians=3)]
        for result in [solve(problem, Budget(solutions=200), seed=seed)]
        for left in result.plan.unserved
    ]
    assert any(found)
    for each in found:
        assert [item.extra_cost for item in each] == sorted(item.extra_cost for item in each)


def test_a_visit_that_is_served_dearly_says_which_rule_would_save() -> None:
    """Ada passes on her way to place 3; the skill sends Ben from the depot, 80 minutes and 40 km."""
    ben = a_technician("ben", skills={"gas": 1})
    day = a_day(a_visit(3), a_visit(4, skills={"gas": 1}), technicians=(a_technician("ada"), ben))
    plan = a_plan(day, ada="v3", ben="v4")
    [found] = relaxations(day, plan, "v4")
    assert (found.rule, found.technician_id, found.needed) == ("SKILL", "ada", None)
    free = day.with_visit(a_visit(4))
    assert found.extra_cost == choices(free, plan, "v4")[0][0].extra_cost
    assert found.saved == choices(day, plan, "v4")[0][0].extra_cost - found.extra_cost
    assert found.saved == 60 * 50 + 30 * 30


def test_a_dear_window_says_by_how_much_it_is_too_narrow() -> None:
    """Ada is at place 4 until 9:10 and passes place 3, which closes at 8:35, at 9:20 without a detour."""
    day = a_day(a_visit(4, windows=(window("8:40", "8:50"),)), a_visit(3, windows=(window("8:30", "8:35"),)))
    plan = a_plan(day, ada="v4", ben="v3")
    [found] = relaxations(day, plan, "v3")
    assert (found.rule, found.technician_id, found.needed) == ("ARRIVAL_WINDOW", "ada", 45 * MINUTE)
    assert (found.extra_cost, found.saved) == (0, 60 * 50 + 30 * 30)
    early = day.with_visit(a_visit(3, windows=(window("7:46", "9:19"),)))
    assert choices(early, plan, "v3")[0][0].technician_id == "ben"


def test_a_small_saving_is_not_worth_asking_anybody() -> None:
    """Whoever is overqualified by two levels costs 2.00, ten minutes on the road 5.00."""
    day = a_day(a_visit(1, skills={"gas": 1}), technicians=(a_technician("ada", skills={"gas": 3}),))
    assert choices(day, a_plan(day), "v1")[0][0].by_term["preference"] == 200
    assert relaxations(day, a_plan(day), "v1") == []


def test_savings_of_generated_days_are_savings() -> None:
    """Each costs less by a tenth and ten minutes, and the day with the rule loosened has that place."""
    told = 0
    for seed in range(4):
        day = random_day(seed, visits=30, technicians=4)
        plan = solve(day, Budget(solutions=200), seed=seed).plan
        served = sorted(stop.visit_id for route in plan.routes for stop in route.stops)
        for visit_id in [each for each in served if not day.is_begun(each)][:10]:
            now = choices(day, plan, visit_id)[0][0].extra_cost
            for found in relaxations(day, plan, visit_id):
                told += 1
                assert found.saved == now - found.extra_cost
                assert found.saved >= max(day.policy.travel_cents_per_hour // 6, now // 10, 1)
                if found.rule == "SKILL":
                    visit = day.visit(visit_id)
                    assert visit is not None
                    free = day.with_visit(replace(visit, skills={}))
                    assert found.extra_cost == choices(free, plan, visit_id)[0][0].extra_cost
    assert told


def test_a_visit_the_problem_does_not_hold_is_named() -> None:
    day = a_day()
    with pytest.raises(UnknownSubject, match="nobody"):
        choices(day, a_plan(day), "nobody")


def test_two_plans_side_by_side() -> None:
    day = a_day(technicians=(a_technician("ada"), a_technician("ben")))
    first = a_plan(day, ada="v1 v2", ben="v3")
    second = a_plan(day, ada="v1", ben="v2 v3 v4")
    found = compare(day, first, second)
    assert (found.before, found.after) == (cost(day, first), cost(day, second))
    assert found.saved == sum(cost(day, first).values()) - sum(cost(day, second).values())
    moved = {move.visit_id: move for move in found.moves}
    assert "v1" not in moved
    assert moved["v2"].changes_technician
    assert moved["v4"].before is None
    assert isinstance(moved["v4"].after, Place)
    assert compare(day, first, first).moves == ()
