"""
Arrival windows by insertion into the plan of the day: offers, and taking one.

A window is offered only when every rule accepts the visit in it (R-303); its price is what the day's plan
costs more. Taking an offer inserts the visit, writes the promise (R-309) and moves the day's version, all in
one transaction under the day's lock, so that two callers cannot buy the same slot.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox, travel
from dispatch.access.rules import Principal
from dispatch.events import EmergencyRaised
from dispatch.planning import heads, open_days, plan_rows, problem
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.days import Day, day_at
from dispatch.planning.model import Booking, DayPlan, PlanHead, PlanLock, PlanUnserved
from dispatch.planning.open_days import Question
from dispatch.planning.problem import Built
from dispatch.planning.rules import (
    SlotGone,
    SlotGrid,
    VisitNotPlannable,
    check_window,
    new_reason,
    slot_windows,
)
from dispatch.promises import commands as promises
from dispatch.promises.model import Promise
from dispatch.technicians import queries as technicians
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.rules import EMERGENCY
from optimizer.oracle import Offer as Quote
from optimizer.plan import Route
from optimizer.problem import Window

GRID = SlotGrid()


@dataclass(frozen=True, slots=True)
class WindowOffer:
    """One window that the plan can hold, with its price to the plan in minor units."""

    day: date
    start: datetime
    end: datetime
    cost_minor: int
    technician_id: uuid.UUID
    expected_start: datetime
    slack_seconds: int
    meets_response: bool
    plan_version: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one technician cannot take the visit on a day."""

    day: date
    technician_id: uuid.UUID | None
    """None when nobody at all is on duty."""
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Offers:
    """Windows that can be promised, cheapest first, and why nobody can when there are none."""

    windows: tuple[WindowOffer, ...]
    refusals: tuple[Refusal, ...]


def offer(
    session: Session, visit: Visit, *, first_day: date | None = None, days: int = 3, limit: int = 12
) -> Offers:
    """
    Return arrival windows for a visit over the next days, cheapest first.

    ``first_day`` defaults to today in the territory's zone. Nothing is written.
    """
    _require_plannable(visit)
    order = visit.work_order
    today = day_at(session, order.territory_id, clock.now())
    begin = first_day or today.day
    found: list[WindowOffer] = []
    refused: list[Refusal] = []
    for ahead in range(days):
        day = replace(today, day=begin + timedelta(days=ahead))
        offers, refusals = _offer_on(session, day, visit, order)
        found += offers
        refused += refusals
    found.sort(key=lambda item: (not item.meets_response, item.cost_minor, item.start))
    return Offers(tuple(found[:limit]), () if found else tuple(refused))


def _offer_on(
    session: Session, day: Day, visit: Visit, order: WorkOrder
) -> tuple[list[WindowOffer], list[Refusal]]:
    now = max(0, day.seconds(clock.now()))
    slots = slot_windows(((day.at_hour(a), day.at_hour(b)) for a, b in GRID.local_hours()), now)
    if order.priority >= EMERGENCY and day.is_today():
        slots = [(now, now + GRID.hours * 3600), *(slot for slot in slots if slot[0] > now)]
    windows = [Window(start, end) for start, end in slots]
    if not windows:
        return [], []
    nobody = Refusal(day.day, None, "NO_TECHNICIAN", "nobody is on duty on this day")
    if not technicians.has_shifts(session, day.territory_id, day.day):
        return [], [nobody]
    head = heads.find(session, day.territory_id, day.day)
    asked = _question(session, day, visit)
    if not asked.day.built.problem.technicians:
        return [], [nobody]
    offers = [_offer_view(day, order, head, quote) for quote in asked.quote(windows)]
    if offers:
        return offers, []
    refusals = asked.refusals(windows)
    return [], [Refusal(day.day, uuid.UUID(r.technician_id), r.code, r.sentence) for r in refusals]


def _offer_view(day: Day, order: WorkOrder, head: PlanHead | None, quote: Quote) -> WindowOffer:
    end = day.moment(quote.window.end)
    due = order.response_due_at
    return WindowOffer(
        day=day.day,
        start=day.moment(quote.window.start),
        end=end,
        cost_minor=quote.extra_cost,
        technician_id=uuid.UUID(quote.technician_id),
        expected_start=day.moment(quote.start),
        slack_seconds=quote.slack,
        meets_response=due is None or day.moment(quote.start) <= due,
        plan_version=head.version if head else 0,
    )


def _question(session: Session, day: Day, visit: Visit, *, exact: bool = False) -> Question:
    asked = open_days.question(session, day, visit, exact=exact)
    if asked is None:
        raise VisitNotPlannable(f"visit {visit.number} waits for {visit.work_order.waiting_reason}")
    return asked


def book(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    start: datetime,
    end: datetime,
    channel: str,
    reason: str = "first",
) -> Promise:
    """
    Promise a window and put the visit into the day's draft plan, or refuse with fresh offers.

    Raises ``SlotGone`` when no technician can keep the window any more.
    """
    start, end = clock.aware(start), clock.aware(end)
    check_window(start, end, clock.now())
    order = visit.work_order
    day = day_at(session, order.territory_id, start)
    head = _lock_days(session, visit, day)
    _require_plannable(visit)
    current = heads.in_force(session, head)
    asked = _question(session, day, visit, exact=True)
    built, before = asked.day.built, asked.day.oracle.plan
    window = Window(max(day.seconds(start), 0, day.seconds(clock.now())), day.seconds(end))
    quotes = asked.quote([window])
    if not quotes:
        raise SlotGone(
            f"nobody can keep {start.isoformat()} to {end.isoformat()}", fresh=_fresh(session, visit)
        )
    best = quotes[0]
    after = asked.taken(best)
    _leave_other_days(session, by=by, visit=visit, day=day)
    draft = _draft(session, head, built, current)
    plan_rows.replace_routes(session, draft, built, before=before, after=after)
    heads.touch(head)
    _place(session, by, visit, day, after.route_of(best.technician_id))
    _loosen(session, visit, start, end)
    promise = promises.promise(
        session,
        by=by,
        visit=visit,
        window=(start, end),
        channel=channel,
        slot_cost_minor=best.extra_cost,
        reason=new_reason(visit.window_start is not None, reason),
    )
    if order.priority >= EMERGENCY and day.is_today():
        outbox.record(session, EmergencyRaised(visit_id=str(visit.id)))
    return promise


def _lock_days(session: Session, visit: Visit, day: Day) -> PlanHead:
    """Lock every day concerned in order of time, then the visit; return the head of the wanted day."""
    concerned = {day.day, *heads.days_with(session, day.territory_id, visit.id)}
    locked = {on: heads.locked(session, day.territory_id, on) for on in sorted(concerned)}
    session.refresh(visit, with_for_update={"of": Visit})
    return locked[day.day]


def _place(session: Session, by: Principal | None, visit: Visit, day: Day, route: Route | None) -> None:
    """Note technician and times with a visit that no technician has heard of yet."""
    if route is None or visit.state not in {VisitState.UNPLANNED, VisitState.PLANNED}:
        return
    stop = next(stop for stop in route.stops if stop.visit_id == str(visit.id))
    work_orders.place(
        session,
        by=by,
        visit=visit,
        technician_id=uuid.UUID(route.technician_id),
        planned_start=day.moment(stop.start),
        planned_end=day.moment(stop.end),
        actor=Actor.DISPATCHER,
    )


def _loosen(session: Session, visit: Visit, start: datetime, end: datetime) -> None:
    """Take the start off a pin that contradicts the window the customer chose; its technician stays."""
    pin = session.scalars(select(PlanLock).where(PlanLock.visit_id == visit.id)).one_or_none()
    if pin is None or pin.start is None or start <= pin.start <= end:
        return
    if pin.technician_id is None:
        session.delete(pin)
    else:
        pin.start = None


def _require_plannable(visit: Visit) -> None:
    if visit.state not in NOT_BEGUN:
        raise VisitNotPlannable(f"visit {visit.number} is {visit.state}")


def _fresh(session: Session, visit: Visit) -> Sequence[dict[str, str]]:
    """Return windows that are still open, as text for the refusal."""
    windows = offer(session, visit, limit=5).windows
    return [{"start": item.start.isoformat(), "end": item.end.isoformat()} for item in windows]


def _leave_other_days(session: Session, *, by: Principal | None, visit: Visit, day: Day) -> None:
    """
    Take a visit that moves to another day off the plans of all other days; their heads are locked already.

    A published visit goes back to the pool, and its technician's phone forgets it.
    """
    for on in heads.days_with(session, day.territory_id, visit.id):
        if on == day.day:
            continue
        head = heads.locked(session, day.territory_id, on)
        former = replace(day, day=on)
        current = heads.in_force(session, head)
        built = problem.build(session, former, travel.times(), plan=current)
        before = plan_rows.to_plan(built, current)
        draft = _draft(session, head, built, current)
        after = plan_rows.to_plan(built, draft, without=frozenset({str(visit.id)}))
        plan_rows.replace_routes(session, draft, built, before=before, after=after)
        session.execute(delete(Booking).where(Booking.visit_id == visit.id))
        heads.touch(head)
        if visit.state == VisitState.PUBLISHED:
            work_orders.release(session, by=by, visit=visit, reason="moved to another day")


def _draft(session: Session, head: PlanHead, built: Built, current: DayPlan | None) -> DayPlan:
    """Return the day's draft; a fresh one copies the plan in force and why it leaves visits out."""
    if current is not None and current.state == "draft":
        return current
    if current is not None:
        built = problem.build(session, built.day, travel.times(), plan=current)
    plan = plan_rows.to_plan(built, current)
    draft = plan_rows.store(session, built, plan, state="draft", base_version=head.version, reason="booking")
    if current is not None:
        draft.unserved = [
            PlanUnserved(
                visit_id=left.visit_id, reason=left.reason, sentence=left.sentence, action=left.action
            )
            for left in current.unserved
            if str(left.visit_id) in built.visits
        ]
    head.working_plan_id = draft.id
    return draft
