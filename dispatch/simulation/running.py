"""
The demo's day from the first call to the daily log, driven over HTTP on a simulated clock.

Everything the company would do by hand is a request; everything it would do by itself is left to the workers
and the scheduler that run beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from dispatch import clock, db, travel
from dispatch.billing import pricing
from dispatch.outbox import JobRun
from dispatch.simulation import watch
from dispatch.simulation.day_types import GeneratedCall, GeneratedDay
from dispatch.simulation.desk import Desk
from dispatch.simulation.enduring import enduring
from dispatch.simulation.fault_proxy import FaultProxy, Weather
from dispatch.simulation.field import Bill, FieldTechnician
from dispatch.simulation.mishaps import Mishaps
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.seeding import LABOUR_PER_HOUR, TAX_RATE, TRAVEL_FEE, World
from dispatch.simulation.timeline import Timeline
from dispatch.simulation.traffic import OperationCount

SETTLE_PATIENCE_SECONDS = 240.0
PUBLISH_AFTER = timedelta(minutes=10)
BEYOND, UNITS_EVERY = timedelta(minutes=1), timedelta(minutes=30)
WEATHER = Weather(dropped=0.04, lost=0.06, repeated=0.04, cut=0.05, late=0.1, late_seconds=(0.001, 0.004))
"""Of the way between phones and API: bad, but quick, since a simulated phone tries again at once."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the solver may think about the day, in seconds."""

    day_seconds: float = 2


class DemoDay:
    """One generated day on a running installation."""

    def __init__(
        self, *, day: GeneratedDay, world: World, base_url: str, phones: Path, pace: Pace, tell: Tell
    ) -> None:
        self.day, self.world, self.tell, self.pace = day, world, tell, pace
        self.desk = Desk(base_url, day, world)
        self.mishaps = Mishaps(self.desk)
        self.desk.unexpected = self.mishaps.bringing_for
        self.timeline = Timeline(day.first_call_at)
        self.count = OperationCount()
        self.line = FaultProxy(base_url, WEATHER, seed=day.seed, traffic=self.count)
        self.phones = {
            person.number: PhoneClient(
                self.line.url,
                world.logins[person.number.lower()],
                phones / f"{person.number}.sqlite",
                self._now,
            )
            for person in day.technicians
        }
        self.field = [self._technician(person.number) for person in day.technicians]
        self._is_out = self._is_publishing = False
        self._told_at = datetime.min.replace(tzinfo=UTC)

    def _now(self) -> datetime:
        return self.timeline.now

    def _technician(self, number: str) -> FieldTechnician:
        person = next(item for item in self.day.technicians if item.number == number)
        return FieldTechnician(
            person=person,
            phone=self.phones[number],
            timeline=self.timeline,
            travel=travel.times(),
            call_for=self.desk.call_for,
            day=self.day,
            bill=self._bill,
        )

    def _bill(self, call: GeneratedCall) -> Bill:
        """Price a visit as the technician's price list says."""
        template = next(item for item in self.day.templates if item.code == call.template)
        listed = {part.sku: part.price_minor for part in self.day.parts}
        parts = sum(listed[sku] * quantity for sku, quantity in template.parts.items())
        prices = pricing.Prices(
            "demo", self.day.currency, _minor(LABOUR_PER_HOUR), 30, 15, _minor(TRAVEL_FEE), TAX_RATE, 1095, 10
        )
        nets = pricing.estimate(call.course.work_minutes, parts, prices, template.crew_size)
        sums = pricing.totals(nets, TAX_RATE)
        return Bill(sums.net_minor, sums.gross_minor)

    def run(self) -> None:
        """Let the day happen, then close it; phones are heard over a bad network."""
        with self.line:
            self._happen()

    def _happen(self) -> None:
        zone = ZoneInfo(self.day.timezone)
        morning = datetime.combine(self.day.day, datetime.min.time(), zone) + timedelta(hours=5)
        for call in self.day.calls:
            self.timeline.at(call.received_at, lambda call=call: self._call(call))  # type: ignore[misc]
        self.timeline.at(morning, self._plan_day)
        for phone in self.phones.values():
            phone.sign_in()
        for technician in self.field:
            technician.begin()
        self.timeline.at(morning + timedelta(hours=5), self._illness)
        night = clock.local_midnight(self.day.day + timedelta(days=1), self.day.timezone)
        self.timeline.at(night + timedelta(minutes=-30), self._evening)
        self.timeline.run(self._progress)
        self._settle_up(night)

    def _call(self, call: GeneratedCall) -> None:
        visit_id = self.desk.take_call(call, self.timeline.now)
        if visit_id is None:
            return
        if call.case == "contract":
            self._await_limit(visit_id)
        if call.is_emergency:
            self._emergency(call, visit_id)
        elif self._is_out and not self._is_publishing:
            self._is_publishing = True
            self.timeline.at(self.timeline.now + PUBLISH_AFTER, self._publish_bookings)

    def _publish_bookings(self) -> None:
        """Publish what was booked during the last minutes in one go, as a dispatcher would."""
        self._is_publishing = False
        self.desk.publish_draft(self.day.day)

    def _emergency(self, call: GeneratedCall, visit_id: str) -> None:
        """Give an emergency a place in the day under way; before the plan is out it is simply booked."""
        if not self._is_out:
            self.desk.promise(visit_id, (), first_day=self.day.day, earliest=True)
            return
        how = self.desk.place_emergency(visit_id, self.day.day, self.day.seed)
        self.tell(f"{self._clock()}  emergency {call.template}: {how}")

    def _illness(self) -> None:
        self.tell(
            f"{self._clock()}  a technician falls ill: {self.mishaps.somebody_is_ill(self.timeline.now)}"
        )

    def _await_limit(self, visit_id: str) -> None:
        """Stop where a limit of resolution is over on the day; a real day's watch would come by (R-402)."""
        due = self.desk.resolution_due(visit_id)
        if due is not None and due < clock.day_bounds(self.day.day, self.day.timezone)[1]:
            self.timeline.at(due + BEYOND, self._limit_over)

    def _limit_over(self) -> None:
        watch.look()
        _await(lambda: not watch.is_looking(), "the watch")
        await_jobs()
        self.tell(f"{self._clock()}  a limit of resolution is over: {self.mishaps.loaners()}")
        self._follow_units()

    def _follow_units(self) -> None:
        """Now and then let technicians know of units to bring and to fetch, while anybody is at work."""
        self.mishaps.publish_ways()
        if any(not technician.handed_in for technician in self.field):
            self.timeline.at(self.timeline.now + UNITS_EVERY, self._follow_units)

    def _plan_day(self) -> None:
        self.tell(f"{self._clock()}  {self.desk.tally.promised} windows promised; optimising the day")
        view = self.desk.optimise_and_publish(self.day.day, self.pace.day_seconds, self.day.seed)
        self._is_out = True
        plan = view["published"]
        self.timeline.at(watch.next_tick(self.timeline.now), self._watch)
        count, left = len(plan["stops"]), len(plan["unserved"])
        self.tell(f"{self._clock()}  plan revision {view['revision']}: {count} stops, {left} unserved")

    def _watch(self) -> None:
        """Stop where the watch is due; what is in danger is looked at before anything else (R-503)."""
        if watch.is_anything_in_danger(self.world.territory_id, self.day.day):
            watch.look()
            _await(lambda: not watch.is_looking(), "the watch")
        if any(not technician.handed_in for technician in self.field):
            self.timeline.at(watch.next_tick(self.timeline.now), self._watch)

    def _evening(self) -> None:
        """Late in the evening: phones send what is left, unfinished work gets a new date."""
        for phone in self.phones.values():
            phone.push()
        for technician in self.field:
            for visit_id in technician.unfinished:
                self._rebook(visit_id)

    def _rebook(self, visit_id: str) -> None:
        dispatcher = self.desk.people["dispatcher"]
        order_id = dispatcher.get(f"/v1/visits/{visit_id}")["work_order_id"]
        order = dispatcher.get(f"/v1/work-orders/{order_id}")
        leading = [visit for visit in order["visits"] if visit["leader_id"] is None]
        waiting = [visit for visit in leading if visit["state"] == "unplanned"]
        if not waiting and leading[-1]["state"] == "no_access":
            waiting = [dispatcher.create(f"/v1/work-orders/{order_id}/visits", {})]
        for visit in waiting:
            self.desk.follow_up(visit["id"], self.day.day + timedelta(days=1))

    def _settle_up(self, night: datetime) -> None:
        """After midnight: review, invoice, collect, and let the scheduler write the log."""
        self.tell("the day is over; settling, invoicing and writing the log")
        await_jobs()
        reviewed = self.desk.approve_reviews()
        await_jobs()
        paid = self.desk.collect_transfers(self.timeline.now, share=0.6)
        self.tell(f"finance released {reviewed} settlements and booked {paid} transfers")
        self.timeline.at(night + timedelta(minutes=31), lambda: None)
        self.timeline.run()
        await_log(self.day.day.isoformat())
        await_jobs()

    def _progress(self, now: datetime) -> None:
        """Say now and then how far the day is."""
        if now - self._told_at < timedelta(hours=1):
            return
        self._told_at = now
        done = sum(technician.work.visits for technician in self.field)
        self.tell(f"{self._clock()}  {self.desk.tally.calls} calls, {done} visits done")

    def _clock(self) -> str:
        return self.timeline.now.astimezone(ZoneInfo(self.day.timezone)).strftime("%a %H:%M")

    def close(self) -> None:
        """Hang up every phone and screen."""
        self.desk.close()
        for phone in self.phones.values():
            phone.close()


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)


@enduring
def _open_runs() -> int:
    with db.transaction() as session:
        statement = select(func.count()).select_from(JobRun).where(JobRun.state.in_(["ready", "running"]))
        return int(session.scalar(statement) or 0)


@enduring
def _log_is_written(day: str) -> bool:
    with db.transaction() as session:
        state = session.scalar(
            select(JobRun.state).where(JobRun.key == f"performance.write_daily_log:daily-log:{day}")
        )
        return state == "done"


def await_jobs() -> None:
    """Wait until no job is ready or running."""
    _await(lambda: _open_runs() == 0, "jobs to end")


def await_log(day: str) -> None:
    """Wait until the scheduler's run for a day is done."""
    _await(lambda: _log_is_written(day), f"the daily log of {day}")


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SETTLE_PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {SETTLE_PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(0.05)
