"""What broke between two looks of the watch, and what a phone tells only afterwards (R-309, R-503, R-802)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.events import Event, PromiseInDanger
from dispatch.planning import spreads
from dispatch.promises import alarming
from dispatch.promises.commands import promise
from dispatch.work_orders.commands import cancel_visit
from dispatch.work_orders.model import ReviewCase, Visit
from tests.builders import DAY, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.test_unattended import publish_without
from tests.dispatch.planning.watch_world import alarms, look, note, promised, publish_day
from tests.planning_world import Town


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


@pytest.fixture
def visit(town: Town) -> Visit:
    """A visit promised for 12 to 14, published."""
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 16), break_minutes=0)
    found = promised(town, 12)
    publish_day(town)
    return found


def arrive(town: Town, visit: Visit, hour: float) -> None:
    """Let the technician be there."""
    visit.travelling_at, visit.arrived_at = at(hour - 0.25), at(hour)
    for state in ("travelling", "on_site"):
        visit.state = state
        town.session.flush()


def followed_up(town: Town) -> list[object]:
    """Visits whose customers somebody has to ask."""
    return [alarm.visit_id for alarm in alarming.follow_ups(town.session, town.territory.id)]


@pytest.mark.parametrize(("hour", "is_broken"), [(13.9, False), (14, False), (14.05, True)])
def test_who_came_late_between_two_looks_is_followed_up(
    town: Town, visit: Visit, now: MovableClock, *, recorded: list[Event], hour: float, is_broken: bool
) -> None:
    """R-802: no look saw it coming; the customer knows by then, and is told nothing."""
    arrive(town, visit, hour)
    now.set(at(14.1))
    assert look(town) == []
    look(town)
    assert [(alarm.outcome, alarm.ended_at, alarm.told_at) for alarm in alarms(town)] == (
        [("broken", at(14.1), None)] if is_broken else []
    )
    assert followed_up(town) == [visit.id] * is_broken
    assert not any(isinstance(event, PromiseInDanger) for event in recorded)


@pytest.mark.parametrize(("hour", "is_broken"), [(13.9, False), (14.05, True)])
def test_who_called_off_after_waiting_in_vain_is_followed_up(
    town: Town, visit: Visit, now: MovableClock, hour: float, is_broken: bool
) -> None:
    """R-802."""
    now.set(at(hour))
    cancel_visit(town.session, by=None, visit=visit, reason="enough")
    now.set(at(14.1))
    look(town)
    assert [alarm.outcome for alarm in alarms(town)] == ["broken"] * is_broken
    assert followed_up(town) == [visit.id] * is_broken


@pytest.mark.parametrize(
    ("hour", "is_broken"), [(13.9, False), (14.05, True), (15.5, False)], ids=["in time", "late", "waited"]
)
def test_who_was_told_another_time_after_the_window_is_followed_up(
    town: Town, visit: Visit, now: MovableClock, hour: float, is_broken: bool
) -> None:
    """R-309, R-802: unless hours passed without an alarm, as while an order waits for a part."""
    now.set(at(hour))
    promise(
        town.session, by=None, visit=visit, window=(at(9, days=1), at(11, days=1)), channel="phone",
        slot_cost_minor=0, reason="delay",
    )  # fmt: skip
    now.set(at(15.6))
    look(town)
    assert [alarm.outcome for alarm in alarms(town) if alarm.ended_at] == ["broken"] * is_broken


@pytest.mark.parametrize(("hour", "outcome"), [(13.5, "kept"), (14.5, "broken")])
@pytest.mark.parametrize("days", [0, 1, 31], ids=["today", "tomorrow", "a month later"])
def test_a_phone_that_is_heard_late_mends_what_was_taken_for_broken(
    town: Town, visit: Visit, now: MovableClock, *, hour: float, outcome: str, days: int
) -> None:
    """R-309: who was there in time has kept the promise, whenever that is heard of within thirty days."""
    now.set(at(14))
    look(town)
    now.set(at(16))
    look(town)
    assert [alarm.outcome for alarm in alarms(town)] == ["broken"]
    arrive(town, visit, hour)
    now.set(at(18, days=days))
    alarming.close_past(town.session, town.territory.id, before=DAY + timedelta(days=days))
    if not days:
        look(town)
    expected = "broken" if days == 31 else outcome
    assert [(alarm.outcome, alarm.ended_at) for alarm in alarms(town)] == [(expected, at(16))]
    assert followed_up(town) == [visit.id] * (expected == "broken")


@pytest.mark.parametrize(("hour", "outcome"), [(12.5, "kept"), (13.5, "replaced")])
def test_who_was_there_before_another_window_was_told_has_kept_the_former_one(
    town: Town, visit: Visit, now: MovableClock, hour: float, outcome: str
) -> None:
    """R-309: heard of after the new promise."""
    note(town, visit, breaking=True)
    now.set(at(13))
    promise(
        town.session, by=None, visit=visit, window=(at(15), at(17)), channel="phone",
        slot_cost_minor=0, reason="delay",
    )  # fmt: skip
    arrive(town, visit, hour)
    now.set(at(13.6))
    look(town)
    assert [alarm.outcome for alarm in alarms(town)] == [outcome]


def test_the_case_of_a_visit_that_is_called_off_is_over(town: Town, visit: Visit, now: MovableClock) -> None:
    """R-802: nobody has to call about it any more."""
    publish_without(town, visit, reason="optimise")
    look(town)
    [case] = town.session.scalars(select(ReviewCase))
    assert (case.kind, case.decided_at) == ("left_out", None)
    now.set(at(9))
    cancel_visit(town.session, by=None, visit=visit, reason="not needed")
    look(town)
    assert (case.decision, case.decided_at) == ("the visit is over", at(9))
    assert not visit.needs_review
