"""Locks against rules are kept and reported: what each rule concedes, and no more."""

import pytest

from optimizer import Break, Budget, Lock, Problem, check, solve, validate
from optimizer.concessions import conceded
from optimizer.planned import as_planned
from optimizer.problem import After, Depot
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at, served_by, window

ALONE = (a_technician("ada"),)
PUMP = a_visit(1, parts={"pump": 2})
ENGINES = pytest.mark.parametrize("engine", ["ruin", "routing"])

AGAINST = {
    "SHIFT": a_day(a_visit(4), technicians=ALONE).with_locks([Lock("v4", "ada", at("19:00"))]),
    "ARRIVAL_WINDOW": a_day(a_visit(1, windows=(window("5:00", "6:00"),)), technicians=ALONE).with_locks(
        [Lock("v1", "ada")]
    ),
    "BREAK": a_day(
        a_visit(1, duration=3 * HOUR),
        technicians=(a_technician("ada", breaks=(Break(at("12:00"), at("12:30"), 30 * MINUTE),)),),
    ).with_locks([Lock("v1", "ada", at("11:00"))]),
    "PARTS": a_day(PUMP, technicians=ALONE).with_locks([Lock("v1", "ada")]),
    "TEAM": a_day(a_visit(1, team="lift"), a_visit(1, id="too", team="lift"), technicians=ALONE).with_locks(
        [Lock("v1", "ada"), Lock("too", "ada")]
    ),
    "PRECEDENCE": a_day(a_visit(1, after=(After("v2", HOUR),)), a_visit(2)).with_locks(
        [Lock("v1", "ada", at("9:00")), Lock("v2", "ben", at("10:00"))]
    ),
    "SAME_TECHNICIAN": a_day(
        a_visit(1, same_technician="hand"), a_visit(2, same_technician="hand")
    ).with_locks([Lock("v1", "ada"), Lock("v2", "ben")]),
}
"""A day with a lock that stands against a rule, by the rule's code."""


@ENGINES
@pytest.mark.parametrize("code", sorted(AGAINST))
def test_a_lock_against_a_rule_is_kept_by_every_engine_and_reported(code: str, engine: str) -> None:
    day = AGAINST[code]
    causes = [finding.cause for finding in validate(day) if finding.code == "LOCK_AGAINST_RULE"]
    assert any(cause.startswith(f"the lock stands against {code}: ") for cause in causes)
    plan = solve(day, Budget(solutions=60), engine=engine).plan
    assert check(day, plan) == []
    assert {lock.visit_id for lock in day.locks} <= set(served_by(plan))
    for lock in day.locks:
        assert served_by(plan)[lock.visit_id] == lock.technician_id


def test_a_shift_is_lengthened_as_far_as_the_lock_needs_and_paid_as_overtime() -> None:
    [ada] = as_planned(AGAINST["SHIFT"]).technicians
    assert ada.shift == window("8:00", "16:00")
    assert ada.shift.end + ada.overtime == at("19:00") + 30 * MINUTE + 40 * MINUTE
    result = solve(AGAINST["SHIFT"], Budget(solutions=20))
    assert result.cost_by_term["overtime"] > 0


def test_a_shift_begins_earlier_only_as_far_as_the_way_there_takes() -> None:
    [ada] = as_planned(AGAINST["ARRIVAL_WINDOW"]).technicians
    assert at("4:50") <= ada.shift.start <= at("5:50")


def test_breaks_that_can_be_kept_are_kept() -> None:
    rests = (Break(at("9:00"), at("9:30"), 15 * MINUTE), Break(at("12:00"), at("12:30"), 30 * MINUTE))
    day = a_day(a_visit(1, duration=3 * HOUR), technicians=(a_technician("ada", breaks=rests),))
    [ada] = as_planned(day.with_locks([Lock("v1", "ada", at("11:00"))])).technicians
    assert ada.breaks == rests[:1]


def test_parts_that_a_depot_has_are_fetched_rather_than_conceded() -> None:
    day = a_day(PUMP, technicians=ALONE, depots=(Depot("d", 2, 0, {"pump": 5}),))
    assert conceded(day.with_locks([Lock("v1", "ada")]))[1] == ()


def test_many_locks_on_one_technician_are_all_kept_with_overtime() -> None:
    visits = [a_visit(1, id=f"job {n}", duration=2 * HOUR) for n in range(6)]
    day = a_day(*visits).with_locks([Lock(visit.id, "ada") for visit in visits])
    plan = solve(day, Budget(solutions=100)).plan
    assert check(day, plan) == []
    assert len(plan.route_of("ada").stops) == 6


def test_a_lock_that_can_be_kept_concedes_nothing() -> None:
    day = a_day().with_locks([Lock("v1", "ada"), Lock("v2", "ben", at("9:00"))])
    assert conceded(day) == (day, ())


@pytest.mark.parametrize("seed", range(60))
def test_what_is_conceded_once_is_conceded(seed: int) -> None:
    problem: Problem = as_planned(rich_day(seed, kind=KINDS[seed % len(KINDS)], visits=10, technicians=3))
    assert as_planned(problem) == problem


def test_two_visits_locked_to_one_place_are_an_error_before_solving() -> None:
    day = a_day().with_locks([Lock("v1", "ada", sequence=0), Lock("v2", "ada", sequence=0)])
    [found] = validate(day)
    assert (found.code, found.severity) == ("LOCK_PLACE_TWICE", "error")
