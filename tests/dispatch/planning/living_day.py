"""Whatever can happen on a day: calls, holds, links, what technicians do and tell, illness, new plans."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select

from dispatch.access.rules import Principal
from dispatch.planning import snapshot
from dispatch.planning.commands import book, choices, hold, move_for_customer, publish
from dispatch.planning.repairing import repair_absence
from dispatch.planning.rules import OfferPolicy, PlanNotPublishable, SlotGone, WindowImpossible
from dispatch.planning.snapshot import Limits
from dispatch.planning.wanting import Wanted
from dispatch.planning.watching import watch
from dispatch.promises import alarming
from dispatch.promises.linking import CHANGEABLE
from dispatch.promises.marking import book_again
from dispatch.promises.model import SlotHold
from dispatch.promises.rules import AlarmPolicy, HoldOver
from dispatch.technicians.commands import add_absence
from dispatch.technicians.model import Technician
from dispatch.technicians.rules import AbsenceOverlaps
from dispatch.work_orders.commands import cancel_visit, expect_end
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from dispatch.work_orders.steps import take_step
from optimizer import Budget, solve
from tests.builders import DAY, a_customer, a_principal, a_report, a_site, at, findings, of
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.day_judge import check_published, judge
from tests.dispatch.planning.happened import Happened, Job
from tests.dispatch.planning.phone_story import Story, is_still_theirs, push
from tests.planning_world import Town

S = VisitState
TOMORROW = DAY + timedelta(days=1)
EVERY = OfferPolicy(least_chance=0.0, searches=2)
HELD_MINUTES = 20
POLICY = AlarmPolicy(confirm=timedelta(0), notice=timedelta(minutes=30))
OPERATIONS = 6
"""What a phone keeps of one visit."""


@dataclass
class Life:
    """A day on which anything happens; ``happened`` is what its test knows of it."""

    town: Town
    now: MovableClock
    chance: random.Random
    phones: dict[uuid.UUID, Principal]
    held: list[SlotHold] = field(default_factory=list)
    happened: Happened = field(default_factory=Happened)
    stories: list[Story] = field(default_factory=list)
    sent: dict[uuid.UUID, int] = field(default_factory=dict)

    @property
    def visits(self) -> Sequence[Visit]:
        """Every visit: whoever was turned away waits in the pool, and a plan may serve them all the same."""
        return self.town.session.scalars(select(Visit).order_by(Visit.serial)).all()

    # The desk ------------------------------------------------------------------------------------

    def call(self, priority: int = 3) -> None:
        """Somebody calls and is promised a window, if there is one."""
        visit = self._visit(self.chance.choice([30, 60, 90]), priority)
        self._promise(visit, *self._window())

    def emergency(self) -> None:
        """Something cannot wait."""
        self.call(priority=5)

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
        waiting = [visit for visit in self.visits if S(visit.state) in CHANGEABLE]
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

    def promise_anew(self) -> None:
        """The desk calls somebody who waits and tells another window, in time or too late."""
        waiting = [
            visit for visit in self.visits if S(visit.state) in CHANGEABLE and visit.window_end is not None
        ]
        if waiting:
            self._promise(self.chance.choice(waiting), *self._window(), reason="delay")

    def _visit(self, minutes: int, priority: int = 3) -> Visit:
        return self.town.visit(*self._place(), duration_minutes=minutes, priority=priority)

    def _place(self) -> tuple[float, float]:
        return 60.12 + 0.1 * self.chance.random(), 24.85 + 0.18 * self.chance.random()

    def _window(self) -> tuple[datetime, datetime]:
        start = self.now.moment + timedelta(minutes=30 * self.chance.randrange(14))
        return start, start + timedelta(hours=2)

    def _promise(
        self,
        visit: Visit,
        start: datetime,
        end: datetime,
        kept: SlotHold | None = None,
        reason: str = "first",
    ) -> None:
        hold_id = kept.id if kept else None
        with suppress(SlotGone, HoldOver, WindowImpossible):
            book(self.town.session, by=None, visit=visit, start=start, end=end, channel="phone",
                 reason=reason, hold_id=hold_id)  # fmt: skip

    def cancel(self) -> None:
        """A customer calls off, it may be while the technician is on the way."""
        waiting = [visit for visit in self.visits if S(visit.state) in {*CHANGEABLE, S.TRAVELLING}]
        if waiting:
            visit = self.chance.choice(waiting)
            cancel_visit(self.town.session, by=a_principal(), visit=visit, reason="not needed")
            self.happened.ended[visit.id] = self.now.moment
            self.happened.forget(visit.id, self.now.moment)

    def come_again(self) -> None:
        """R-305: after a closed door a further visit is opened, and its customer promised a window."""
        closed = [visit for visit in self.visits if visit.state == S.NO_ACCESS]
        if closed:
            further = book_again(self.town.session, visit=self.chance.choice(closed))
            if further is not None:
                self._promise(further, *self._window())

    # The field -----------------------------------------------------------------------------------

    def _person(self, visit: Visit) -> Principal:
        return of(self.town.session.get_one(Technician, visit.technician_id))

    def _step(self, visit: Visit, target: VisitState, moment: datetime, reason: str | None = None) -> None:
        who = self._person(visit)
        assert who.technician_id is not None
        take_step(
            self.town.session,
            visit=visit,
            target=target,
            actor=Actor.ASSIGNEE,
            by=who,
            occurred_at=moment,
            reason=reason,
        )
        self.happened.last[who.technician_id] = moment

    @property
    def reachable(self) -> Iterator[uuid.UUID]:
        """Technicians at work whose phones have contact, in any order."""
        silent = {story.technician_id for story in self.stories}
        for name in self.chance.sample(sorted(self.phones), len(self.phones)):
            if name not in silent and not self.happened.is_away(name, self.now.moment):
                yield name

    def _next(self, technician_id: uuid.UUID) -> list[Visit]:
        """The visit that somebody sets out to next, within an hour of its start."""
        soon = self.now.moment + timedelta(hours=1)
        found = self._announced(technician_id)[:1]
        return [visit for visit in found if visit.planned_start and visit.planned_start <= soon]

    def _announced(self, technician_id: uuid.UUID) -> list[Visit]:
        found = [visit for visit in self.visits if visit.technician_id == technician_id]
        ahead = [visit for visit in found if S(visit.state) in {S.PUBLISHED, S.ACCEPTED}]
        due = [visit for visit in ahead if visit.planned_start and visit.planned_start < at(24)]
        return sorted(due, key=lambda visit: (visit.planned_start, visit.serial))

    def accept(self) -> None:
        """Technicians accept what came to their phones."""
        for name in self.reachable:
            for visit in self._announced(name):
                if visit.state == S.PUBLISHED and self.chance.random() < 0.5:
                    self._step(visit, S.ACCEPTED, self.now.moment)

    def decline(self) -> None:
        """A technician hands something back."""
        for name in self.reachable:
            open_ = [visit for visit in self._announced(name) if visit.state == S.PUBLISHED]
            if open_:
                self._step(self.chance.choice(open_), S.UNPLANNED, self.now.moment, "van is full")
                return

    def work(self) -> None:
        """A technician goes on with the day."""
        for name in self.reachable:
            if self._goes_on(name):
                return

    def _goes_on(self, name: uuid.UUID) -> bool:
        """Take the next step of one technician; some steps are told a while after they were taken."""
        late = timedelta(minutes=self.chance.choice([0, 0, 12]))
        moment = max(self.now.moment - late, self.happened.last.get(name, at(8)))
        job = self.happened.under_way.get(name)
        if job is not None:
            return self._works_on(name, job, moment)
        for visit in self._next(name):
            self._step(visit, S.TRAVELLING, moment)
            job = Job(visit.id, visit.duration_minutes, visit.window_start, moment)
            self.happened.under_way[name] = job
            return True
        return False

    def _works_on(self, name: uuid.UUID, job: Job, moment: datetime) -> bool:
        visit, luck = self.town.session.get_one(Visit, job.visit_id), self.chance.random()
        if job.arrived is None:
            if moment - job.set_out < timedelta(minutes=5):
                return False
            if luck < 0.07:
                self._meets_a_closed_door(name, visit, moment)
                return True
            self._step(visit, S.ON_SITE, moment)
            job.arrived = self.happened.arrived[visit.id] = moment
        elif job.started is None:
            if luck < 0.07:
                self._meets_a_closed_door(name, visit, moment)
            elif job.opens is None or moment >= job.opens:
                self._step(visit, S.WORKING, moment)
                job.started = moment
        elif job.told is None and luck < 0.2:
            left = self.chance.choice([20, 60, 120])
            expect_end(self.town.session, by=self._person(visit), visit=visit, minutes=left)
            job.told = self.now.moment + timedelta(minutes=left)
        elif moment - job.started >= timedelta(minutes=0.6 * job.minutes):
            findings(self.town.session, visit)
            a_report(self.town.session, visit)
            self._step(visit, S.DONE, moment)
            self.happened.done.add(visit.id)
            self.happened.leave(name, moment)
        return True

    def _meets_a_closed_door(self, name: uuid.UUID, visit: Visit, moment: datetime) -> None:
        self._step(visit, S.NO_ACCESS, moment, "nobody at home")
        self.happened.ended[visit.id] = moment
        self.happened.leave(name, moment)

    def lose_contact(self) -> None:
        """Somebody's phone has no contact from now on; its technician goes on to the next visit."""
        for name in self.reachable:
            if name in self.happened.under_way:
                continue
            for visit in self._next(name):
                set_out = max(self.now.moment, self.happened.last.get(name, at(8)))
                arrived = set_out + timedelta(minutes=self.chance.choice([10, 25, 50]))
                finished = arrived + timedelta(minutes=self.chance.choice([20, 60, 100]))
                heard = min(finished + timedelta(minutes=self.chance.choice([0, 60, 600])), at(20))
                self.stories.append(Story(name, visit.id, set_out, arrived, finished, heard))
                return

    def hear(self) -> None:
        """What phones without contact have kept comes in, after whatever the office has done since."""
        for story in [story for story in self.stories if story.heard <= self.now.moment]:
            self.stories.remove(story)
            self._hear(story)

    def _hear(self, story: Story) -> None:
        session, happened, name = self.town.session, self.happened, story.visit_id
        visit = session.get_one(Visit, name)
        session.refresh(visit)
        is_plain, is_free = is_still_theirs(visit, story), S(visit.state) in {*CHANGEABLE, S.CANCELLED}
        first = self.sent.get(story.technician_id, 1)
        self.sent[story.technician_id] = first + OPERATIONS
        told = push(session, self.phones[story.technician_id], story, first)
        session.refresh(visit)
        if is_plain or is_free:
            assert visit.state in {"done", "verified"}
            assert visit.technician_id == story.technician_id
            assert (visit.arrived_at, visit.finished_at) == (story.arrived, story.finished)
            happened.arrived[name] = story.arrived
            happened.done.add(name)
        if not is_plain:
            assert "applied_conflict" in told
            happened.disputed.add(name)
        happened.work(story.technician_id, story.arrived, story.finished)
        happened.last[story.technician_id] = story.finished

    def ill(self) -> None:
        """Somebody goes home, for the rest of the day or for some hours."""
        if self.chance.random() < 0.5:
            return
        for name in self.reachable:
            person = self.town.session.get_one(Technician, name)
            since = self.now.moment
            until = self.chance.choice([at(23), since + timedelta(hours=2)])
            with suppress(AbsenceOverlaps):
                absence = add_absence(
                    self.town.session,
                    by=None,
                    technician=person,
                    starts_at=since,
                    ends_at=until,
                    reason="ill",
                )
                self.happened.away.setdefault(name, []).append((since, until))
                repair_absence(self.town.session, absence.id, seconds=1.0)
            return

    # The plan ------------------------------------------------------------------------------------

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
        check_published(self.town, self.happened, plan, self.now.moment)
        self.look(on)

    def replan_tomorrow(self) -> None:
        """The same for the day after."""
        self.replan(TOMORROW)

    def wait(self, minutes: int = 0) -> None:
        """Time passes; the watch looks at the day as it goes on."""
        self.now.set(self.now.moment + timedelta(minutes=minutes or self.chance.choice([5, 15, 40])))
        self.hear()
        self.look()

    def look(self, on: date = DAY) -> None:
        """The watch looks at a day, and what it leaves is judged."""
        alarming.close_past(self.town.session, self.town.territory.id, before=DAY)
        watch(self.town.session, self.town.territory.id, on, POLICY)
        judge(self.town, self.happened, on, self.now.moment)

    def run_out(self) -> None:
        """The day goes on to its end: who works works on, one new plan at noon, and every phone is heard."""
        while self.now.moment < at(18.5):
            self.wait(30)
            for name in list(self.reachable):
                while self._goes_on(name) and self.chance.random() < 0.5:
                    pass
            if at(12.5) <= self.now.moment < at(13):
                self.replan()
        self.now.set(at(20))
        self.hear()
        self.look()
