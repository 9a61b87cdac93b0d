"""Reasons that lie in other visits: the team, what comes first, the hand that has the rest."""

from dataclasses import replace

from optimizer import Policy, Problem
from optimizer.loosening import relaxations
from optimizer.plan import Unserved
from optimizer.problem import After
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit, solved, window

LIFT = (a_visit(1, id="one", team="lift"), a_visit(1, id="two", team="lift"))
ALONE = a_day(*LIFT, technicians=(a_technician("ada"),))
MORNING = a_technician("ada", shift=window("8:00", "10:00"))
AFTERNOON = a_technician("ben", shift=window("12:00", "14:00"))


def left_out(problem: Problem) -> dict[str, Unserved]:
    """Visits left out, by name."""
    return {left.visit_id: left for left in solved(problem).unserved}


def test_a_team_with_too_few_people_says_so() -> None:
    found = left_out(ALONE)
    assert {left.reason for left in found.values()} == {"TEAM"}
    assert found["one"].sentence == "its team needs 2 people, 1 work"
    assert found["one"].action


def test_a_team_names_the_member_that_nobody_can_serve() -> None:
    found = left_out(a_day(replace(LIFT[0], skills={"crane": 1}), LIFT[1]))
    assert (found["one"].reason, found["two"].reason) == ("SKILL", "TEAM")
    assert "visit one of its team cannot be served (SKILL)" in found["two"].sentence


def test_a_team_without_its_skill_says_so() -> None:
    found = left_out(a_day(*(replace(visit, team_skills={"crane": 2}) for visit in LIFT)))
    assert found["one"].sentence == "its team lacks crane 2"


def test_a_team_that_never_meets_says_so() -> None:
    found = left_out(a_day(*LIFT, technicians=(MORNING, AFTERNOON)))
    assert found["two"].sentence == "no moment is free for all 2 of its team"


def test_a_team_not_worth_its_way_says_so() -> None:
    cheap = Policy(unserved_cents_by_priority=(1, 1, 1, 1, 1))
    assert {left.reason for left in left_out(a_day(*LIFT, policy=cheap)).values()} == {"NOT_WORTH"}


def test_a_visit_that_waits_for_one_left_out_names_it() -> None:
    first = a_visit(1, skills={"crane": 1})
    found = left_out(a_day(first, a_visit(2, after=(After("v1"),))))
    assert (found["v2"].reason, found["v1"].reason) == ("PRECEDENCE", "SKILL")
    assert found["v2"].sentence == "it waits for v1, which is not served"


def test_a_visit_that_may_begin_too_late_says_when() -> None:
    day = a_day(a_visit(1), a_visit(2, after=(After("v1", 9 * HOUR),)))
    found = left_out(day)
    assert found["v2"].reason == "PRECEDENCE"
    assert found["v2"].sentence == "it may begin at 17:40; nobody has room after that"
    plan = solved(day)
    assert "PRECEDENCE" in {item.rule for item in relaxations(day, plan, "v2")}


def test_a_group_whose_hand_is_full_says_so() -> None:
    first = a_visit(1, same_technician="hand", required_technician="ada", optional=False)
    then = a_visit(2, same_technician="hand", windows=(window("12:30", "13:30"),))
    day = a_day(first, then, technicians=(MORNING, AFTERNOON))
    [left] = left_out(day).values()
    assert (left.visit_id, left.reason) == ("v2", "SAME_TECHNICIAN")
    assert left.sentence == "Ada has the other visits of hand and no room for this one"
    assert "SAME_TECHNICIAN" in {item.rule for item in relaxations(day, solved(day), "v2")}


def test_loosening_the_team_or_the_way_is_offered() -> None:
    assert [item.rule for item in relaxations(ALONE, solved(ALONE), "one")] == ["TEAM"]
    near = a_day(a_visit(4), technicians=(a_technician("ada", longest_way=600),))
    assert [item.rule for item in relaxations(near, solved(near), "v4")] == ["LONGEST_WAY"]
