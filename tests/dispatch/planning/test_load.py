"""How full a slot is, and what is kept of a day for emergencies."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.planning.load import Load
from optimizer.plan import Plan, Route, Stop
from optimizer.problem import Break, Problem, Technician, Visit, Window, matrix_of

H = 3600


def a_load(*, rests: tuple[Break, ...] = ()) -> Load:
    """One technician from 8 to 16, busy from 9 to 11 and driving home from 11 to 11:30."""
    who = Technician("T", "Ada", 0, 0, Window(8 * H, 16 * H), breaks=rests)
    visit = Visit("V", 0, 90 * 60, ())
    stop = Stop("V", 9 * H + 1800, 9 * H + 1800, 11 * H, 1800, 0)
    route = Route("T", 9 * H, (stop,), return_time=11 * H + 1800, return_travel=1800)
    return Load.of(Problem(date(2026, 3, 2), (who,), (visit,), matrix_of([[0]])), Plan((route,)))


@pytest.mark.parametrize(
    ("window", "share"),
    [((8, 10), 0.5), ((9, 11), 1.0), ((10, 12), 0.75), ((14, 16), 0.0), ((15, 18), 0.0), ((16, 18), 1.0)],
)
def test_load_is_the_planned_part_of_the_time_on_duty(window: tuple[int, int], share: float) -> None:
    """R-303: slots show their load; where nobody is on duty a slot is full."""
    assert a_load().share(Window(window[0] * H, window[1] * H)) == share


@pytest.mark.parametrize(
    ("since", "job", "percent", "leaves"),
    [
        (8, 4.3, 15, True),  # 6.8 of 8 hours may go, 2.5 are planned
        (8, 4.31, 15, False),
        (8, 5.5, 0, True),
        (12, 3.4, 15, True),  # later in the day fewer hours are kept
        (12, 3.41, 15, False),
        (15, 0.5, 50, True),
    ],
)
def test_a_share_of_what_is_left_stays_free(since: float, job: float, percent: int, *, leaves: bool) -> None:
    """R-308: fifteen per cent of the rest of the day, released as the day goes on."""
    assert a_load().leaves(round(job * H), percent, round(since * H)) is leaves


def test_a_break_still_to_come_is_no_working_time() -> None:
    rested = a_load(rests=(Break(12 * H, 13 * H, 1800),))
    assert not rested.leaves(round(4.3 * H), 15, 8 * H)
    assert rested.leaves(round(4.3 * H) - 1531, 15, 8 * H)
    assert rested.leaves(round(1.7 * H), 15, 14 * H)
