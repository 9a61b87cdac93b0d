"""Calls, holds, promises, releases and time passing in any order: what was sold can always be kept."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dispatch.planning.commands import book, hold, offer_wanted
from dispatch.planning.rules import OfferPolicy, SlotGone
from dispatch.planning.wanting import Wanted
from dispatch.promises import holding
from dispatch.promises.model import Promise, SlotHold
from dispatch.promises.rules import HoldOver, HoldTaken
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from tests.builders import DAY, a_customer, a_site, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, violations

STEPS = 40
TOMORROW = DAY + timedelta(days=1)
"""No route has begun, however the clock goes on."""
EVERY = OfferPolicy(least_chance=0.0)


@dataclass
class Desk:
    """A call taker who does anything, in any order."""

    town: Town
    now: MovableClock
    chance: random.Random
    held: list[SlotHold] = field(default_factory=list)
    promised: list[Visit] = field(default_factory=list)
    ledger: int = 0

    def wanted(self) -> Wanted:
        """A job somewhere in town."""
        place = 60.12 + 0.1 * self.chance.random(), 24.85 + 0.18 * self.chance.random()
        site = a_site(
            self.town.session,
            customer=a_customer(self.town.session),
            territory=self.town.territory,
            latitude=place[0],
            longitude=place[1],
            parking_minutes=0,
            access_minutes=0,
        )
        skills = {"gas": self.chance.randrange(1, 3)} if self.chance.random() < 0.3 else {}
        return Wanted(site, Needs(duration_minutes=self.chance.choice([30, 60, 90]), skills=skills), 3)

    def hold(self) -> None:
        """Hold one of the windows on offer; what was offered just now can be had."""
        asked = self.wanted()
        windows = offer_wanted(self.town.session, asked, first_day=TOMORROW, days=1, policy=EVERY).windows
        if windows:
            found = self.chance.choice(windows)
            kept = hold(self.town.session, by=None, wanted=asked, start=found.start, end=found.end, minutes=5)
            self.held.append(kept)

    def promise(self) -> None:
        """Promise a held window, or any window, to a visit."""
        visit = self.town.visit(duration_minutes=self.chance.choice([30, 60, 90]))
        kept = self.chance.choice(self.held) if self.held and self.chance.random() < 0.7 else None
        start = at(8, days=1) + timedelta(minutes=30 * self.chance.randrange(18))
        window = (start, start + timedelta(hours=2))
        if kept is not None:
            visit.work_order.site_id, visit.duration_minutes = kept.site_id, kept.duration_minutes
            visit.skills = dict(kept.skills)
            window = (kept.window_start, kept.window_end)
        self.town.session.flush()
        is_good = kept is not None and kept.visit_id is None and kept.released_at is None
        is_good = is_good and kept is not None and kept.expires_at > self.now.moment
        try:
            book(self.town.session, by=None, visit=visit, start=window[0], end=window[1], channel="phone",
                 hold_id=kept.id if kept else None)  # fmt: skip
        except (SlotGone, HoldOver, HoldTaken):
            assert not is_good, "a good hold was refused"
            return
        assert kept is None or is_good
        self.promised.append(visit)

    def release(self) -> None:
        """Give a hold back."""
        if self.held:
            holding.release(self.town.session, by=None, hold=self.chance.choice(self.held))

    def wait(self) -> None:
        """Some minutes pass."""
        self.now.set(self.now.moment + timedelta(minutes=self.chance.choice([1, 2, 6])))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_at_the_desk_every_promise_can_be_kept(
    town: Town, now: MovableClock, seed: int
) -> None:
    """R-303, R-309: the draft keeps every rule, nobody is in two places, the ledger never shrinks."""
    chance = random.Random(seed)
    town.territory.emergency_reserve_percent = chance.choice([0, 15])
    for hours in ((8, 16), (9, 17), (10, 18)):
        town.technician(hours, days=1, skills={"gas": chance.randrange(1, 3)})
    desk = Desk(town, now, chance)
    for _ in range(STEPS):
        chance.choice([desk.hold, desk.hold, desk.promise, desk.promise, desk.release, desk.wait])()
        rows = town.session.scalar(select(func.count()).select_from(Promise)) or 0
        assert rows >= desk.ledger
        desk.ledger = rows
    plan = town.in_force(TOMORROW)
    assert desk.promised
    assert plan is not None
    now.set(max(kept.expires_at for kept in desk.held))
    assert holding.open_holds(town.session, town.territory.id, TOMORROW) == []
    assert {stop.visit_id for stop in plan.stops} == {visit.id for visit in desk.promised}
    assert desk.ledger == len(desk.promised)
    assert violations(town, plan, TOMORROW) == []
