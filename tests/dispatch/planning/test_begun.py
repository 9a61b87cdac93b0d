"""What has begun, as plans and forecasts take it."""

from __future__ import annotations

from dispatch.planning.commands import book
from tests.builders import at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.watch_world import promised, publish_day
from tests.planning_world import Town


def test_who_sets_out_at_the_former_time_does_not_begin_before_the_window_told_since(
    town: Town, now: MovableClock
) -> None:
    """R-503: promised anew after publication; a plan books nothing else into the time of that visit."""
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 18), break_minutes=0)
    visit = promised(town, 9)
    publish_day(town)
    book(town.session, by=None, visit=visit, start=at(13), end=at(15), channel="phone", reason="delay")
    visit.state, visit.travelling_at = "travelling", at(8.5)
    town.session.flush()
    now.set(at(9))
    built = town.built()
    [lock] = built.problem.locks
    assert (lock.visit_id, lock.start) == (str(visit.id), built.day.seconds(at(13)))
