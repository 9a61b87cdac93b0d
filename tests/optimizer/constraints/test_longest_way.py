"""Longest way: LONGEST_WAY."""

from dataclasses import replace

from optimizer import Lock
from tests.optimizer.world import (
    MINUTE,
    a_day,
    a_plan,
    a_technician,
    a_visit,
    codes,
    reasons,
    served_by,
    solved,
)

NEAR = a_technician("ada", longest_way=20 * MINUTE)
FAR = a_technician("ben", start=4, end=4)
DAY = a_day(a_visit(2), a_visit(3), technicians=(NEAR, FAR))


def test_checker_measures_from_the_start_of_the_shift() -> None:
    assert codes(DAY, a_plan(DAY, ada="v2", ben="v3")) == set()
    assert codes(DAY, a_plan(DAY, ada="v2 v3")) == {"LONGEST_WAY"}


def test_engine_sends_nobody_further_than_agreed() -> None:
    home = replace(DAY, technicians=(NEAR, replace(FAR, longest_way=10 * MINUTE)))
    assert served_by(solved(home)) == {"v2": "ada", "v3": "ben"}


def test_a_site_too_far_for_everybody_is_left_with_its_reason() -> None:
    assert reasons(solved(replace(DAY, technicians=(NEAR,)))) == {"v3": "LONGEST_WAY"}


def test_a_lock_stands_above_the_longest_way() -> None:
    assert served_by(solved(DAY.with_locks([Lock("v3", "ada")])))["v3"] == "ada"
