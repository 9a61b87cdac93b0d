"""
A day with everything in it, and the day after: calls, holds, links, what technicians do, illness, new plans.

Under any generated sequence every accepted promise is kept by the plan in force, is over, or is flagged.
After each publication nobody is booked twice, visits, bookings and plans say the same, and each phone holds
what its technician has been given. The ledger never shrinks.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select, text

from dispatch.access.rules import Principal
from dispatch.clock import business_day
from dispatch.planning import heads, snapshot, spreads
from dispatch.planning.candidates import ANNOUNCED, NOT_BEGUN
from dispatch.planning.commands import book, choices, hold, move_for_customer, publish
from dispatch.planning.model import Booking, DayPlan
from dispatch.planning.repairing import repair_absence
from dispatch.planning.rules import OfferPolicy, PlanNotPublishable, SlotGone, WindowImpossible
from dispatch.planning.snapshot import Limits
from dispatch.planning.wanting import Wanted
from dispatch.planning.watching import watch
from dispatch.promises.linking import CHANGEABLE
from dispatch.promises.model import Promise, PromiseAlarm, SlotHold
from dispatch.promises.queries import last_promise
from dispatch.promises.rules import AlarmPolicy, HoldOver
from dispatch.technicians.commands import add_absence
from dispatch.technicians.model import Technician
from dispatch.technicians.rules import AbsenceOverlaps
from dispatch.work_orders.announcing import is_announced
from dispatch.work_orders.commands import cancel_visit
from dispatch.work_orders.lifecycle import OPEN_STATES, Actor, VisitState
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.rules import Needs
from dispatch.work_orders.steps import take_step
from optimizer import Budget, solve
from tests.builders import DAY, a_customer, a_principal, a_shift, a_site, at, of
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, feed_of

STEPS = 30
TOMORROW = DAY + timedelta(days=1)
EVERY = OfferPolicy(least_chance=0.0, searches=2)
HELD_MINUTES = 20
POLICY = AlarmPolicy(confirm=timedelta(0), notice=timedelta(minutes=30))
NEXT = {
    VisitState.PUBLISHED: VisitState.TRAVELLING,
    VisitState.ACCEPTED: VisitState.TRAVELLING,
    VisitState.TRAVELLING: VisitState.ON_SITE,
    VisitState.ON_SITE: VisitState.WORKING,
}


@dataclass
class Life:
    """Whatever can happen on a day."""

    town: Town
    now: MovableClock
    chance: random.Random
    held: list[SlotHold] = field(default_factory=list)
    ledger: int = 0

    @property
    def visits(self) -> Sequence[Visit]:
        """Every visit: whoever was turned away waits in the pool, and a plan may serve them all the same."""
        return self.town.session.scalars(select(Visit).order_by(Visit.serial)).all()

    def call(self, priority: int = 3) -> None:
        """Somebody calls and is promised a window, if there is one."""
        visit = self._visit(self.chance.choice([30, 60, 90]), priority)
        self._promise(visit, *self._window())

    def hold(self) -> None:
        """A window is held for somebody who still thinks about it."""
        session, territory = self.town.session, self.town.territory
        place = dict(zip(("latitude", "longitude"), self._place(), strict=True))
        site = a_site(session, customer=a_customer(session), territory=territory, **place)
        asked = Wanted(site, Needs(duration_minutes=self.chance.choice([30, 60, 90])), 3)
        start, end = self._window()
        with suppress(SlotGone):
            found = hold(session, by=None, wanted=asked, start=start, end=end, minutes=HELD_MINUTES)
            self.held.append(found)

    def take(self) -> None:
        """The held window is wanted; it may be over by now."""
        if self.held:
            kept = self.held.pop(self.chance.randrange(len(self.held)))
            visit = self._visit(kept.duration_minutes)
            visit.work_order.site_id = kept.site_id
            self.town.session.flush()
            self._promise(visit, kept.window_start, kept.window_end, kept)

    def move(self) -> None:
        """A customer chooses another window by the link; what the list shows can be had."""
        session = self.town.session
        waiting = [visit for visit in self.visits if VisitState(visit.state) in CHANGEABLE]
        if not waiting:
            return
        visit, on = self.chance.choice(waiting), self.chance.choice([DAY, TOMORROW])
        found = choices(session, visit, policy=EVERY, first_day=on, days=1)
        if visit.window_start is None or visit.window_start < self.now.moment or not found:
            return
        wanted = self.chance.choice(found)
        words = {"start": wanted.start, "end": wanted.end}
        told = move_for_customer(session, visit=visit, notice=timedelta(0), policy=EVERY, **words)
        assert (visit.window_start, visit.window_end) == (told.window_start, told.window_end)
        assert (told.window_start, told.window_end) == (wanted.start, wanted.end)

    def _visit(self, minutes: int, priority: int = 3) -> Visit:
        return self.town.visit(*self._place(), duration_minutes=minutes, priority=priority)

    def _place(self) -> tuple[float, float]:
        return 60.12 + 0.1 * self.chance.random(), 24.85 + 0.18 * self.chance.random()

    def _window(self) -> tuple[datetime, datetime]:
        start = self.now.moment + timedelta(minutes=30 * self.chance.randrange(14))
        return start, start + timedelta(hours=2)

    def _promise(self, visit: Visit, start: datetime, end: datetime, kept: SlotHold | None = None) -> None:
        hold_id = kept.id if kept else None
        with suppress(SlotGone, HoldOver, WindowImpossible):
            book(self.town.session, by=None, visit=visit, start=start, end=end, channel="phone",
                 hold_id=hold_id)  # fmt: skip

    def emergency(self) -> None:
        """Something cannot wait."""
        self.call(priority=5)

    def cancel(self) -> None:
        """A customer calls off."""
        waiting = [visit for visit in self.visits if VisitState(visit.state) in CHANGEABLE]
        if waiting:
            visit = self.chance.choice(waiting)
            cancel_visit(self.town.session, by=a_principal(), visit=visit, reason="not needed")

    def accept(self) -> None:
        """A technician accepts what came to the phone."""
        for visit in self.visits:
            if visit.state == VisitState.PUBLISHED and self.chance.random() < 0.5:
                steps = {"target": VisitState.ACCEPTED, "actor": Actor.ASSIGNEE, "by": self._person(visit)}
                take_step(self.town.session, visit=visit, **steps)

    def work(self) -> None:
        """A technician goes on with the next visit of the route."""
        plan = self.town.in_force()
        if plan is None or plan.state != "published":
            return
        for stop in sorted(plan.stops, key=lambda stop: (stop.technician_id, stop.position)):
            visit = self.town.session.get_one(Visit, stop.visit_id)
            state = VisitState(visit.state)
            if state in NEXT and visit.technician_id == stop.technician_id and self.chance.random() < 0.5:
                who = self._person(visit)
                take_step(
                    self.town.session,
                    visit=visit,
                    target=NEXT[state],
                    actor=Actor.ASSIGNEE,
                    by=who,
                    occurred_at=self.now.moment,
                )
                return

    def _person(self, visit: Visit) -> Principal:
        return of(self.town.session.get_one(Technician, visit.technician_id))

    def ill(self) -> None:
        """Somebody goes home."""
        plan = self.town.in_force()
        if plan is None or not plan.stops or self.chance.random() < 0.6:
            return
        person = self.town.session.get_one(Technician, self.chance.choice(plan.stops).technician_id)
        try:
            absence = add_absence(
                self.town.session,
                by=None,
                technician=person,
                starts_at=self.now.moment,
                ends_at=at(23),
                reason="ill",
            )
        except AbsenceOverlaps:
            return
        repair_absence(self.town.session, absence.id, seconds=1.0)

    def replan(self, on: date = DAY) -> None:
        """Plan anew and publish, as the job and a dispatcher would; what is published holds together."""
        session, territory_id = self.town.session, self.town.territory.id
        read = snapshot.read(session, territory_id, on, Limits(), frozenset())
        result = solve(read.built.problem, Budget(solutions=60), start=read.start)
        promised = {
            left.visit_id for left in result.plan.unserved if snapshot.is_promised(read.built, left.visit_id)
        }
        if promised:
            read = snapshot.read(session, territory_id, on, Limits(), frozenset(promised))
            result = solve(read.built.problem, Budget(solutions=60), start=result.plan)
        plan = snapshot.propose(session, read, result, seed=1, reason="optimise")
        try:
            publish(session, by=None, plan=plan, expected_version=self.town.head(on).version)
        except PlanNotPublishable:
            session.refresh(plan)
            return
        check_published(self, plan)
        watch(session, territory_id, on, POLICY)
        check_promises(self, on)

    def replan_tomorrow(self) -> None:
        """The same for the day after."""
        self.replan(TOMORROW)

    def wait(self) -> None:
        """Time passes."""
        self.now.set(self.now.moment + timedelta(minutes=self.chance.choice([5, 15, 40])))

    def look(self) -> None:
        """The watch looks at the day."""
        watch(self.town.session, self.town.territory.id, DAY, POLICY)


@pytest.mark.parametrize("seed", range(7))
def test_every_promise_is_kept_by_the_plan_over_or_flagged(town: Town, now: MovableClock, seed: int) -> None:
    """R-309, R-503."""
    spreads.forget()
    town.territory.emergency_reserve_percent = 0
    for hours in ((8, 16), (8, 18), (9, 18)):
        who = town.technician(hours, break_minutes=0)
        a_shift(town.session, who, starts_at=at(8, days=1), ends_at=at(17, days=1), break_minutes=0)
    life = Life(town, now, random.Random(seed))
    deeds = [
        *[life.call] * 3,
        *[life.hold, life.take] * 2,
        life.emergency,
        life.cancel,
        *[life.move] * 2,
        *[life.accept] * 2,
        *[life.work] * 4,
        life.ill,
        *[life.replan] * 2,
        life.replan_tomorrow,
        *[life.wait] * 3,
        life.look,
    ]
    for _ in range(STEPS):
        life.chance.choice(deeds)()
        town.session.flush()
        _check_ledger(life)
        check_phones(life)
    for on in (DAY, TOMORROW):
        life.replan(on)
    assert life.visits


def _check_ledger(life: Life) -> None:
    rows = life.town.session.scalar(select(func.count()).select_from(Promise)) or 0
    assert rows >= life.ledger
    life.ledger = rows


def check_phones(life: Life) -> None:
    """Each phone holds the visits that are its technician's business, and no others (P2)."""
    session = life.town.session
    for who in session.scalars(select(Technician)):
        told = dict(feed_of(session, who))
        mine = {
            str(visit.id) for visit in life.visits if visit.technician_id == who.id and is_announced(visit)
        }
        assert {name for name, kind in told.items() if kind == "put"} == mine


def check_published(life: Life, plan: DayPlan) -> None:
    """Visits and bookings say what the plan says; nobody is booked twice, nothing is on two days."""
    session = life.town.session
    session.execute(text("set constraints all immediate"))
    session.execute(text("set constraints all deferred"))
    booked = {row.visit_id: row for row in session.scalars(select(Booking))}
    open_stops = {stop.visit_id: stop for stop in plan.stops if _state(life, stop.visit_id) in NOT_BEGUN}
    for visit_id, stop in open_stops.items():
        visit, row = session.get_one(Visit, visit_id), booked[visit_id]
        assert VisitState(visit.state) in ANNOUNCED
        assert row.plan_id == plan.id
        given = (stop.technician_id, stop.start, stop.end)
        assert (visit.technician_id, visit.planned_start, visit.planned_end) == given
        assert (row.technician_id, row.during.lower, row.during.upper) == given
        assert heads.days_with(session, life.town.territory.id, visit_id) == [plan.day]
    assert {name for name, row in booked.items() if row.plan_id == plan.id} == set(open_stops)
    waiting = {visit.id for visit in life.visits if VisitState(visit.state) in ANNOUNCED}
    assert waiting == {name for name in booked if _state(life, name) in ANNOUNCED}
    _check_nobody_is_in_two_places((stop.technician_id, stop.start, stop.end) for stop in plan.stops)


def _state(life: Life, visit_id: uuid.UUID) -> VisitState:
    return VisitState(life.town.session.get_one(Visit, visit_id).state)


def _check_nobody_is_in_two_places(stretches: Iterable[tuple[uuid.UUID, datetime, datetime]]) -> None:
    routes: dict[uuid.UUID, list[tuple[datetime, datetime]]] = {}
    for technician_id, start, end in stretches:
        routes.setdefault(technician_id, []).append((start, end))
    for line in routes.values():
        line.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(line))


def check_promises(life: Life, on: date) -> None:
    """Every promise of a day that is not over is kept by its plan, or somebody has been told (R-503)."""
    session, plan = life.town.session, life.town.in_force(on)
    assert plan is not None
    planned = {stop.visit_id: stop for stop in plan.stops}
    flagged = set(session.scalars(select(PromiseAlarm.promise_id)))
    cases = set(session.scalars(select(ReviewCase.visit_id).where(ReviewCase.decided_at.is_(None))))
    for visit in life.visits:
        if VisitState(visit.state) not in OPEN_STATES or visit.arrived_at is not None:
            continue
        told = last_promise(session, visit.id)
        if told is None or business_day(told.window_start, life.town.territory.timezone) != on:
            continue
        stop = planned.get(visit.id)
        is_kept = stop is not None and stop.start <= told.window_end
        is_flagged = told.id in flagged or visit.id in cases
        assert is_kept or is_flagged, f"{visit.number} is forgotten"
