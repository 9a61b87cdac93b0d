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

from sqlalchemy.orm import Session

from dispatch import clock, outbox, travel
from dispatch.access.rules import Principal
from dispatch.events import EmergencyRaised
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.model import DayPlan, PlanHead
from dispatch.planning.problem import NOT_BEGUN, Built, Day
from dispatch.planning.rules import (
    EMERGENCY,
    SlotGone,
    SlotGrid,
    VisitNotPlannable,
    check_window,
    slot_windows,
)
from dispatch.promises import commands as promises
from dispatch.promises.model import Promise
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from optimizer import oracle
from optimizer.problem import Visit as Job
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
    technician_id: uuid.UUID
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
    today = problem.day_of(session, order.territory_id, clock.now().date())
    begin = first_day or clock.business_day(clock.now(), today.timezone)
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
    head = heads.find(session, day.territory_id, day.day)
    built, asked = _open(session, day, head, visit)
    now = max(0, day.seconds(clock.now()))
    slots = slot_windows(GRID, now)
    if order.priority >= EMERGENCY and now:
        slots = [(now, now + GRID.hours * 3600), *slots]
    windows = [Window(start, end) for start, end in slots]
    if not windows or not built.problem.technicians:
        return [], []
    plan = plan_rows.to_plan(built, heads.in_force(session, head))
    quotes = oracle.quote(built.problem, plan, asked, windows)
    offers = [_offer_view(day, order, head, quote) for quote in quotes]
    if offers:
        return offers, []
    refusals = oracle.refusals(built.problem, plan, asked, windows)
    return [], [Refusal(day.day, uuid.UUID(r.technician_id), r.code, r.sentence) for r in refusals]


def _offer_view(day: Day, order: WorkOrder, head: PlanHead | None, quote: oracle.Offer) -> WindowOffer:
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


def _open(session: Session, day: Day, head: PlanHead | None, visit: Visit) -> tuple[Built, Job]:
    plan = heads.in_force(session, head)
    built = problem.build(session, day, travel.times(), plan=plan, extra=[visit.id])
    asked = built.problem.visit(str(visit.id))
    if asked is None:
        raise VisitNotPlannable(f"visit {visit.number} waits for {visit.work_order.waiting_reason}")
    return built, asked


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
    _require_plannable(visit)
    order = visit.work_order
    day = problem.day_of(session, order.territory_id, start.date())
    day = replace(day, day=clock.business_day(start, day.timezone))
    head = heads.locked(session, day.territory_id, day.day)
    built, asked = _open(session, day, head, visit)
    plan = plan_rows.to_plan(built, heads.in_force(session, head))
    window = Window(max(day.seconds(start), 0, day.seconds(clock.now())), day.seconds(end))
    quotes = oracle.quote(built.problem, plan, asked, [window])
    if not quotes:
        raise SlotGone(
            f"nobody can keep {start.isoformat()} to {end.isoformat()}", fresh=_fresh(session, visit)
        )
    _leave_other_day(session, visit, day)
    draft = _draft(session, head, built)
    narrowed = replace(asked, windows=(window,))
    after = oracle.insert(built.problem, plan, quotes[0], narrowed)
    route = after.route_of(quotes[0].technician_id)
    if route is None:
        raise SlotGone("the route is gone", fresh=_fresh(session, visit))
    plan_rows.replace_route(session, draft, built, route)
    heads.touch(head)
    stop = next(stop for stop in route.stops if stop.visit_id == asked.id)
    if visit.state in {VisitState.UNPLANNED, VisitState.PLANNED}:
        work_orders.place(
            session,
            by=by,
            visit=visit,
            technician_id=uuid.UUID(route.technician_id),
            planned_start=day.moment(stop.start),
            planned_end=day.moment(stop.end),
            actor=Actor.DISPATCHER,
        )
    promise = promises.promise(
        session, by=by, visit=visit, window=(start, end), channel=channel,
        slot_cost_minor=quotes[0].extra_cost, reason=reason,
    )  # fmt: skip
    if order.priority >= EMERGENCY and day.seconds(clock.now()) > 0:
        outbox.record(session, EmergencyRaised(visit_id=str(visit.id)))
    return promise


def _require_plannable(visit: Visit) -> None:
    if visit.state not in NOT_BEGUN:
        raise VisitNotPlannable(f"visit {visit.number} is {visit.state}")


def _fresh(session: Session, visit: Visit) -> Sequence[dict[str, str]]:
    """Return windows that are still open, as text for the refusal."""
    windows = offer(session, visit, limit=5).windows
    return [{"start": item.start.isoformat(), "end": item.end.isoformat()} for item in windows]


def _leave_other_day(session: Session, visit: Visit, day: Day) -> None:
    """Take a visit that moves to another day out of the draft of the former day."""
    if visit.window_start is None:
        return
    former = clock.business_day(visit.window_start, day.timezone)
    if former == day.day:
        return
    head = heads.locked(session, day.territory_id, former)
    plan = heads.in_force(session, head)
    if plan is not None and plan.state == "draft":
        plan.stops = [stop for stop in plan.stops if stop.visit_id != visit.id]
    heads.touch(head)


def _draft(session: Session, head: PlanHead, built: Built) -> DayPlan:
    """Return the day's draft; a fresh one copies the published plan."""
    current = heads.in_force(session, head)
    if current is not None and current.state == "draft":
        return current
    plan = plan_rows.to_plan(built, current)
    draft = plan_rows.store(session, built, plan, state="draft", base_version=head.version, reason="booking")
    head.working_plan_id = draft.id
    return draft
