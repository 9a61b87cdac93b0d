"""
A day with everything in it: calls, cancellations, what technicians do, illness, emergencies, new plans.

Under any generated sequence every accepted promise is kept by the plan in force, is over, or is flagged: by
an alarm, a case, or as left out of the plan with a reason. Nobody is booked twice, the ledger never shrinks.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select, text

from dispatch.access.rules import Principal
from dispatch.planning import snapshot, spreads
from dispatch.planning.commands import book, publish
from dispatch.planning.model import DayPlan
from dispatch.planning.repairing import repair_absence
from dispatch.planning.rules import PlanNotPublishable, SlotGone
from dispatch.planning.snapshot import Limits
from dispatch.planning.watching import watch
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.promises.queries import last_promise
from dispatch.promises.rules import AlarmPolicy
from dispatch.technicians.commands import add_absence
from dispatch.technicians.model import Technician
from dispatch.technicians.rules import AbsenceOverlaps
from dispatch.work_orders.commands import cancel_visit
from dispatch.work_orders.lifecycle import OPEN_STATES, Actor, VisitState
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.steps import take_step
from optimizer import Budget, solve
from tests.builders import DAY, a_principal, at, of
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town

STEPS = 30
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
    visits: list[Visit] = field(default_factory=list)
    ledger: int = 0

    def call(self, priority: int = 3) -> None:
        """Somebody calls and is promised a window, if there is one."""
        place = 60.12 + 0.1 * self.chance.random(), 24.85 + 0.18 * self.chance.random()
        minutes = self.chance.choice([30, 60, 90])
        visit = self.town.visit(*place, duration_minutes=minutes, priority=priority)
        start = self.now.moment + timedelta(minutes=30 * self.chance.randrange(14))
        try:
            book(
                self.town.session,
                by=None,
                visit=visit,
                start=start,
                end=start + timedelta(hours=2),
                channel="phone",
            )
        except SlotGone:
            return
        self.visits.append(visit)

    def emergency(self) -> None:
        """Something cannot wait."""
        self.call(priority=5)

    def cancel(self) -> None:
        """A customer calls off."""
        waiting = [visit for visit in self.visits if visit.state in {"unplanned", "planned", "published"}]
        if waiting:
            visit = self.chance.choice(waiting)
            cancel_visit(self.town.session, by=a_principal(), visit=visit, reason="not needed")

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

    def replan(self) -> None:
        """Plan anew and publish, as the job and a dispatcher would."""
        session, territory_id = self.town.session, self.town.territory.id
        read = snapshot.read(session, territory_id, DAY, Limits(), frozenset())
        result = solve(read.built.problem, Budget(solutions=60), start=read.start)
        promised = {
            left.visit_id for left in result.plan.unserved if snapshot.is_promised(read.built, left.visit_id)
        }
        if promised:
            read = snapshot.read(session, territory_id, DAY, Limits(), frozenset(promised))
            result = solve(read.built.problem, Budget(solutions=60), start=result.plan)
        plan = snapshot.propose(session, read, result, seed=1, reason="optimise")
        try:
            publish(session, by=None, plan=plan, expected_version=self.town.head().version)
        except PlanNotPublishable:
            session.refresh(plan)

    def wait(self) -> None:
        """Time passes."""
        self.now.set(self.now.moment + timedelta(minutes=self.chance.choice([5, 15, 40])))

    def look(self) -> None:
        """The watch looks at the day."""
        watch(self.town.session, self.town.territory.id, DAY, POLICY)


@pytest.mark.parametrize("seed", range(14))
def test_every_promise_is_kept_by_the_plan_over_or_flagged(town: Town, now: MovableClock, seed: int) -> None:
    """R-309, R-503."""
    spreads.forget()
    town.territory.emergency_reserve_percent = 0
    for hours in ((8, 16), (8, 18), (9, 18)):
        town.technician(hours, break_minutes=0)
    life = Life(town, now, random.Random(seed))
    deeds = [
        *[life.call] * 4,
        life.emergency,
        life.cancel,
        *[life.work] * 4,
        life.ill,
        *[life.replan] * 2,
        *[life.wait] * 3,
        life.look,
    ]
    for _ in range(STEPS):
        life.chance.choice(deeds)()
        town.session.flush()
        _check_ledger(life)
    life.replan()
    life.look()
    _check_nobody_is_booked_twice(town)
    _check_promises(life)


def _check_ledger(life: Life) -> None:
    rows = life.town.session.scalar(select(func.count()).select_from(Promise)) or 0
    assert rows >= life.ledger
    life.ledger = rows


def _check_nobody_is_booked_twice(town: Town) -> None:
    town.session.execute(text("set constraints all immediate"))
    plan = town.in_force()
    assert plan is not None
    routes: dict[object, list[tuple[datetime, datetime]]] = {}
    for stop in plan.stops:
        routes.setdefault(stop.technician_id, []).append((stop.start, stop.end))
    for line in routes.values():
        line.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(line))


def _check_promises(life: Life) -> None:
    session, plan = life.town.session, life.town.in_force()
    assert isinstance(plan, DayPlan)
    planned = {stop.visit_id: stop for stop in plan.stops}
    left_out = {left.visit_id: left.sentence for left in plan.unserved}
    flagged = set(session.scalars(select(PromiseAlarm.promise_id)))
    cases = set(session.scalars(select(ReviewCase.visit_id).where(ReviewCase.decided_at.is_(None))))
    for visit in life.visits:
        if VisitState(visit.state) not in OPEN_STATES or visit.arrived_at is not None:
            continue
        told = last_promise(session, visit.id)
        assert told is not None
        stop = planned.get(visit.id)
        is_kept = stop is not None and stop.start <= told.window_end
        is_flagged = told.id in flagged or visit.id in cases or bool(left_out.get(visit.id))
        assert is_kept or is_flagged, f"{visit.number} is forgotten"
