"""Validation beyond plain routes: every doubt and every error of the wider model has its code."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import Certificate, Lock, Problem, check, validate
from optimizer.constraints.precedence import earliest
from optimizer.problem import After, Depot, Traffic
from optimizer.units import DAY as A_DAY
from optimizer.units import HORIZON
from optimizer.wire import MalformedInput, problem_from_json, problem_to_json
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit, at, codes, solved, window

GOOD = a_day()
EVEN = tuple(((100,),) for _ in range(24))
TWICE = (a_technician("ada-1", person="ada"), a_technician("ada-2", person="ada"))


def visit_with(**changes: Any) -> Problem:
    """The day with one visit changed."""
    return a_day(a_visit(1, **changes), a_visit(2))


def technician_with(**changes: Any) -> Problem:
    """The day with Ada changed."""
    return a_day(technicians=(a_technician("ada", **changes),))


def traffic_with(zones: tuple[int, ...] = (0,) * 5, factors: Any = EVEN) -> Problem:
    """The day with travel by hour."""
    return replace(GOOD, traffic=Traffic(zones, factors))


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (visit_with(setup=-1), "NEGATIVE_NUMBER"),
        (visit_with(setup=HORIZON + 1), "NUMBER_TOO_LARGE"),
        (visit_with(durations={"ada": -1}), "NEGATIVE_NUMBER"),
        (visit_with(durations={"ada": 10**12}), "NUMBER_TOO_LARGE"),
        (visit_with(window_end="middle"), "WINDOW_END"),
        (visit_with(team_skills={"gas": -1}), "NEGATIVE_NUMBER"),
        (visit_with(respond_by=-1), "TIME_OUT_OF_RANGE"),
        (visit_with(resolve_by=HORIZON + 1), "TIME_OUT_OF_RANGE"),
        (visit_with(announced=-1), "TIME_OUT_OF_RANGE"),
        (visit_with(after=(After("v9"),)), "PRECEDENCE_UNKNOWN_VISIT"),
        (visit_with(after=(After("v1"),)), "PRECEDENCE_CYCLE"),
        (visit_with(after=(After("v2", -1),)), "NEGATIVE_NUMBER"),
        (a_day(a_visit(1, after=(After("v2"),)), a_visit(2, after=(After("v1"),))), "PRECEDENCE_CYCLE"),
        (technician_with(worked=-1), "NEGATIVE_NUMBER"),
        (technician_with(longest_way=-1), "NEGATIVE_NUMBER"),
        (a_day(technicians=TWICE), "SHIFTS_OVERLAP"),
        (replace(GOOD, depots=(Depot("d", 9),)), "UNKNOWN_LOCATION"),
        (replace(GOOD, depots=(Depot("d", 0), Depot("d", 1))), "DUPLICATE_DEPOT"),
        (replace(GOOD, depots=(Depot("", 0),)), "BAD_ID"),
        (replace(GOOD, depots=(Depot("d", 0, -1),)), "NEGATIVE_NUMBER"),
        (replace(GOOD, depots=(Depot("d", 0, stock={"pump": -1}),)), "NEGATIVE_NUMBER"),
        (traffic_with(zones=(0,)), "TRAFFIC_ZONES"),
        (traffic_with(zones=(0, 0, 0, 0, -1)), "TRAFFIC_ZONES"),
        (traffic_with(factors=EVEN[:23]), "TRAFFIC_HOURS"),
        (traffic_with(zones=(0, 0, 0, 0, 1)), "TRAFFIC_SIZE"),
        (traffic_with(factors=(((100, 100),), *EVEN[1:])), "TRAFFIC_SIZE"),
        (traffic_with(factors=(((0,),), *EVEN[1:])), "TRAFFIC_FACTOR"),
        (traffic_with(factors=(((1_001,),), *EVEN[1:])), "TRAFFIC_FACTOR"),
        (replace(GOOD, zone="Europe/Atlantis"), "UNKNOWN_ZONE"),
        (replace(GOOD, zone="../etc"), "UNKNOWN_ZONE"),
        (replace(GOOD, zone="Europe"), "UNKNOWN_ZONE"),
        (replace(GOOD, day=date(1, 1, 1)), "DAY_OUT_OF_RANGE"),
        (replace(GOOD, day=date.max), "DAY_OUT_OF_RANGE"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_its_code(problem: Problem, code: str) -> None:
    errors = [finding for finding in validate(problem) if finding.severity == "error"]
    assert code in {finding.code for finding in errors}
    assert all(finding.cause and finding.remedy for finding in errors)


def test_a_circle_of_visits_is_named() -> None:
    chain = [a_visit(i, id=f"c{i}", after=(After(f"c{i % 3 + 1}"),)) for i in (1, 2, 3)]
    [found] = validate(a_day(*chain))
    assert (found.code, found.cause) == ("PRECEDENCE_CYCLE", "c1 after c2 after c3 after c1")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (visit_with(team="lift"), "TEAM_OF_ONE"),
        (a_day(*(a_visit(1, id=f"v{i}", team="lift") for i in range(3))), "TEAM_TOO_LARGE"),
        (visit_with(windows=(window("20:00", "21:00"),)), "WINDOW_OUTSIDE_SHIFTS"),
        (visit_with(duration=9 * HOUR), "VISIT_TOO_LONG"),
        (visit_with(skills={"gas": 1}).with_locks([Lock("v1", "ada")]), "LOCK_AGAINST_RULE"),
        (
            GOOD.with_locks([Lock("v1", "ada", at("9:00")), Lock("v2", "ada", at("9:10"))]),
            "LOCKS_CLASH",
        ),
        (
            a_day(
                a_visit(1, same_technician="hand", required_technician="ada"),
                a_visit(2, same_technician="hand", required_technician="ben"),
            ),
            "SAME_TECHNICIAN_CLASH",
        ),
        (
            a_day(
                technicians=(
                    a_technician("ada-1", person="ada", overtime=HOUR),
                    a_technician("ada-2", person="ada", shift=window("16:30", "20:00")),
                )
            ),
            "OVERTIME_OVERLAP",
        ),
    ],
)
def test_what_was_hardly_meant_is_planned_with_a_warning(problem: Problem, code: str) -> None:
    findings = validate(problem)
    assert code in {finding.code for finding in findings}
    assert {finding.severity for finding in findings} == {"warning"}
    assert check(problem, solved(problem, solutions=5)) == []


def test_a_lock_against_a_rule_is_kept_and_reported() -> None:
    day = visit_with(excluded_technicians=frozenset({"ada"})).with_locks([Lock("v1", "ada")])
    [found] = validate(day)
    assert (found.code, found.severity) == ("LOCK_AGAINST_RULE", "warning")
    assert "EXCLUDED_TECHNICIAN" in found.cause


SPRING, AUTUMN = date(2026, 3, 28), date(2026, 10, 24)


@pytest.mark.parametrize(("eve", "length"), [(SPRING, 23 * HOUR), (AUTUMN, 25 * HOUR)])
def test_days_on_which_the_clocks_change_have_their_own_length(eve: date, length: int) -> None:
    day = replace(GOOD, day=eve, zone="Europe/Berlin")
    assert validate(day) == []
    assert [day.midnight(number) for number in range(4)] == [0, A_DAY, A_DAY + length, 2 * A_DAY + length]
    for number in range(4):
        assert day.day_number(day.midnight(number)) == number
        assert day.day_number(day.midnight(number + 1) - 1) == number
    plain = replace(day, zone=None)
    assert plain.midnight(2) == 2 * A_DAY


@pytest.mark.parametrize(("eve", "length"), [(SPRING, 23 * HOUR), (AUTUMN, 25 * HOUR)])
def test_certificates_and_the_next_day_go_by_the_calendar_when_the_clocks_change(
    eve: date, length: int
) -> None:
    day = replace(GOOD, day=eve, zone="Europe/Berlin")
    assert earliest(day, After("v1", next_day=True), A_DAY + HOUR) == A_DAY + length
    begin = A_DAY + length + 7 * HOUR
    paper = Certificate("F-gas", eve, date.fromordinal(eve.toordinal() + 1))
    crew = (
        a_technician("today", certificates=(paper,)),
        a_technician(
            "later",
            certificates=(paper,),
            shift=replace(window("0:00", "0:00"), start=begin, end=begin + 9 * HOUR),
        ),
    )
    assert day.date_of(crew[1]) == date.fromordinal(eve.toordinal() + 2)
    day = replace(day, technicians=crew, visits=(a_visit(1, certificates=frozenset({"F-gas"})),))
    plan = solved(day)
    assert [route.technician_id for route in plan.routes] == ["today"]
    assert codes(replace(day, visits=(a_visit(1),)), plan) == set()


def leaves(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to all values of a JSON document."""
    if isinstance(found, dict):
        return [leaf for key, value in found.items() for leaf in leaves(value, (*path, key))] or [path]
    if isinstance(found, list):
        return [leaf for at_, value in enumerate(found) for leaf in leaves(value, (*path, at_))] or [path]
    return [path]


ODD = st.sampled_from(
    [-(10**30), -1, 0, 1, 7, 10**6, 10**30, "", "t0", "v0", "v1", "x" * 300, None, True, [], {}]
)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(KINDS), st.lists(st.tuples(st.integers(0, 10**6), ODD), max_size=6)
)
def test_no_document_that_can_be_read_makes_validation_fail(
    seed: int, kind: str, changes: list[tuple[int, Any]]
) -> None:
    document = problem_to_json(rich_day(seed, kind=kind, visits=5, technicians=2))
    for choice, value in changes:
        every = [path for path in leaves(document) if path]
        *way, last = every[choice % len(every)]
        inner = document
        for key in way:
            inner = inner[key]
        inner[last] = value
    try:
        problem = problem_from_json(document)
    except MalformedInput:
        return
    for finding in validate(problem):
        assert finding.code
        assert finding.cause
        assert finding.remedy
