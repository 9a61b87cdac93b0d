"""
What would be if: assumptions about a day, put into the day's problem without anything being written.

Absences, shifts and moved sites are written as the rows they would be, read as on any day, and rolled back;
delays, emergencies and closed areas change the problem that was read.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, travel
from dispatch.customers.model import Site
from dispatch.planning import heads, nights, plan_rows, problem
from dispatch.planning.days import Day
from dispatch.planning.forecasting import promises_in
from dispatch.planning.model import DayPlan
from dispatch.planning.problem import Built
from dispatch.planning.rules import AssumptionInvalid
from dispatch.planning.wanting import Wanted
from dispatch.technicians.model import Absence, Shift, Technician
from dispatch.travel.detours import ClosedArea, DetouredTravel
from dispatch.travel.provider import TravelTimes
from dispatch.work_orders.rules import EMERGENCY, Needs
from optimizer.plan import Plan
from optimizer.problem import Visit as Job
from optimizer.problem import Window


@dataclass(frozen=True, slots=True)
class Away:
    """A technician who cannot be planned between two moments."""

    technician_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Late:
    """A technician who sets out so many minutes later than planned, or than now."""

    technician_id: uuid.UUID
    minutes: int


@dataclass(frozen=True, slots=True)
class Duty:
    """A technician's shift of the day at other times."""

    technician_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """A site that is somewhere else."""

    site_id: uuid.UUID
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Emergencies:
    """Further emergencies at sites of the territory, drawn by the scenario's seed."""

    count: int
    starts_at: datetime
    within_minutes: int
    duration_minutes: int
    skills: dict[str, int]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All that is assumed about one day."""

    absences: tuple[Away, ...] = ()
    delays: tuple[Late, ...] = ()
    shifts: tuple[Duty, ...] = ()
    moved_sites: tuple[Moved, ...] = ()
    emergencies: tuple[Emergencies, ...] = ()
    closed_areas: tuple[ClosedArea, ...] = ()

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Return assumptions from plain lists; ids and moments may be text, as in a stored row."""
        found = {
            name: tuple(_row(kind, row) for row in given.get(name) or ()) for name, kind in KINDS.items()
        }
        return cls(**found)

    def plain(self) -> dict[str, Any]:
        """Return them as plain lists, fit for JSON."""
        rows = {name: [asdict(row) for row in getattr(self, name)] for name in KINDS}
        return {name: [_jsonable(row) for row in found] for name, found in rows.items() if found}

    @property
    def technician_ids(self) -> set[uuid.UUID]:
        """Everybody who is named."""
        named: tuple[Away | Late | Duty, ...] = (*self.absences, *self.delays, *self.shifts)
        return {row.technician_id for row in named}


KINDS: dict[str, type[Any]] = {
    "absences": Away,
    "delays": Late,
    "shifts": Duty,
    "moved_sites": Moved,
    "emergencies": Emergencies,
    "closed_areas": ClosedArea,
}


@dataclass(frozen=True, slots=True)
class Supposed:
    """
    A day as it would be.

    promised
        Windows told to customers, by visit.
    imagined
        Ids of emergencies that nobody has reported.
    """

    built: Built
    start: Plan
    version: int
    promised: Mapping[str, Window]
    imagined: frozenset[str]


def _row(kind: type[Any], given: dict[str, Any]) -> Any:
    known = {field.name: str(field.type) for field in fields(kind)}
    return kind(**{name: _typed(value, known[name]) for name, value in given.items() if name in known})


def _typed(value: Any, kind: str) -> Any:
    if isinstance(value, str) and kind == "uuid.UUID":
        return uuid.UUID(value)
    if isinstance(value, str) and kind == "datetime":
        return datetime.fromisoformat(value)
    return value


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def checked(session: Session, day: Day, given: Assumptions) -> Assumptions:
    """Refuse assumptions about nobody of the territory, nowhere in it, or about no time of the day."""
    statement = select(Technician.id).where(Technician.territory_id == day.territory_id)
    crew = set(session.scalars(statement.where(Technician.id.in_(given.technician_ids))))
    if unknown := given.technician_ids - crew:
        raise AssumptionInvalid(
            "somebody named is not of this territory", technicians=sorted(map(str, unknown))
        )
    places = {row.site_id for row in given.moved_sites}
    known = select(Site.id).where(Site.territory_id == day.territory_id, Site.id.in_(places))
    if missing := places - set(session.scalars(known)):
        raise AssumptionInvalid("a site named is not of this territory", sites=sorted(map(str, missing)))
    begin, end = clock.day_bounds(day.day, day.timezone)
    over, late = nights.end_of(session, day), day.moment(Day.LATEST)
    if (
        over <= clock.now()
        or any(not begin <= row.starts_at < end for row in given.shifts)
        or any(not begin <= row.starts_at < over for row in given.emergencies)
        or any(row.ends_at <= begin or row.starts_at >= late for row in given.absences)
    ):
        raise AssumptionInvalid("an assumption is about another day, or the day is over")
    stretches: tuple[Away | Duty, ...] = (*given.absences, *given.shifts)
    for row in stretches:
        if not row.starts_at < row.ends_at <= row.starts_at + timedelta(hours=36):
            raise AssumptionInvalid("a stretch of time ends after it starts, within 36 hours")
    return given


def supposed(
    session: Session,
    day: Day,
    given: Assumptions,
    *,
    seed: int = 1,
    relaxed: frozenset[str] = frozenset(),
    only_routes: bool = False,
    plan: DayPlan | None = None,
    extra: Iterable[uuid.UUID] = (),
) -> Supposed:
    """
    Read a day as it would be under assumptions; the session is left as it was.

    ``plan`` is the one to start from, by default the one in force; ``extra`` names visits to include.
    """
    head = heads.find(session, day.territory_id, day.day)
    current = plan or heads.in_force(session, head)
    roads = DetouredTravel(travel.times(), given.closed_areas) if given.closed_areas else travel.times()
    savepoint = session.begin_nested()
    try:
        _write(session, day, given)
        built = problem.build(
            session, day, roads, plan=current, extra=extra, relaxed=relaxed, only_routes=only_routes
        )
        sites = _emergency_sites(session, day, given.emergencies, seed)
        built, imagined = _with_emergencies(built, sites, roads)
        built = _with_delays(built, given.delays)
        start = plan_rows.to_plan(built, current)
        promised = promises_in(built)
    finally:
        savepoint.rollback()
    version = head.version if head else 0
    return Supposed(replace(built, visits={}), start, version, promised, imagined)


def _write(session: Session, day: Day, given: Assumptions) -> None:
    """Write absences, shifts and positions as they would be."""
    for away in given.absences:
        session.add(
            Absence(
                technician_id=away.technician_id,
                starts_at=away.starts_at,
                ends_at=away.ends_at,
                reason="assumed",
            )
        )
    start, end = clock.day_bounds(day.day, day.timezone)
    for duty in given.shifts:
        statement = select(Shift).where(Shift.technician_id == duty.technician_id)
        former = session.scalars(statement.where(Shift.starts_at >= start, Shift.starts_at < end)).all()
        for shift in former:
            session.delete(shift)
        rest = former[0] if former else None
        session.add(
            Shift(
                technician_id=duty.technician_id,
                starts_at=duty.starts_at,
                ends_at=min(duty.ends_at, duty.starts_at + timedelta(hours=24)),
                break_minutes=rest.break_minutes if rest else 0,
                break_earliest=rest.break_earliest if rest else None,
                break_latest=rest.break_latest if rest else None,
            )
        )
    for moved in given.moved_sites:
        site = session.get_one(Site, moved.site_id)
        site.latitude, site.longitude = moved.latitude, moved.longitude
    session.flush()


def _with_delays(built: Built, delays: Iterable[Late]) -> Built:
    """Let technicians set out later."""
    late = {str(row.technician_id): 60 * row.minutes for row in delays}
    crew = tuple(
        replace(who, earliest_departure=max(who.earliest_departure or 0, who.shift.start) + late[who.id])
        if who.id in late
        else who
        for who in built.problem.technicians
    )
    return built.with_decisions(replace(built.problem, technicians=crew))


def _emergency_sites(
    session: Session, day: Day, groups: Sequence[Emergencies], seed: int
) -> list[tuple[Emergencies, Site]]:
    """Where further emergencies would be: the same seed draws the same sites."""
    statement = select(Site).where(Site.territory_id == day.territory_id).order_by(Site.id)
    sites = session.scalars(statement).all() if groups else ()
    chance = random.Random(seed)  # noqa: S311 - a scenario is to be drawn again
    return [(group, chance.choice(sites)) for group in groups for _ in range(group.count) if sites]


def imaginary(number: int) -> uuid.UUID:
    """Return the id of an emergency that nobody has reported, counted from 1: always the same."""
    return uuid.UUID(int=number)


def _with_emergencies(
    built: Built, drawn: Sequence[tuple[Emergencies, Site]], roads: TravelTimes
) -> tuple[Built, frozenset[str]]:
    """Add emergencies that nobody has reported to a day."""
    if not drawn:
        return built, frozenset()
    places = built.places
    jobs: list[Job] = []
    for number, (group, site) in enumerate(drawn, start=1):
        places = places.with_site(site)
        needs = Needs(duration_minutes=group.duration_minutes, skills=group.skills)
        begins = max(built.day.seconds(group.starts_at), built.day.seconds(clock.now()), 0)
        window = Window(begins, min(begins + 60 * group.within_minutes, Day.LATEST))
        wanted = Wanted(site, needs, EMERGENCY, id=imaginary(number))
        jobs.append(wanted.job(built.day, places, window))
    matrix = built.problem.matrix if places is built.places else places.matrix(roads)
    wider = replace(built.problem, visits=(*built.problem.visits, *jobs), matrix=matrix)
    return replace(built, problem=wider, places=places), frozenset(job.id for job in jobs)
