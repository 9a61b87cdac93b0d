"""Parts on the van: PARTS, counted along the route."""

from dataclasses import replace

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

PUMP = {"pump": 1}
ADA = a_technician("ada", stock={"pump": 1, "filter": 9})
BEN = a_technician("ben", stock={"pump": 1})
DAY = a_day(a_visit(1, parts=PUMP), a_visit(2, parts=PUMP), technicians=(ADA, BEN))


def test_checker_counts_parts_along_the_route() -> None:
    assert codes(DAY, a_plan(DAY, ada="v1 v2")) == {"PARTS"}
    assert codes(DAY, a_plan(DAY, ada="v1", ben="v2")) == set()


def test_engine_shares_visits_out_when_one_van_runs_dry() -> None:
    assert sorted(served_by(solved(DAY)).values()) == ["ada", "ben"]


def test_without_parts_the_engine_sends_one_technician_to_both() -> None:
    free = solved(replace(DAY, visits=(a_visit(1), a_visit(2))))
    assert codes(DAY, free) == {"PARTS"}


def test_a_part_on_no_van_leaves_the_visit_with_its_reason() -> None:
    assert reasons(solved(a_day(a_visit(1, parts={"motor": 1})))) == {"v1": "PARTS"}


def test_a_part_that_other_visits_use_up_is_the_reason_too() -> None:
    day = replace(
        DAY, technicians=(ADA,), visits=(a_visit(1, parts=PUMP, priority=5), a_visit(2, parts=PUMP))
    )
    assert reasons(solved(day)) == {"v2": "PARTS"}


def test_stops_already_begun_have_used_their_parts() -> None:
    begun = Lock("v1", "ada", at("8:10"), sequence=0)
    assert served_by(solved(DAY.with_locks([begun]))) == {"v1": "ada", "v2": "ben"}


def test_what_one_shift_has_used_is_not_on_the_van_of_the_next() -> None:
    morning = a_technician("ada", stock=PUMP, shift=window("8:00", "12:00"))
    evening = a_technician("ada2", person="ada", stock=PUMP, shift=window("13:00", "16:00"))
    day = replace(DAY, technicians=(morning, evening))
    assert codes(day, a_plan(day, ada="v1", ada2="v2")) == {"PARTS"}
    begun = day.with_locks([Lock("v1", "ada", at("8:10"), sequence=0)])
    assert codes(begun, a_plan(begun, ada="v1", ada2="v2")) == {"PARTS"}
