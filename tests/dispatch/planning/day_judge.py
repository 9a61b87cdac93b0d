"""
Judges of a generated day: the ledger, phones, publications, and every promise with its alarm.

What becomes of a promise, and when somebody can be there, is worked out here from the plan's order and from
what the test made happen; nothing of the product's forecast is asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch.clock import business_day
from dispatch.planning import heads
from dispatch.planning.candidates import ANNOUNCED, NOT_BEGUN
from dispatch.planning.leaving_out import LEFT_OUT
from dispatch.planning.model import Booking, DayPlan, PlanStop
from dispatch.promises.model import Promise, PromiseAlarm
from dispatch.technicians.model import Shift, Technician
from dispatch.work_orders.announcing import is_announced
from dispatch.work_orders.lifecycle import OPEN_STATES, VisitState
from dispatch.work_orders.model import ReviewCase, Visit
from tests.dispatch.planning.happened import Happened
from tests.planning_world import Town, feed_of

LONGEST_WAY = timedelta(minutes=55)
"""No way in the town takes longer, even if it takes somewhat longer than planned."""
DOUBT = timedelta(minutes=45)
"""Who would be there so long before a window's end keeps the promise in all likelihood."""
SURELY = timedelta(minutes=90)
"""Who cannot be there until so long after it does not, in all likelihood."""
NEAR = timedelta(hours=1)


class Ledger:
    """R-309: promises are added; none is changed, none goes."""

    def __init__(self) -> None:
        self.rows: dict[uuid.UUID, tuple[Any, ...]] = {}

    def check(self, session: Session) -> None:
        """Compare every row that was ever there."""
        found = {row.id: tuple(row) for row in session.execute(text("select * from promise"))}
        assert {name: found.get(name) for name in self.rows} == self.rows
        self.rows = found


def check_ordinals(session: Session) -> None:
    """The promises of each visit are counted without a gap, in the order in which they were told."""
    told: dict[uuid.UUID, list[Promise]] = {}
    for row in session.scalars(select(Promise).order_by(Promise.visit_id, Promise.ordinal)):
        told.setdefault(row.visit_id, []).append(row)
    for rows in told.values():
        assert [row.ordinal for row in rows] == list(range(1, len(rows) + 1))
        assert all(one.promised_at <= other.promised_at for one, other in pairwise(rows))


def check_phones(session: Session, visits: Sequence[Visit]) -> None:
    """Each phone holds the visits that are its technician's business, and no others (P2)."""
    for who in session.scalars(select(Technician)):
        told = dict(feed_of(session, who))
        mine = {str(visit.id) for visit in visits if visit.technician_id == who.id and is_announced(visit)}
        assert {name for name, kind in told.items() if kind == "put"} == mine


def check_published(town: Town, happened: Happened, plan: DayPlan, now: datetime) -> None:
    """Visits and bookings say what the plan says; nobody is booked twice, nothing is on two days."""
    session = town.session
    session.execute(text("set constraints all immediate"))
    session.execute(text("set constraints all deferred"))
    visits = {visit.id: visit for visit in session.scalars(select(Visit))}
    booked = {row.visit_id: row for row in session.scalars(select(Booking))}
    open_stops = {stop.visit_id: stop for stop in plan.stops if visits[stop.visit_id].state in NOT_BEGUN}
    for visit_id, stop in open_stops.items():
        visit, row = visits[visit_id], booked[visit_id]
        assert VisitState(visit.state) in ANNOUNCED
        assert row.plan_id == plan.id
        given = (stop.technician_id, stop.start, stop.end)
        assert (visit.technician_id, visit.planned_start, visit.planned_end) == given
        assert (row.technician_id, row.during.lower, row.during.upper) == given
        assert heads.days_with(session, town.territory.id, visit_id) == [plan.day]
    assert {name for name, row in booked.items() if row.plan_id == plan.id} == set(open_stops)
    waiting = {visit.id for visit in visits.values() if VisitState(visit.state) in ANNOUNCED}
    assert waiting == {name for name in booked if VisitState(visits[name].state) in ANNOUNCED}
    _check_nobody_is_in_two_places((stop.technician_id, stop.start, stop.end) for stop in plan.stops)
    for stop in open_stops.values():
        job = happened.under_way.get(stop.technician_id)
        free = now if job is None else job.over(now)
        assert stop.start >= free, f"{stop.start} while at {job} until {free}"
        assert not happened.is_away(stop.technician_id, stop.start)


def _check_nobody_is_in_two_places(stretches: Iterable[tuple[uuid.UUID, datetime, datetime]]) -> None:
    routes: dict[uuid.UUID, list[tuple[datetime, datetime]]] = {}
    for technician_id, start, end in stretches:
        routes.setdefault(technician_id, []).append((start, end))
    for line in routes.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(line)))


@dataclass(frozen=True, slots=True)
class Coming:
    """
    When somebody can be at a visit: not before ``earliest``, and, if nothing happens, by ``latest``.

    latest
        None where it is not known: somebody is absent for a while, or their shift may be over before.
    """

    technician_id: uuid.UUID
    earliest: datetime
    latest: datetime | None


def _coming(town: Town, happened: Happened, on: date, now: datetime) -> Mapping[uuid.UUID, Coming]:
    """Drive the routes of the plan in force, as fast and as slowly as can be, without what is handed back."""
    plan = town.in_force(on)
    routes: dict[uuid.UUID, list[PlanStop]] = {}
    for stop in sorted(plan.stops if plan else (), key=lambda stop: stop.position):
        routes.setdefault(stop.technician_id, []).append(stop)
    found: dict[uuid.UUID, Coming] = {}
    for shift in town.session.scalars(select(Shift)):
        if business_day(shift.starts_at, town.territory.timezone) == on:
            found |= _driven(town.session, happened, shift, routes.get(shift.technician_id, []), now)
    return found


def _driven(
    session: Session, happened: Happened, shift: Shift, stops: Sequence[PlanStop], now: datetime
) -> dict[uuid.UUID, Coming]:
    name = shift.technician_id
    soon, late = max(now, shift.starts_at), max(now, shift.starts_at)
    is_certain = not any(end > now for _, end in happened.away.get(name, ()))
    found: dict[uuid.UUID, Coming] = {}
    job = happened.under_way.get(name)
    if job is not None and job.arrived is None:
        there = max(now + timedelta(minutes=1), job.set_out + LONGEST_WAY)
        found[job.visit_id] = Coming(name, now, there if is_certain else None)
        soon, late = job.over(now), max(there, job.opens or there) + timedelta(minutes=job.minutes) + DOUBT
    elif job is not None:
        soon = late = job.over(now)
    for stop in stops:
        visit = session.get_one(Visit, stop.visit_id)
        if VisitState(visit.state) not in NOT_BEGUN or visit.technician_id is None:
            continue
        opens, work = visit.window_start or now, timedelta(minutes=visit.duration_minutes)
        late += LONGEST_WAY
        is_within = is_certain and max(late, opens, stop.end) < shift.ends_at
        found[visit.id] = Coming(name, soon, late if is_within else None)
        soon, late = max(soon, opens) + work, max(late, opens) + work + timedelta(minutes=15)
    return found


def judge(town: Town, happened: Happened, on: date, now: datetime) -> None:
    """
    Every promise of a day that was looked at just now, and its alarm.

    What is over has the outcome that follows from what happened, and a broken one is never without alarm.
    What is open and cannot be kept as the plan and the day stand is flagged; what is kept in all likelihood
    is not, or not any more (R-309, R-503, R-802).
    """
    session, zone = town.session, town.territory.timezone
    told: dict[uuid.UUID, list[Promise]] = {}
    for row in session.scalars(select(Promise).order_by(Promise.visit_id, Promise.ordinal)):
        told.setdefault(row.visit_id, []).append(row)
    alarms = {row.promise_id: row for row in session.scalars(select(PromiseAlarm))}
    known = {promise.id: promise for promises in told.values() for promise in promises}
    assert all(known[name].visit_id == alarm.visit_id for name, alarm in alarms.items())
    coming, over = _coming(town, happened, on, now), _over(session, on, zone, now)
    for visit_id, promises in told.items():
        for promise, later in zip(promises, [*promises[1:], None], strict=True):
            if business_day(promise.window_start, zone) != on:
                continue
            alarm = alarms.get(promise.id)
            assert alarm is None or alarm.day == on
            if visit_id in happened.disputed:
                _check_disputed(session, visit_id)
                continue
            anew = later.promised_at if later is not None else None
            outcome = happened.outcome(visit_id, promise.window_end, anew, over)
            if outcome:
                assert outcome != "broken" or alarm is not None, "nobody is told that it broke"
                is_new = alarm is not None and alarm.seen_at == now and alarm.ended_at is None
                if alarm is not None and not (outcome == "broken" and over and is_new):
                    assert (alarm.outcome, alarm.ended_at is not None) == (outcome, True)
            else:
                _check_open(town, happened, promise, alarm, coming.get(visit_id), now)
    _check_cases(town, told, on)


def _over(session: Session, on: date, zone: str, now: datetime) -> datetime | None:
    """Now, if nobody is on duty any more."""
    ends = [row.ends_at for row in session.scalars(select(Shift)) if business_day(row.starts_at, zone) == on]
    return now if now >= max(ends) else None


def _check_disputed(session: Session, visit_id: uuid.UUID) -> None:
    """Where office and technician tell contrary things, somebody has to decide."""
    statement = select(ReviewCase.kind).where(
        ReviewCase.visit_id == visit_id, ReviewCase.decided_at.is_(None), ReviewCase.kind != LEFT_OUT
    )
    kinds = set(session.scalars(statement))
    assert kinds & {"cancelled_but_done", "reassigned_but_done", "double_attendance", "illegal_transition"}


def _check_open(  # noqa: PLR0917 - a promise, its alarm, and what the test knows of both
    town: Town,
    happened: Happened,
    promise: Promise,
    alarm: PromiseAlarm | None,
    coming: Coming | None,
    now: datetime,
) -> None:
    visit, end = town.session.get_one(Visit, promise.visit_id), promise.window_end
    assert VisitState(visit.state) in OPEN_STATES
    assert (visit.window_start, visit.window_end) == (promise.window_start, end)
    is_flagged = alarm is not None and alarm.ended_at is None and alarm.recovered_at is None
    head = heads.find(town.session, town.territory.id, business_day(end, town.territory.timezone))
    is_due = (head is not None and head.published_plan_id is not None) or promise.window_start - now <= NEAR
    is_lost = (
        now > end
        or (coming is None and is_due)
        or (coming is not None and coming.earliest > end + SURELY)
        or (coming is not None and happened.is_away_until(coming.technician_id, now, end))
    )
    assert is_flagged or not is_lost, f"{visit.number} is forgotten"
    is_safe = coming is not None and coming.latest is not None and coming.latest + DOUBT <= end
    assert not is_flagged or not is_safe, f"{visit.number} is flagged, and kept"


def _check_cases(town: Town, told: Mapping[uuid.UUID, Sequence[Promise]], on: date) -> None:
    """A case of a visit that was left out is about its newest promise, and only while nobody comes."""
    plan = town.in_force(on)
    planned = {stop.visit_id for stop in plan.stops} if plan is not None else set()
    statement = select(ReviewCase).where(ReviewCase.kind == LEFT_OUT, ReviewCase.decided_at.is_(None))
    for case in town.session.scalars(statement):
        visit = town.session.get_one(Visit, case.visit_id)
        assert VisitState(visit.state) in NOT_BEGUN
        assert visit.id not in planned
        assert case.detail["promise_id"] == str(told[visit.id][-1].id)
