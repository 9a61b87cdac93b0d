"""Validation: everything wrong with an input has a code, and nothing that passes crashes the engine."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from optimizer import (
    Break,
    Budget,
    Certificate,
    InvalidProblem,
    Lock,
    Matrix,
    Policy,
    Problem,
    Window,
    check,
    solve,
    validate,
)
from optimizer.validate import errors_in
from tests.optimizer.random_days import random_day
from tests.optimizer.world import DAY, a_day, a_technician, a_visit, at, codes, reasons, solved, window

GOOD = a_day()
ROWS = GOOD.matrix.seconds


def visit_with(**changes: Any) -> Problem:
    """The day with one visit changed."""
    return a_day(a_visit(1, **changes))


def technician_with(**changes: Any) -> Problem:
    """The day with Ada changed."""
    return a_day(technicians=(a_technician("ada", **changes),))


def test_a_good_day_has_no_findings() -> None:
    assert validate(GOOD) == []


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (replace(GOOD, visits=(*GOOD.visits, a_visit(1))), "DUPLICATE_VISIT"),
        (replace(GOOD, technicians=(a_technician(), a_technician())), "DUPLICATE_TECHNICIAN"),
        (GOOD.with_locks([Lock("v1"), Lock("v1")]), "DUPLICATE_LOCK"),
        (visit_with(id=""), "BAD_ID"),
        (visit_with(id="x" * 10_000), "BAD_ID"),
        (visit_with(location=5), "UNKNOWN_LOCATION"),
        (visit_with(location=-1), "UNKNOWN_LOCATION"),
        (technician_with(start=9), "UNKNOWN_LOCATION"),
        (technician_with(end=9), "UNKNOWN_LOCATION"),
        (visit_with(duration=-1), "NEGATIVE_NUMBER"),
        (visit_with(duration=10**12), "NUMBER_TOO_LARGE"),
        (visit_with(parts={"pump": -1}), "NEGATIVE_NUMBER"),
        (visit_with(skills={"gas": -1}), "NEGATIVE_NUMBER"),
        (technician_with(stock={"pump": -1}), "NEGATIVE_NUMBER"),
        (technician_with(overtime=-1), "NEGATIVE_NUMBER"),
        (visit_with(windows=(window("9:00", "8:00"),)), "WINDOW_REVERSED"),
        (visit_with(windows=(Window(-5, 10),)), "TIME_OUT_OF_RANGE"),
        (visit_with(windows=(Window(0, 10**15),)), "TIME_OUT_OF_RANGE"),
        (visit_with(priority=0), "PRIORITY_RANGE"),
        (visit_with(priority=6), "PRIORITY_RANGE"),
        (technician_with(shift=window("9:00", "8:00")), "SHIFT_REVERSED"),
        (technician_with(earliest_departure=-1), "TIME_OUT_OF_RANGE"),
        (technician_with(breaks=(Break(at("9:00"), at("8:00"), 60),)), "BREAK_REVERSED"),
        (technician_with(breaks=(Break(at("9:00"), at("9:00"), 0),)), "BREAK_LENGTH"),
        (technician_with(breaks=(Break(at("9:00"), at("9:00"), 60),) * 2), "BREAKS_CLASH"),
        (technician_with(certificates=(Certificate("a", DAY, date(2020, 1, 1)),)), "CERTIFICATE_REVERSED"),
        (replace(GOOD, matrix=Matrix(ROWS[:4], ROWS)), "MATRIX_SIZE"),
        (replace(GOOD, matrix=Matrix(ROWS, [row[:3] for row in ROWS])), "MATRIX_SIZE"),
        (replace(GOOD, matrix=Matrix([[-1] * 5] * 5, ROWS)), "MATRIX_NEGATIVE"),
        (replace(GOOD, matrix=Matrix([[10**18] * 5] * 5, ROWS)), "MATRIX_TOO_LARGE"),
        (replace(GOOD, matrix=Matrix([], [])), "UNKNOWN_LOCATION"),
        (replace(GOOD, policy=Policy(travel_cents_per_km=-1)), "POLICY_RANGE"),
        (replace(GOOD, policy=Policy(unserved_cents_by_priority=(1, 2))), "POLICY_PRIORITIES"),
        (GOOD.with_locks([Lock("v9")]), "LOCK_UNKNOWN_VISIT"),
        (GOOD.with_locks([Lock("v1", "carl")]), "LOCK_UNKNOWN_TECHNICIAN"),
        (GOOD.with_locks([Lock("v1", range=window("9:00", "8:00"))]), "LOCK_REVERSED"),
        (GOOD.with_locks([Lock("v1", sequence=-1)]), "NEGATIVE_NUMBER"),
        (GOOD.with_locks([Lock("v1", "ada", at("9:00"), sequence=1)]), "LOCK_SEQUENCE"),
        (GOOD.with_locks([Lock("v1", start=-1)]), "TIME_OUT_OF_RANGE"),
    ],
)
def test_unplannable_input_is_refused_with_its_code(problem: Problem, code: str) -> None:
    findings = validate(problem)
    assert code in {finding.code for finding in findings if finding.severity == "error"}
    assert all(finding.cause and finding.remedy and len(str(finding)) < 2_000 for finding in findings)
    with pytest.raises(InvalidProblem) as refused:
        solve(problem, Budget(solutions=1))
    assert refused.value.findings


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (a_day(technicians=()), "NO_TECHNICIANS"),
        (visit_with(duration=0), "ZERO_DURATION"),
        (visit_with(skills={"lift": 1}), "NOBODY_CAN_SERVE"),
        (technician_with(shift=window("8:00", "8:00")), "SHIFT_EMPTY"),
        (
            visit_with(windows=(window("8:00", "9:00"),)).with_locks([Lock("v1", start=at("12:00"))]),
            "LOCK_OUTSIDE_WINDOW",
        ),
    ],
)
def test_doubtful_input_is_planned_with_a_warning(problem: Problem, code: str) -> None:
    findings = validate(problem)
    assert code in {finding.code for finding in findings}
    assert {finding.severity for finding in findings} == {"warning"}
    assert check(problem, solved(problem)) == []


def test_a_day_without_anybody_or_anything_is_planned() -> None:
    nobody = a_day(technicians=())
    assert reasons(solved(nobody)) == dict.fromkeys(("v1", "v2", "v3", "v4"), "NO_TECHNICIAN")
    nothing = replace(GOOD, visits=())
    assert codes(nothing, solved(nothing)) == set()


def test_generated_days_are_plannable() -> None:
    assert not [seed for seed in range(200) if errors_in(random_day(seed))]
