"""Every visit left out carries a reason, a sentence and what can be done."""

from dataclasses import replace

from optimizer import Policy
from optimizer.explain import CAPACITY, NOT_WORTH, explained
from optimizer.schedule import retimed
from tests.optimizer.world import a_day, a_technician, a_visit, reasons, solved, window


def test_the_reason_is_the_rule_after_which_nobody_is_left() -> None:
    ada = a_technician("ada", skills={"gas": 1})
    ben = a_technician("ben")
    visit = a_visit(1, skills={"gas": 1}, excluded_technicians=frozenset({"ada"}))
    left = solved(a_day(visit, technicians=(ada, ben))).unserved[0]
    assert left.reason == "EXCLUDED_TECHNICIAN"
    assert left.sentence == "of the technicians otherwise suitable: Ada is excluded from visit v1"
    assert "supervisor" in left.action


def test_a_full_day_is_capacity_and_names_those_who_could_come() -> None:
    ada = a_technician("ada", shift=window("8:00", "9:00"))
    day = a_day(a_visit(1), a_visit(1, id="other"), technicians=(ada,))
    left = solved(day).unserved[0]
    assert left.reason == CAPACITY
    assert "Ada" in left.sentence


def test_a_visit_worth_less_than_the_way_to_it_says_so() -> None:
    cheap = Policy(unserved_cents_by_priority=(1, 1, 1, 1, 1))
    day = a_day(a_visit(4), policy=cheap)
    assert reasons(solved(day)) == {"v4": NOT_WORTH}


def test_many_technicians_make_a_short_sentence() -> None:
    crew = tuple(a_technician(f"t{i}") for i in range(30))
    left = solved(a_day(a_visit(1, skills={"gas": 1}), technicians=crew)).unserved[0]
    assert left.sentence.endswith("; and 27 more")


def test_explaining_leaves_a_full_plan_alone() -> None:
    day = a_day()
    plan = solved(day)
    assert explained(day, plan) is plan
    assert len(explained(day, replace(retimed(day, {}))).unserved) == 4
