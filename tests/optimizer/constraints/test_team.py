"""Teams: TEAM, several technicians at one moment (R-501)."""

from dataclasses import replace
from datetime import date

import pytest

from optimizer import Budget, Certificate, Lock, Problem, Technician, check, solve
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, served_by, window

CODE = "TEAM"
LIFT = (a_visit(1, id="lift-1", team="lift"), a_visit(1, id="lift-2", team="lift"))
DAY = a_day(*LIFT, a_visit(3))


def starts(problem: Problem) -> dict[str, int]:
    """Start of each visit that the engine serves, after the checker's approval."""
    plan = solve(problem, Budget(solutions=20), engine="routing").plan
    assert check(problem, plan) == []
    return {stop.visit_id: stop.start for route in plan.routes for stop in route.stops}


def test_checker_wants_all_of_a_team_at_once() -> None:
    """A job for two is done by two, together (R-501)."""
    assert codes(DAY, a_plan(DAY, ada="lift-1", ben="lift-2")) == set()
    assert codes(DAY, a_plan(DAY, ada="lift-1")) == {CODE}
    assert codes(DAY, a_plan(DAY, ada="lift-1", ben="v3 lift-2")) == {CODE}
    assert codes(DAY, a_plan(DAY, ada="v3")) == set()


def test_checker_counts_people_not_shifts() -> None:
    early = a_technician("early", person="ada")
    late = a_technician("late", person="ada")
    day = a_day(*LIFT, technicians=(early, late))
    assert codes(day, a_plan(day, early="lift-1", late="lift-2")) == {CODE}


def test_checker_wants_the_skills_of_the_team_once() -> None:
    lift = tuple(replace(visit, team_skills={"crane": 2}) for visit in LIFT)
    crew = (a_technician("ada"), a_technician("ben"), a_technician("cem", skills={"crane": 2}))
    day = a_day(*lift, technicians=crew)
    assert codes(day, a_plan(day, ada="lift-1", ben="lift-2")) == {CODE}
    assert codes(day, a_plan(day, ada="lift-1", cem="lift-2")) == set()


def test_engine_leaves_a_team_out_as_a_whole() -> None:
    alone = starts(a_day(*LIFT, a_visit(3), technicians=(a_technician("ada"),)))
    assert set(alone) == {"v3"}


@pytest.mark.parametrize("open_by", ["ada", "ben"])
def test_once_one_has_begun_the_others_follow_with_somebody_else(open_by: str) -> None:
    day = DAY.with_locks([Lock("lift-1", "ada", at("8:10"), sequence=0)])
    plan = a_plan(day, ada="lift-1 lift-2") if open_by == "ada" else a_plan(day, ada="lift-1", ben="lift-2")
    assert codes(day, plan) == ({CODE} if open_by == "ada" else set())
    assert starts(day)["lift-1"] == at("8:10")


def test_engine_lets_a_team_gather_even_where_one_has_to_wait() -> None:
    """Both begin at the same moment, whoever is there first (R-501)."""
    late = a_technician("ben", shift=window("10:00", "16:00"))
    found = starts(a_day(*LIFT, a_visit(3), technicians=(a_technician("ada"), late)))
    assert found["lift-1"] == found["lift-2"] == at("10:10")


def test_engine_sends_the_skill_of_the_team() -> None:
    lift = tuple(replace(visit, team_skills={"crane": 2}) for visit in LIFT)
    far = a_technician("cem", start=4, end=4, skills={"crane": 2})
    day = a_day(*lift, technicians=(a_technician("ada"), a_technician("ben"), far))
    plan = solve(day, Budget(solutions=20), engine="routing").plan
    assert "cem" in served_by(plan).values()


ENGINES = pytest.mark.parametrize("engine", ["ruin", "routing"])
LED = tuple(replace(visit, lead_certificates=frozenset({"gas", "lift"})) for visit in LIFT)


def certified(name: str, *codes: str, until: date = date(2026, 12, 31), far: bool = False) -> Technician:
    """Somebody with papers, who lives far away if asked."""
    papers = tuple(Certificate(code, date(2026, 1, 1), until) for code in codes)
    home = 4 if far else 0
    return a_technician(name, certificates=papers, start=home, end=home)


def test_checker_wants_one_lead_with_all_certificates_of_the_job() -> None:
    """Two people with one paper each are no lead (R-501)."""
    crew = (certified("ada", "gas"), certified("ben", "lift"), certified("cem", "gas", "lift"))
    day = a_day(*LED, technicians=crew)
    assert codes(day, a_plan(day, ada="lift-1", ben="lift-2")) == {CODE}
    assert codes(day, a_plan(day, ada="lift-1", cem="lift-2")) == set()


def test_checker_wants_the_papers_of_the_lead_valid_on_the_day() -> None:
    old = certified("cem", "gas", "lift", until=date(2026, 1, 2))
    day = a_day(*LED, technicians=(certified("ada"), old))
    assert codes(day, a_plan(day, ada="lift-1", cem="lift-2")) == {CODE}


@ENGINES
def test_engines_send_a_lead_from_far_away_rather_than_nobody(engine: str) -> None:
    """The only one with both papers goes, whoever is nearer (R-501)."""
    crew = (certified("ada", "gas"), certified("ben", "lift"), certified("cem", "gas", "lift", far=True))
    plan = solve(a_day(*LED, technicians=crew), Budget(solutions=60), engine=engine).plan
    assert "cem" in served_by(plan).values()
    assert set(served_by(plan)) == {"lift-1", "lift-2"}


@ENGINES
def test_engines_leave_a_team_out_that_nobody_can_lead(engine: str) -> None:
    day = a_day(*LED, technicians=(certified("ada", "gas"), certified("ben", "lift")))
    plan = solve(day, Budget(solutions=60), engine=engine).plan
    assert served_by(plan) == {}
    assert {left.reason for left in plan.unserved} == {CODE}


@ENGINES
def test_engines_ask_what_a_team_needs_of_a_team_of_one(engine: str) -> None:
    alone = replace(LIFT[0], team_skills={"crane": 2})
    far = a_technician("cem", start=4, end=4, skills={"crane": 2})
    day = a_day(alone, a_visit(2), a_visit(3), technicians=(a_technician("ada"), far))
    assert served_by(solve(day, Budget(solutions=60), engine=engine).plan)["lift-1"] == "cem"
