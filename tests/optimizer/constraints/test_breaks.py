"""Breaks: BREAK."""

from dataclasses import replace

import pytest

from optimizer import Break, BreakTaken
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, at, codes, reasons, solved, window

LUNCH = Break(at("9:00"), at("9:15"), 1800)
ADA = a_technician("ada", breaks=(LUNCH,))
DAY = a_day(a_visit(1), a_visit(2), technicians=(ADA,))


def with_breaks(*breaks: tuple[str, str]) -> set[str]:
    """What the checker says of the plan of the day with other breaks."""
    plan = a_plan(DAY, ada="v1 v2")
    taken = tuple(BreakTaken(at(start), at(end)) for start, end in breaks)
    return codes(DAY, replace(plan, routes=(replace(plan.routes[0], breaks=taken),)))


def test_the_day_by_hand() -> None:
    # 8:10-8:40 at v1, drive to 8:50, 8:50-9:20 would run past 9:15, so: rest 9:00-9:30 at v2, then serve.
    route = a_plan(DAY, ada="v1 v2").routes[0]
    assert [(s.arrival, s.start) for s in route.stops] == [
        (at("8:10"), at("8:10")),
        (at("8:50"), at("9:30")),
    ]
    assert route.breaks == (BreakTaken(at("9:00"), at("9:30")),)
    assert with_breaks(("9:00", "9:30")) == set()


@pytest.mark.parametrize(
    "breaks",
    [
        (),
        (("8:40", "9:10"),),
        (("9:16", "9:46"),),
        (("9:00", "9:29"),),
        (("9:00", "9:30"), ("10:40", "11:10")),
    ],
)
def test_checker_finds_missing_misplaced_short_and_extra_breaks(breaks: tuple[tuple[str, str], ...]) -> None:
    assert "BREAK" in with_breaks(*breaks)


def test_checker_finds_a_rest_during_a_service() -> None:
    free = replace(DAY, technicians=(a_technician("ada"),))
    plan = a_plan(free, ada="v1 v2")
    rested = replace(plan.routes[0], breaks=(BreakTaken(at("9:00"), at("9:30")),))
    assert "BREAK" in codes(DAY, replace(plan, routes=(rested,)))


def test_without_breaks_the_engine_is_home_sooner() -> None:
    free = solved(replace(DAY, technicians=(a_technician("ada"),)))
    assert free.routes[0].return_time == at("9:40")
    assert codes(DAY, free) == {"BREAK"}
    assert codes(DAY, solved(DAY)) == set()


def test_a_break_that_leaves_no_room_is_a_reason() -> None:
    ada = a_technician("ada", shift=window("8:00", "9:20"), breaks=(Break(at("8:05"), at("8:20"), 3600),))
    day = a_day(a_visit(1), technicians=(ada,))
    assert reasons(solved(day)) == {"v1": "CAPACITY"}


def test_a_technician_who_stays_at_home_needs_no_break() -> None:
    day = replace(DAY, technicians=(ADA, a_technician("ben")))
    assert codes(day, a_plan(day, ben="v1 v2")) == set()


def test_checker_finds_two_breaks_at_once() -> None:
    ada = a_technician(
        "ada", breaks=(Break(at("10:00"), at("10:30"), 1800), Break(at("10:00"), at("10:30"), 1800))
    )
    day = a_day(a_visit(1), technicians=(ada,))
    plan = a_plan(day, ada="v1")
    assert codes(day, plan) == set()
    at_once = (BreakTaken(at("10:00"), at("10:30")), BreakTaken(at("10:15"), at("10:45")))
    assert codes(day, replace(plan, routes=(replace(plan.routes[0], breaks=at_once),))) == {"BREAK"}
