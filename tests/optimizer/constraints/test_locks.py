"""Locks: LOCK."""

import pytest

from optimizer import Lock
from tests.optimizer.world import (
    a_day,
    a_plan,
    a_technician,
    a_visit,
    at,
    codes,
    reasons,
    served_by,
    solved,
    window,
)

DAY = a_day()


@pytest.mark.parametrize(
    "lock",
    [
        Lock("v1", "ben"),
        Lock("v1", start=at("9:00")),
        Lock("v1", range=window("9:00", "9:30")),
        Lock("v1", sequence=1),
    ],
)
def test_checker_finds_a_broken_lock_and_engine_keeps_it(lock: Lock) -> None:
    free = a_plan(DAY, ada="v1 v2 v3 v4")
    day = DAY.with_locks([lock])
    assert "LOCK" in codes(day, free)
    assert codes(DAY, free) == set()
    plan = solved(day)
    assert codes(day, plan) == set()
    assert "v1" in served_by(plan)


def test_several_locked_positions_make_the_order() -> None:
    day = DAY.with_locks([Lock("v3", "ben", sequence=0), Lock("v1", "ben", sequence=1)])
    plan = solved(day)
    assert [stop.visit_id for stop in plan.route_of("ben").stops][:2] == ["v3", "v1"]


def test_a_locked_time_takes_the_place_of_the_windows() -> None:
    day = a_day(a_visit(1, windows=(window("8:00", "9:00"),)))
    plan = solved(day.with_locks([Lock("v1", start=at("13:00"))]))
    assert plan.routes[0].stops[0].start == at("13:00")


def test_a_begun_stop_is_a_fact_whatever_the_rules_say() -> None:
    # Ada began v1 at 7:45, before her shift and without the skill; v2 is still open.
    day = a_day(a_visit(1, skills={"gas": 1}, windows=(window("12:00", "13:00"),)), a_visit(2))
    day = day.with_locks([Lock("v1", "ada", at("7:45"), sequence=0)])
    plan = solved(day)
    assert codes(day, plan) == set()
    assert plan.route_of("ada").stops[0].start == at("7:45")


def test_checker_finds_a_begun_stop_that_is_missing() -> None:
    day = DAY.with_locks([Lock("v1", "ada", at("8:10"), sequence=0)])
    assert "LOCK" in codes(day, a_plan(DAY, ben="v2"))


def test_a_lock_to_a_technician_stands_above_the_rules_about_the_pair() -> None:
    visit = a_visit(1, excluded_technicians=frozenset({"ada"}), skills={"gas": 1}, required_technician="ben")
    plan = solved(a_day(visit).with_locks([Lock("v1", "ada")]))
    assert served_by(plan) == {"v1": "ada"}
    assert codes(a_day(visit), plan) == {"EXCLUDED_TECHNICIAN", "SKILL", "REQUIRED_TECHNICIAN"}


def test_locks_to_one_technician_at_one_time_cannot_both_be_kept_and_the_other_has_a_reason() -> None:
    day = a_day(a_visit(1), a_visit(3)).with_locks(
        [Lock("v1", "ada", at("9:00")), Lock("v3", "ada", at("9:10"))]
    )
    plan = solved(day)
    assert codes(day, plan) == set()
    assert len(reasons(plan)) == 1


def test_a_lock_to_a_person_binds_all_shifts_of_that_person() -> None:
    early = a_technician("early", person="ada", shift=window("6:00", "6:30"))
    late = a_technician("late", person="ada", shift=window("12:00", "16:00"))
    day = a_day(a_visit(1), technicians=(early, late, a_technician("ben"))).with_locks([Lock("v1", "ada")])
    assert served_by(solved(day)) == {"v1": "late"}
