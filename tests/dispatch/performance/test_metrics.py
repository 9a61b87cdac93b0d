"""Each indicator by a world small enough to be counted by hand (R-704, rules §3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.performance import metrics
from dispatch.performance.metrics import AnswerFact, DutyFact, Ratio, VisitFact, answers_in_time, indicators
from tests.builders import at

VISIT = VisitFact(
    number="DS-1",
    technician_id="ada",
    planned_start=at(9),
    planned_end=at(10),
    travelling_at=at(8.5),
    arrived_at=at(9),
    started_at=at(9),
    finished_at=at(10),
    paused_seconds=0,
    first_window_end=at(10),
    last_window_start=at(8),
    last_window_end=at(10),
    is_reservation=True,
    is_solved=True,
    is_first_attempt=True,
    is_repeat=False,
    was_repeated=False,
    is_no_access=False,
    requested_at=at(8),
    response_due_at=at(9),
    resolution_due_at=at(10),
)
DUTY = DutyFact("ada", 8 * 3600, 1800, at(16))
NOBODY = replace(
    VISIT, travelling_at=None, arrived_at=None, started_at=None, finished_at=None, is_solved=False
)
DOOR = replace(VISIT, started_at=None, finished_at=None, is_solved=False, is_no_access=True)
ALONG = replace(
    VISIT,
    technician_id="bea",
    first_window_end=None,
    last_window_start=None,
    last_window_end=None,
    is_reservation=False,
    is_solved=False,
    is_first_attempt=False,
    response_due_at=None,
    resolution_due_at=None,
    goes_along=True,
)
LATE = replace(VISIT, arrived_at=at(10.1), started_at=at(10.1), finished_at=at(11.1))


def figure(name: str, *visits: VisitFact, duties: tuple[DutyFact, ...] = (DUTY,)) -> tuple[int, int]:
    """Numerator and denominator of one indicator."""
    ratio = indicators(visits, duties)[name]
    return int(ratio.numerator), int(ratio.denominator)


def reached(hour: float) -> VisitFact:
    """The visit with another arrival."""
    return replace(VISIT, arrived_at=at(hour))


CASES: list[tuple[str, tuple[VisitFact, ...], tuple[int, int]]] = [
    ("promise_kept_first", (VISIT, LATE, NOBODY), (1, 3)),
    ("promise_kept_first", (replace(VISIT, arrived_at=at(10)),), (1, 1)),
    ("promise_kept_first", (replace(VISIT, first_window_end=None),), (0, 0)),
    ("promise_kept_last", (replace(LATE, last_window_end=at(12)), LATE), (1, 2)),
    (
        "punctual_within_band",
        (replace(VISIT, arrived_at=at(7.75)), replace(VISIT, arrived_at=at(7.7))),
        (1, 2),
    ),
    (
        "punctual_within_band",
        (replace(VISIT, arrived_at=at(10.25)), replace(VISIT, arrived_at=at(10.3))),
        (1, 2),
    ),
    ("response_seconds", (VISIT, replace(VISIT, is_first_attempt=False), NOBODY), (3600, 1)),
    ("sla_response_kept", (VISIT, LATE, NOBODY, replace(VISIT, response_due_at=None)), (1, 3)),
    ("sla_resolution_kept", (VISIT, LATE, NOBODY, replace(VISIT, is_solved=False)), (1, 3)),
    ("first_time_fix", (VISIT, replace(VISIT, was_repeated=True), NOBODY), (1, 2)),
    ("first_time_fix", (replace(VISIT, is_first_attempt=False),), (0, 1)),
    ("repeat_rate", (VISIT, replace(VISIT, is_repeat=True), replace(VISIT, is_solved=False)), (1, 2)),
    ("repair_seconds", (VISIT, replace(VISIT, paused_seconds=600), DOOR), (3600 + 3000, 2)),
    ("resolve_seconds", (VISIT, LATE, NOBODY), (7200 + 11160, 2)),
    ("schedule_adherence", (VISIT, replace(VISIT, started_at=at(9.25)), LATE, NOBODY), (2, 4)),
    ("utilisation", (VISIT,), (5400, 28800)),
    ("wrench_time", (VISIT,), (3600, 28800)),
    ("travel_share", (VISIT, DOOR), (3600, 7200)),
    ("overtime_seconds", (VISIT, replace(VISIT, finished_at=at(16.5))), (1800, 1)),
    ("overtime_seconds", (VISIT,), (0, 1)),
    ("idle_seconds", (VISIT,), (28800 - 1800 - 5400, 1)),
    ("idle_seconds", (replace(VISIT, finished_at=at(19)),), (0, 1)),
    ("duration_accuracy", (VISIT, replace(VISIT, finished_at=at(11)), NOBODY), (10800, 7200)),
    ("visits_per_technician_day", (VISIT, DOOR, NOBODY), (2, 1)),
    ("reservation_share", (VISIT, replace(VISIT, is_reservation=False)), (1, 2)),
    ("no_access", (VISIT, DOOR, NOBODY), (1, 2)),
    (
        "chasers",
        (replace(VISIT, chasers=2), VISIT, replace(VISIT, is_first_attempt=False, chasers=5)),
        (2, 2),
    ),
]


@pytest.mark.parametrize(("name", "visits", "expected"), CASES)
def test_an_indicator_counts_what_its_formula_says(
    name: str, visits: tuple[VisitFact, ...], expected: tuple[int, int]
) -> None:
    assert figure(name, *visits) == expected


def test_every_indicator_has_a_hand_counted_case() -> None:
    counted = {name for name, _, _ in CASES} | {answers_in_time.__name__}
    assert counted == {metric.__name__ for metric in metrics.METRICS}


def test_answers_in_time_are_those_that_are_decided() -> None:
    """R-102, R-704: neither what still ran when the day ended, nor what nobody said the time of."""
    states = ("kept", "kept", "missed", "running", "unknown")
    answers = [AnswerFact("web", state, is_waiting=state == "running") for state in states]
    found = indicators((), (), answers)["answers_in_time"]
    assert (found.numerator, found.denominator) == (2, 3)


def test_early_and_waiting_keeps_the_promise() -> None:
    """Decision 7: the band is another indicator."""
    early = replace(VISIT, arrived_at=at(7))
    assert figure("promise_kept_first", early) == (1, 1)
    assert figure("punctual_within_band", early) == (0, 1)


def test_on_a_day_without_anything_every_indicator_is_undefined() -> None:
    """R-704: undefined, neither zero nor infinite."""
    assert {ratio.value for ratio in indicators((), ()).values()} == {None}
    assert Ratio(Decimal(1), Decimal(4)).value == Decimal("0.25")


MOMENTS = st.one_of(st.none(), st.floats(6, 22).map(lambda hour: at(round(hour, 2))))


@given(st.lists(st.tuples(MOMENTS, MOMENTS, MOMENTS, st.booleans()), max_size=8))
def test_shares_stay_between_nothing_and_everything(
    days: list[tuple[datetime | None, datetime | None, datetime | None, bool]],
) -> None:
    """Whatever the phones report: a share is never below 0 nor above 1, no sum is negative."""
    visits = [
        replace(VISIT, arrived_at=arrived, started_at=started, finished_at=finished, is_solved=solved)
        for arrived, started, finished, solved in days
    ]
    for name, ratio in indicators(visits, (DUTY,)).items():
        assert ratio.denominator >= 0
        if name in {"promise_kept_first", "first_time_fix", "repeat_rate", "no_access", "travel_share"}:
            assert 0 <= ratio.numerator <= ratio.denominator
        if name in {"utilisation", "overtime_seconds", "idle_seconds", "repair_seconds"}:
            assert ratio.numerator >= 0


def test_who_goes_along_adds_hours_and_counts_for_nothing_else() -> None:
    """R-203, R-704: a crew is one repair, one promise and one reservation, and everybody's working time."""
    alone, crew = indicators((VISIT,), (DUTY,)), indicators((VISIT, ALONG), (DUTY,))
    moved = {name for name, ratio in crew.items() if ratio != alone[name]}
    assert moved <= {
        "utilisation",
        "wrench_time",
        "travel_share",
        "schedule_adherence",
        "duration_accuracy",
        "visits_per_technician_day",
    }
    assert crew["wrench_time"].numerator == 2 * alone["wrench_time"].numerator
