"""
The day as it will probably go on: when everybody arrives, and which promises are in danger (R-503).

Routes are driven from what has really happened, in the order of the plan in force, whether they still hold
or not: windows delay nobody here, so lateness is told and not hidden. Who is away or has gone home comes to
nobody: such a stop has no expected arrival, and says why.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.planning import heads, problem, spreads
from dispatch.planning.chances import Spread, forecast
from dispatch.planning.days import Day, day_of
from dispatch.planning.model import PlanStop, Routes
from dispatch.planning.on_the_way import arrivals
from dispatch.planning.problem import Built, stops_by_route
from dispatch.planning.queries import day_version
from dispatch.planning.rules import Danger, danger_of
from dispatch.technicians.queries import find_technician
from dispatch.work_orders.model import Visit
from optimizer.errors import InfeasibleRoute
from optimizer.plan import Route
from optimizer.problem import Problem, Technician, Window
from optimizer.problem import Visit as Job
from optimizer.timing import timetable

REASON_ILL, REASON_OFF_DUTY, REASON_DELAY = "technician_ill", "off_duty", "delay"
"""Why nobody comes: away, without a shift then, or gone home before an earlier visit is over."""
PATIENCE = 48 * 3600
"""Seconds by which a shift is let go on, so that a late route can be told to its end."""


@dataclass(frozen=True, slots=True)
class StopForecast:
    """
    One stop at which nobody is yet.

    expected_arrival, deviation_seconds
        Mean and deviation of the arrival; None when nobody comes as the day is planned.
    chance
        Probability of arriving before the promised window is over; None without a promise.
    slack_seconds
        From the expected arrival to the end of the window; negative when it will probably be missed.
    reason
        Why nobody comes; None when somebody does.
    is_on_the_way
        Whether the technician has set out.
    """

    visit_id: uuid.UUID
    planned_start: datetime
    window_end: datetime | None
    expected_arrival: datetime | None
    deviation_seconds: int | None
    chance: float | None
    slack_seconds: int | None
    danger: Danger
    reason: str | None = None
    is_on_the_way: bool = False


@dataclass(frozen=True, slots=True)
class RouteForecast:
    """A technician's open stops in order, and when the last one is probably over."""

    technician_id: uuid.UUID
    stops: Sequence[StopForecast]


@dataclass(frozen=True, slots=True)
class DayForecast:
    """A territory's day at one version."""

    territory_id: uuid.UUID
    day: date
    version: int
    routes: Sequence[RouteForecast]


def day_forecast(session: Session, principal: Principal, territory_id: uuid.UUID, on: date) -> DayForecast:
    """Return how a day within the person's scope will probably go on, as things stand now."""
    version = day_version(session, principal, territory_id, on)
    return DayForecast(territory_id, on, version, routes_ahead(session, territory_id, on))


def routes_ahead(session: Session, territory_id: uuid.UUID, on: date) -> Sequence[RouteForecast]:
    """Return the routes of a day that have open stops, as they will probably go on; for jobs."""
    day = day_of(session, territory_id, on)
    current = heads.in_force(session, heads.find(session, territory_id, on))
    if current is None:
        return ()
    coming = arrivals(session, current.stops)
    built = problem.build(session, day, travel.times(), plan=current, only_routes=True, coming=coming)
    return driven_on(built, current, spreads.measured(session, territory_id), promises_in(built))


def route_forecast(
    session: Session, principal: Principal, territory_id: uuid.UUID, on: date, technician_id: uuid.UUID
) -> DayForecast:
    """Return how one technician's route of a day within the person's scope will probably go on."""
    version = day_version(session, principal, territory_id, on)
    ahead = route_ahead(session, territory_id, on, technician_id)
    if not ahead.stops and find_technician(session, principal, technician_id).territory_id != territory_id:
        raise NotFound("there is no such technician here")
    return DayForecast(territory_id, on, version, (ahead,))


def route_ahead(
    session: Session, territory_id: uuid.UUID, on: date, technician_id: uuid.UUID
) -> RouteForecast:
    """
    Return one route of a day as it will probably go on, as in the forecast of the whole day.

    Only this route is read and driven, unless a crew ties it to others.
    """
    head = heads.find(session, territory_id, on)
    plan_id = heads.in_force_id(head) if head is not None else None
    statement = (
        select(PlanStop, Visit.crew_size)
        .join(Visit, Visit.id == PlanStop.visit_id)
        .where(PlanStop.plan_id == plan_id, PlanStop.technician_id == technician_id)
        .order_by(PlanStop.position)
        .execution_options(populate_existing=True)
    )
    found = session.execute(statement).all() if plan_id is not None else ()
    part = _Part([stop for stop, _ in found])
    nothing = RouteForecast(technician_id, ())
    if not found:
        return nothing
    if any(crew_size > 1 for _, crew_size in found):
        whole = routes_ahead(session, territory_id, on)
        return next((route for route in whole if route.technician_id == technician_id), nothing)
    day = day_of(session, territory_id, on)
    coming, mine = arrivals(session, part.stops), technician_id
    built = problem.build(session, day, travel.times(), plan=part, only_routes=True, of=mine, coming=coming)
    spread = spreads.measured(session, territory_id)
    return next(iter(driven_on(built, part, spread, promises_in(built))), nothing)


@dataclass(frozen=True, slots=True)
class _Part:
    """One route of a plan."""

    stops: Sequence[PlanStop]


def promises_in(built: Built) -> dict[str, Window]:
    """Return the promised windows of a day as it was read, by visit."""
    return {
        name: Window(built.day.seconds(visit.window_start), built.day.seconds(visit.window_end))
        for name, visit in built.visits.items()
        if visit.window_start is not None and visit.window_end is not None
    }


def driven_on(
    built: Built,
    plan: Routes,
    spread: Spread,
    promised: Mapping[str, Window],
) -> Sequence[RouteForecast]:
    """Return the routes of a plan on a day as it was read, as they will probably go on."""
    stored = {str(stop.visit_id): stop for stop in plan.stops}
    order = stops_by_route(plan.stops)
    found = {
        route.technician_id: tuple(_stops(built, route, stored, spread, promised))
        for route in _driven(built, order)
    }
    for name in sorted(set(order) - {technician.id for technician in built.problem.technicians}):
        who = built.at_work.get(uuid.UUID(name))
        reason = REASON_ILL if who is not None else REASON_OFF_DUTY
        found[name] = tuple(
            _nobody(built, stored[visit.id], promised.get(visit.id), reason)
            for visit in _later(built, order[name])
        )
    return tuple(RouteForecast(uuid.UUID(name), stops) for name, stops in found.items() if stops)


def _later(built: Built, names: Iterable[str]) -> list[Job]:
    """The visits of a route that have not begun and are still of the day."""
    return [
        visit
        for name in names
        if name not in built.begun and (visit := built.problem.visit(name)) is not None
    ]


def _driven(built: Built, order: Mapping[str, Sequence[str]]) -> Iterator[Route]:
    """Every route as it goes on from what has happened."""
    for technician in built.problem.technicians:
        begun = built.problem.begun_by(technician.id)
        later = _later(built, order.get(technician.id, ()))
        if later or any(job.id in built.coming for job in begun):
            yield _drive(built.problem, technician, (*begun, *map(_patient, later)))


def _patient(job: Job) -> Job:
    """Return a visit that waits for its technician for ever, but does not begin before its window."""
    return replace(job, windows=tuple(Window(window.start, Day.LATEST + PATIENCE) for window in job.windows))


def _drive(day: Problem, technician: Technician, visits: tuple[Job, ...]) -> Route:
    """Time a route however late it gets; a break that cannot be taken any more is left out."""
    tireless = replace(technician, overtime=PATIENCE)
    try:
        return timetable(day, tireless, visits)
    except InfeasibleRoute:
        return timetable(day, replace(tireless, breaks=()), visits)


def _stops(
    built: Built,
    route: Route,
    stored: Mapping[str, PlanStop],
    spread: Spread,
    promised: Mapping[str, Window],
) -> Iterator[StopForecast]:
    now = built.day.seconds(clock.now())
    for name, seen in forecast(
        route, promised, spread, begun=built.begun, coming=built.coming, now=now
    ).items():
        window = promised.get(name)
        arrival = round(seen.arrival.mean)
        begins = built.day.moment(max(arrival, window.start) if window else arrival)
        reason = _why_not(built, stored[name], begins)
        if reason is not None:
            yield _nobody(built, stored[name], window, reason)
            continue
        yield StopForecast(
            visit_id=uuid.UUID(name),
            planned_start=stored[name].start,
            window_end=built.day.moment(window.end) if window else None,
            expected_arrival=built.day.moment(arrival),
            deviation_seconds=round(seen.arrival.deviation),
            chance=round(seen.chance, 4) if window else None,
            slack_seconds=window.end - arrival if window else None,
            danger=danger_of(seen.chance if window else None),
            is_on_the_way=name in built.coming,
        )


def _nobody(built: Built, stop: PlanStop, window: Window | None, reason: str) -> StopForecast:
    """A stop that its technician will not come to."""
    chance, is_out = 0.0 if window else None, str(stop.visit_id) in built.coming
    ends, danger = built.day.moment(window.end) if window else None, danger_of(chance)
    return StopForecast(stop.visit_id, stop.start, ends, None, None, chance, None, danger, reason, is_out)


def _why_not(built: Built, stop: PlanStop, begins: datetime) -> str | None:
    """
    Return why a technician does not come at the moment at which a stop would begin; None if they do.

    Who has a visit pinned to them works as long as that takes, though never while absent: planning lengthened
    the shift for the pin (``optimizer.concessions``).
    """
    who, is_on_the_way = built.at_work.get(stop.technician_id), str(stop.visit_id) in built.coming
    if who is None:
        return None if is_on_the_way else REASON_OFF_DUTY
    moments = [begins, *([stop.start] if stop.start > begins else [])]
    if any(piece.holds(moment) for piece in who.free for moment in moments):
        return None
    if any(piece.holds(begins) for piece in who.away):
        return REASON_ILL
    if is_on_the_way:
        return None
    able = built.problem.technician(str(stop.technician_id))
    if able is not None and begins < built.day.moment(able.shift.end + able.overtime):
        return None
    return REASON_DELAY if any(piece.holds(stop.start) for piece in who.free) else REASON_OFF_DUTY
