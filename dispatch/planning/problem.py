"""
From the database to the optimiser's day: the only place where moments and places become integers.

Parking and access minutes of a site are added to the drive that leads there, since the technician spends
them between the road and the door; two visits at one site in a row pay them once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.customers.model import Site
from dispatch.parts.model import Part, VanStock
from dispatch.planning.model import DayPlan, PlanLock, PlanStop
from dispatch.technicians import queries as technicians
from dispatch.technicians.queries import OnDuty
from dispatch.territories.model import Territory
from dispatch.travel import TravelTimes
from dispatch.travel.provider import Point
from dispatch.work_orders.lifecycle import FINISHED_STATES, ON_DUTY_STATES, VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from optimizer.problem import Break, Certificate, Lock, Matrix, Problem, Technician, Window
from optimizer.problem import Visit as Job

NOT_BEGUN = (VisitState.UNPLANNED, VisitState.PLANNED, VisitState.PUBLISHED, VisitState.ACCEPTED)
ANNOUNCED = frozenset({VisitState.PUBLISHED, VisitState.ACCEPTED})
BEGUN = tuple(ON_DUTY_STATES | FINISHED_STATES)
LATEST = 36 * 3600
"""End of a plan day in seconds after its midnight: a night shift may reach into the next day."""

Facts = tuple[Visit, WorkOrder, Site]


@dataclass(frozen=True, slots=True)
class Day:
    """One territory and calendar day; converts between moments and seconds since its local midnight."""

    territory_id: uuid.UUID
    day: date
    timezone: str

    @property
    def midnight(self) -> datetime:
        """Start of the day in UTC."""
        return clock.local_midnight(self.day, self.timezone)

    def seconds(self, moment: datetime) -> int:
        """Seconds since local midnight; negative before it."""
        return int((moment - self.midnight).total_seconds())

    def moment(self, seconds: int) -> datetime:
        """Return the moment of a number of seconds since local midnight."""
        return self.midnight + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Built:
    """A problem with what is needed to read its plan back."""

    day: Day
    problem: Problem
    visits: Mapping[str, Visit]
    begun: frozenset[str]
    """Ids of visits already under way or finished: facts of the plan."""


def day_of(session: Session, territory_id: uuid.UUID, on: date) -> Day:
    """Return the day of a territory in its own zone."""
    zone = session.execute(select(Territory.timezone).where(Territory.id == territory_id)).scalar_one()
    return Day(territory_id, on, zone)


def candidates(
    session: Session, day: Day, plan: DayPlan | None, extra: Iterable[uuid.UUID]
) -> Sequence[Facts]:
    """
    Return the visits that a plan of this day is about.

    Promised for the day, on the day's plan already, begun on the day, or still without any promise.
    """
    start, end = clock.day_bounds(day.day, day.timezone)
    on_plan = [stop.visit_id for stop in plan.stops] if plan else []
    waiting = Visit.state.in_(NOT_BEGUN)
    begun = and_(Visit.state.in_(BEGUN), Visit.planned_start >= start, Visit.planned_start < end)
    promised = and_(waiting, Visit.window_start >= start, Visit.window_start < end)
    unpromised = and_(waiting, Visit.window_start.is_(None), WorkOrder.opened_at < end)
    wanted = or_(promised, begun, unpromised, and_(waiting, Visit.id.in_([*on_plan, *extra])))
    statement = (
        select(Visit, WorkOrder, Site)
        .join(WorkOrder, Visit.work_order_id == WorkOrder.id)
        .join(Site, WorkOrder.site_id == Site.id)
        .where(WorkOrder.territory_id == day.territory_id, wanted, WorkOrder.waiting_reason.is_(None))
        .order_by(Visit.id)
    )
    return session.execute(statement).tuples().all()


def build(
    session: Session,
    day: Day,
    travel: TravelTimes,
    *,
    plan: DayPlan | None = None,
    extra: Iterable[uuid.UUID] = (),
    relaxed: frozenset[str] = frozenset(),
) -> Built:
    """
    Gather one day into an optimiser problem.

    ``plan`` is the plan in force (its technicians are the previous ones), ``extra`` names visits to include
    whatever their promise, ``relaxed`` names visits whose promised window may be missed because it cannot be
    kept any more.
    """
    now = max(0, day.seconds(clock.now()))
    rows = candidates(session, day, plan, extra)
    crew = technicians.on_duty(session, day.territory_id, day.day)
    present = {member.technician.id for member in crew}
    rows = [row for row in rows if row[0].state in NOT_BEGUN or row[0].technician_id in present]
    places = _Places(crew, [row[2] for row in rows])
    jobs = [_job(day, row, places, now, relaxed) for row in rows]
    begun = {str(row[0].id): row[0] for row in rows if row[0].state in BEGUN}
    stock = _stock(session, present)
    vehicles = [_vehicle(day, member, places, stock.get(member.technician.id, {}), now) for member in crew]
    locks = [*_facts(day, begun.values(), now), *_pins(session, day, rows)]
    problem = Problem(day.day, tuple(vehicles), tuple(jobs), places.matrix(travel), tuple(locks))
    return Built(day, problem, {str(row[0].id): row[0] for row in rows}, frozenset(begun))


class _Places:
    """Numbers the homes and sites of a day: homes first, each site once."""

    def __init__(self, crew: Sequence[OnDuty], sites: Sequence[Site]) -> None:
        self.points: list[Point] = []
        self.minutes: list[int] = []
        self.homes: dict[uuid.UUID, int] = {}
        self.sites: dict[uuid.UUID, int] = {}
        for member in crew:
            self.homes[member.technician.id] = len(self.points)
            self._add(member.technician.home_latitude, member.technician.home_longitude, 0)
        for site in sites:
            if site.id not in self.sites:
                self.sites[site.id] = len(self.points)
                self._add(site.latitude, site.longitude, site.parking_minutes + site.access_minutes)

    def _add(self, latitude: float, longitude: float, minutes: int) -> None:
        self.points.append(Point(latitude, longitude))
        self.minutes.append(minutes)

    def matrix(self, travel: TravelTimes) -> Matrix:
        """Ask for all pairs and add parking and access on the way in."""
        if not self.points:
            return Matrix((), ())
        table = travel.matrix(self.points)
        seconds = table.seconds.copy()
        for column, minutes in enumerate(self.minutes):
            seconds[:, column] += 60 * minutes
            seconds[column, column] = 0
        return Matrix(seconds.tolist(), table.metres.tolist())


def _job(day: Day, row: Facts, places: _Places, now: int, relaxed: frozenset[str]) -> Job:
    visit, order, site = row
    is_begun = visit.state in BEGUN
    return Job(
        id=str(visit.id),
        location=places.sites[site.id],
        duration=_duration(visit, day, now) if is_begun else visit.duration_minutes * 60,
        windows=() if is_begun else _windows(day, visit, now, str(visit.id) in relaxed),
        skills={} if is_begun else {code: int(level) for code, level in visit.skills.items()},
        certificates=frozenset() if is_begun else frozenset(visit.certificates),
        parts={} if is_begun else {sku: int(count) for sku, count in visit.parts.items()},
        territory=str(day.territory_id),
        priority=order.priority,
        optional=visit.window_start is None,
        excluded_technicians=frozenset(str(item) for item in order.excluded_technicians),
        required_technician=str(visit.required_technician_id) if visit.required_technician_id else None,
        previous_technician=str(visit.technician_id) if visit.state in ANNOUNCED else None,
    )


def _duration(visit: Visit, day: Day, now: int) -> int:
    """Length of a begun visit: as it was, or as expected, but never over before the present moment."""
    start = day.seconds(_begun_at(visit))
    if visit.finished_at is not None:
        return max(60, day.seconds(visit.finished_at) - start)
    return max(visit.duration_minutes * 60, now + 300 - start)


def _begun_at(visit: Visit) -> datetime:
    found = visit.started_at or visit.arrived_at or visit.planned_start
    if found is None:
        raise ValueError(f"visit {visit.id} has begun without any time")
    return found


def _windows(day: Day, visit: Visit, now: int, is_relaxed: bool) -> tuple[Window, ...]:
    if visit.window_start is None or visit.window_end is None:
        return (Window(now, LATEST),)
    start, end = day.seconds(visit.window_start), day.seconds(visit.window_end)
    if is_relaxed or end < now:
        return (Window(max(start, now), LATEST),)
    return (Window(start, end),)


def _stock(session: Session, technician_ids: set[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    statement = (
        select(VanStock.technician_id, Part.sku, VanStock.quantity)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.technician_id.in_(technician_ids), VanStock.quantity > 0)
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for technician_id, sku, quantity in session.execute(statement):
        found.setdefault(technician_id, {})[sku] = quantity
    return found


def _vehicle(day: Day, member: OnDuty, places: _Places, stock: dict[str, int], now: int) -> Technician:
    person, home = member.technician, places.homes[member.technician.id]
    start, end = day.seconds(member.starts_at), day.seconds(member.ends_at)
    return Technician(
        id=str(person.id),
        name=person.name,
        start=home,
        end=home,
        shift=Window(start, end),
        overtime=person.overtime_minutes * 60,
        breaks=_breaks(day, member, now),
        skills={held.skill_code: held.level for held in person.skills},
        certificates=tuple(
            Certificate(paper.code, paper.valid_from, paper.valid_until) for paper in person.certificates
        ),
        stock=stock,
        territories=frozenset({str(person.territory_id)}),
        earliest_departure=max(start, now) if now > start else None,
    )


def _breaks(day: Day, member: OnDuty, now: int) -> tuple[Break, ...]:
    if not member.break_minutes or member.break_earliest is None or member.break_latest is None:
        return ()
    earliest, latest = day.seconds(member.break_earliest), day.seconds(member.break_latest)
    if now > latest:
        return ()
    return (Break(max(earliest, now), latest, member.break_minutes * 60),)


def _facts(day: Day, begun: Iterable[Visit], now: int) -> list[Lock]:
    """Stops under way or finished, in the order in which they happened; they never overlap."""
    ordered = sorted(begun, key=lambda visit: (str(visit.technician_id), _begun_at(visit)))
    locks: list[Lock] = []
    positions: dict[uuid.UUID | None, int] = {}
    for visit in ordered:
        position = positions.get(visit.technician_id, 0)
        positions[visit.technician_id] = position + 1
        start = day.seconds(_begun_at(visit))
        locks.append(Lock(str(visit.id), str(visit.technician_id), start=start, sequence=position))
    return locks


def _pins(session: Session, day: Day, rows: Sequence[Facts]) -> list[Lock]:
    """Dispatchers' locks on visits that have not begun."""
    open_ids = [row[0].id for row in rows if row[0].state in NOT_BEGUN]
    pins = session.scalars(select(PlanLock).where(PlanLock.visit_id.in_(open_ids)))
    return [
        Lock(
            str(pin.visit_id),
            str(pin.technician_id) if pin.technician_id else None,
            start=day.seconds(pin.start) if pin.start else None,
        )
        for pin in pins
    ]


def stops_by_route(stops: Iterable[PlanStop]) -> dict[str, list[str]]:
    """Return technician id to visit ids in order."""
    routes: dict[str, list[tuple[int, str]]] = {}
    for stop in stops:
        routes.setdefault(str(stop.technician_id), []).append((stop.position, str(stop.visit_id)))
    return {technician: [visit for _, visit in sorted(pairs)] for technician, pairs in routes.items()}


def zone_of(day: Day) -> ZoneInfo:
    """Return the day's time zone."""
    return ZoneInfo(day.timezone)
