"""What bookings leave behind is planned better between calls, and nobody notices but the next caller."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from dispatch import outbox, travel
from dispatch.outbox import JobRun
from dispatch.planning import plan_rows, problem, tidying
from dispatch.planning.commands import book, hold, offer_wanted, publish
from dispatch.planning.days import day_of
from dispatch.planning.model import DayPlan
from dispatch.planning.rules import OfferPolicy, SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.promises.model import SlotHold
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from optimizer.check import cost
from tests.builders import DAY, a_customer, a_site, at
from tests.planning_world import Town, violations

TOMORROW = DAY + timedelta(days=1)
CALLS = 12
KIND = "planning.tidy_day"


@pytest.fixture
def town(lasting_town: Town) -> Town:
    """Three technicians on duty tomorrow; the job sees what is committed."""
    lasting_town.territory.emergency_reserve_percent = 0
    for latitude in (60.13, 60.17, 60.21):
        lasting_town.technician(days=1, home_latitude=latitude)
    return lasting_town


def called(town: Town, seed: int = 1, calls: int = CALLS) -> list[Visit]:
    """Visits anywhere in town, booked in the order of their calls into any two hours."""
    chance, booked = random.Random(seed), []
    for visit in town.visits(calls, seed=seed):
        start = at(8 + 2 * chance.randrange(4), days=1)
        try:
            book(town.session, by=None, visit=visit, start=start, end=start + timedelta(hours=2),
                 channel="phone")  # fmt: skip
        except SlotGone:
            continue
        booked.append(visit)
    town.session.commit()
    return booked


def held(town: Town) -> tuple[Wanted, SlotHold]:
    """A window kept for somebody who is still on the phone."""
    site = a_site(town.session, customer=a_customer(town.session), territory=town.territory,
                  latitude=60.19, longitude=24.9, parking_minutes=0, access_minutes=0)  # fmt: skip
    asked = Wanted(site, Needs(duration_minutes=45), 3)
    policy = OfferPolicy(least_chance=0.0)
    found = offer_wanted(town.session, asked, first_day=TOMORROW, days=1, policy=policy).windows[0]
    kept = hold(town.session, by=None, wanted=asked, start=found.start, end=found.end, minutes=5)
    town.session.commit()
    return asked, kept


def tidied(town: Town) -> dict[str, Any]:
    """Let the waiting run happen now."""
    town.session.execute(update(JobRun).where(JobRun.kind == KIND).values(ready_at=func.now()))
    town.session.commit()
    run = town.session.scalars(select(JobRun).where(JobRun.kind == KIND).order_by(JobRun.id)).all()[-1]
    outbox.perform(str(run.id))
    town.session.expire_all()
    assert run.state == "done", run.error
    assert run.result is not None
    return run.result


def draft(town: Town) -> DayPlan:
    """Tomorrow's draft."""
    found = town.in_force(TOMORROW)
    assert found is not None
    assert found.state == "draft"
    return found


def price(town: Town) -> int:
    """What tomorrow's draft costs; who was refused a window is not counted."""
    day = day_of(town.session, town.territory.id, TOMORROW)
    built = problem.build(town.session, day, travel.times(), plan=draft(town), only_routes=True)
    return sum(cost(built.problem, plan_rows.to_plan(built, draft(town))).values())


def places(town: Town) -> dict[Any, Any]:
    """Who goes where and when."""
    return {stop.visit_id: (stop.technician_id, stop.start) for stop in draft(town).stops}


@pytest.mark.parametrize("seed", range(3))
def test_a_tidied_draft_is_cheaper_and_keeps_every_promise_and_every_held_window(
    town: Town, seed: int
) -> None:
    """R-303, R-309: the same visits in their windows; proposals made before stay good."""
    visits = called(town, seed)
    asked, kept = held(town)
    before, version, former = price(town), town.head(TOMORROW).version, places(town)
    assert tidied(town) == {"tidied": True}
    assert price(town) < before
    assert places(town) != former
    assert set(places(town)) == {visit.id for visit in visits}
    assert violations(town, draft(town), TOMORROW) == []
    assert town.head(TOMORROW).version == version
    for visit in visits:
        who, start = places(town)[visit.id]
        assert (visit.technician_id, visit.planned_start) == (who, start)
        assert visit.window_start is not None
        assert visit.window_end is not None
        assert visit.window_start <= start <= visit.window_end
    late = town.visit(duration_minutes=45)
    late.work_order.site_id = asked.site.id
    book(town.session, by=None, visit=late, start=kept.window_start, end=kept.window_end, channel="phone",
         hold_id=kept.id)  # fmt: skip
    assert late.id in places(town)


def test_most_drafts_that_calls_leave_behind_can_be_tidied(town: Town) -> None:
    """R-303: the check above is not content with doing nothing."""
    called(town)
    before = price(town)
    assert tidied(town) == {"tidied": True}
    assert price(town) < 0.95 * before


def test_bookings_of_a_while_are_tidied_up_after_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-303."""
    monkeypatch.setenv("TRUCKROLL_TIDY_AFTER_SECONDS", "3600")
    called(town)
    assert len(town.session.scalars(select(JobRun).where(JobRun.kind == KIND)).all()) <= 2
    monkeypatch.setenv("TRUCKROLL_TIDY_AFTER_SECONDS", "0")
    town.session.execute(JobRun.__table__.delete().where(JobRun.kind == KIND))
    called(town, seed=2, calls=3)
    assert town.session.scalars(select(JobRun).where(JobRun.kind == KIND)).all() == []


def test_what_is_published_is_left_as_people_know_it(town: Town) -> None:
    """R-309."""
    called(town)
    publish(town.session, by=None, plan=draft(town), expected_version=town.head(TOMORROW).version)
    town.session.commit()
    book(town.session, by=None, visit=town.visit(duration_minutes=30), start=at(14, days=1),
         end=at(16, days=1), channel="phone")  # fmt: skip
    town.session.commit()
    former = places(town)
    assert tidied(town) == {"tidied": False}
    assert places(town) == former


def test_what_is_booked_meanwhile_wins(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-303: the better plan knew nothing of it, so it is dropped."""
    called(town)
    solved: Callable[..., Any] = tidying.solved
    late = town.visit(duration_minutes=30)
    town.session.commit()

    def slowly(*given: Any) -> Any:
        answer = solved(*given)
        book(town.session, by=None, visit=late, start=at(8, days=1), end=at(16, days=1), channel="phone")
        town.session.commit()
        return answer

    monkeypatch.setattr(tidying, "solved", slowly)
    assert tidied(town) == {"tidied": False}
    assert late.id in places(town)
    assert violations(town, draft(town), TOMORROW) == []
