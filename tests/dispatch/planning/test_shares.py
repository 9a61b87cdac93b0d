"""Work is shared out over a week: who has worked more is spared where the territory's policy says so."""

from __future__ import annotations

import pytest

from dispatch.planning.commands import offer
from dispatch.planning.fingerprint import fingerprint
from dispatch.technicians.model import Technician
from dispatch.work_orders.model import Visit
from optimizer.engines.base import Budget
from optimizer.solve import solve
from tests.builders import a_shift, at
from tests.planning_world import Town

HOUR = 3600


@pytest.fixture
def fair(town: Town) -> Town:
    """A town whose policy shares work out."""
    town.territory.planning_policy = "considerate"
    town.territory.emergency_reserve_percent = 0
    return town


def has_worked(town: Town, who: Technician, days: int, hours: float, *, drive: float = 0) -> Visit:
    """A finished visit so many days ago, on a shift from eight to sixteen."""
    a_shift(
        town.session,
        who,
        starts_at=at(8, days=-days),
        ends_at=at(16, days=-days),
        break_minutes=0,
        break_earliest=None,
        break_latest=None,
    )
    return town.visit(
        technician=who,
        state="closed",
        planned_start=at(9, days=-days),
        planned_end=at(9 + hours, days=-days),
        travelling_at=at(9 - drive, days=-days),
        arrived_at=at(9, days=-days),
        started_at=at(9, days=-days),
        finished_at=at(9 + hours, days=-days),
    )


def shares_of(town: Town, *crew: Technician) -> list[float]:
    """Hours that each has worked more than whoever has worked least."""
    found = {each.id: each.worked for each in town.built().problem.technicians}
    return [found[str(who.id)] / HOUR for who in crew]


def sent(town: Town) -> list[str]:
    """Who serves anything in a plan of the day."""
    plan = solve(town.built().problem, Budget(solutions=20), seed=1).plan
    return [route.technician_id for route in plan.routes if route.stops]


def test_driving_and_service_of_the_week_count_and_what_everybody_did_does_not(fair: Town) -> None:
    ada, ben = fair.technician(), fair.technician()
    for days in (1, 3):
        has_worked(fair, ada, days, 5, drive=0.5)
        has_worked(fair, ben, days, 4)
    has_worked(fair, ben, 8, 7)
    assert shares_of(fair, ada, ben) == [3, 0]


def test_pauses_do_not_count_and_a_wrong_clock_counts_little(fair: Town) -> None:
    ada, ben = fair.technician(), fair.technician()
    has_worked(fair, ada, 1, 5).paused_seconds = HOUR
    has_worked(fair, ben, 1, 2).travelling_at = at(9, days=-40)
    assert shares_of(fair, ada, ben) == [0, 8]


def test_who_works_fewer_days_or_was_away_owes_nothing(fair: Town) -> None:
    full, part, away = fair.technician(), fair.technician(), fair.technician()
    for days in (1, 2, 3, 4):
        has_worked(fair, full, days, 6)
    has_worked(fair, part, 2, 5)
    assert shares_of(fair, full, part, away) == [4, 0, 2]


def test_nobody_has_worked_before_the_first_day(fair: Town) -> None:
    assert shares_of(fair, fair.technician(), fair.technician()) == [0, 0]


def test_a_policy_without_fairness_asks_for_no_history(town: Town) -> None:
    ada, ben = town.technician(), town.technician()
    has_worked(town, ada, 1, 6)
    assert shares_of(town, ada, ben) == [0, 0]


def test_who_has_worked_more_is_spared_by_plans_and_offers_as_the_policy_promises(fair: Town) -> None:
    """``considerate``: work is shared out evenly, though Ada lives a little nearer."""
    ada = fair.technician(home_latitude=60.171, break_minutes=0)
    ben = fair.technician(home_latitude=60.175, break_minutes=0)
    visit = fair.visit(60.17, 24.94, duration_minutes=180)
    assert sent(fair) == [str(ada.id)]
    for days in (1, 2, 3):
        has_worked(fair, ada, days, 6)
        has_worked(fair, ben, days, 3)
    assert sent(fair) == [str(ben.id)]
    windows = offer(fair.session, visit, days=1).windows
    assert {window.technician_id for window in windows} == {ben.id}
    fair.territory.planning_policy = "standard"
    assert sent(fair) == [str(ada.id)]


def test_a_day_kept_ready_is_opened_anew_when_a_visit_of_the_week_is_finished_late(fair: Town) -> None:
    who = fair.technician()
    late = has_worked(fair, who, 1, 4)
    late.finished_at = None
    fair.session.flush()
    before = fingerprint(fair.session, fair.day)
    late.finished_at = at(15, days=-1)
    fair.session.flush()
    assert fingerprint(fair.session, fair.day) != before
    fair.territory.planning_policy = "standard"
    fair.session.flush()
    before = fingerprint(fair.session, fair.day)
    late.finished_at = at(14, days=-1)
    fair.session.flush()
    assert fingerprint(fair.session, fair.day) == before
