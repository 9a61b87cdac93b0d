"""
A day with everything in it, to its end, and the day after: calls, holds, links, phones, illness, new plans.

Under any generated sequence every accepted promise is kept by the plan in force, is over with the outcome
that follows from what happened, or is flagged by an alarm of its own. Nobody is booked twice nor works at two
places, visits, bookings and plans say the same, and each phone holds what its technician has been given. The
ledger never shrinks, and none of its rows changes.
"""

from __future__ import annotations

import random
import uuid

import pytest
from sqlalchemy import select

from dispatch.access.rules import Principal
from dispatch.planning import spreads
from dispatch.promises.model import PromiseAlarm
from dispatch.work_orders.lifecycle import ON_DUTY_STATES, VisitState
from tests.builders import a_shift, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.day_judge import Ledger, check_ordinals, check_phones
from tests.dispatch.planning.living_day import TOMORROW, Life
from tests.dispatch.sync.field import Field
from tests.planning_world import Town

CALLS, STEPS = 8, 24


def a_life(town: Town, now: MovableClock, seed: int) -> Life:
    """Three technicians with phones, on duty today and tomorrow, and a day that anything may happen on."""
    spreads.forget()
    town.territory.emergency_reserve_percent = 0
    phones: dict[uuid.UUID, Principal] = {}
    for hours in ((8, 16), (8, 18), (9, 18)):
        who = town.technician(hours, break_minutes=0)
        a_shift(town.session, who, starts_at=at(8, days=1), ends_at=at(17, days=1), break_minutes=0)
        phones[who.id], _ = Field.person(town.session, who)
    return Life(town, now, random.Random(seed), phones)


@pytest.mark.parametrize("seed", range(5))
def test_every_promise_is_kept_by_the_plan_over_or_flagged(town: Town, now: MovableClock, seed: int) -> None:
    """R-309, R-503, R-802."""
    life, ledger = a_life(town, now, seed), Ledger()
    deeds = [
        *[life.call] * 3,
        *[life.hold, life.take] * 2,
        life.emergency,
        life.cancel,
        *[life.move] * 2,
        life.promise_anew,
        life.come_again,
        *[life.accept] * 2,
        life.decline,
        *[life.work] * 4,
        *[life.lose_contact] * 2,
        life.ill,
        *[life.replan] * 2,
        life.replan_tomorrow,
        *[life.wait] * 3,
        life.look,
    ]
    for _ in range(CALLS):
        life.call()
    life.replan()
    for _ in range(STEPS):
        life.chance.choice(deeds)()
        town.session.flush()
        ledger.check(town.session)
        check_phones(town.session, life.visits)
    life.replan()
    life.run_out()
    life.replan(TOMORROW)
    ledger.check(town.session)
    check_ordinals(town.session)
    check_phones(town.session, life.visits)
    life.happened.check_works()
    check_works(life)
    check_alarms_are_over(life)


def check_works(life: Life) -> None:
    """Each visit was reached when and by whom the test had it reached; who is still there fell ill."""
    happened = life.happened
    for visit in life.visits:
        if visit.id not in happened.disputed:
            assert visit.arrived_at == happened.arrived.get(visit.id)
        assert (visit.finished_at is not None) == (visit.id in happened.done)
        if VisitState(visit.state) in ON_DUTY_STATES:
            assert visit.technician_id in happened.under_way


def check_alarms_are_over(life: Life) -> None:
    """In the evening every alarm of the day has its end."""
    open_ = select(PromiseAlarm).where(PromiseAlarm.ended_at.is_(None), PromiseAlarm.day != TOMORROW)
    assert life.town.session.scalars(open_).all() == []
