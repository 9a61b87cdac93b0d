"""
The week ahead, played through: is what templates need and contracts promise covered by whoever is on duty?

Requests are imagined every half hour of seven days, with everybody idle: what fails even then cannot be kept.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.calls.model import ProblemTemplate
from dispatch.contracts.hours import BusinessHours, due_times, spent_between
from dispatch.contracts.model import Contract
from dispatch.contracts.queries import hours_of
from dispatch.contracts.rules import is_in_force
from dispatch.customers.model import Site
from dispatch.doctor.findings import Finding
from dispatch.doctor.staffing import DAYS, DRIVE, MARGIN_DAYS, WEEKDAYS
from dispatch.technicians.queries import OnDuty, on_duty
from dispatch.technicians.rules import Interval
from dispatch.territories.model import Territory

STEP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Staffing:
    """Who is on duty in a territory on each of the next days."""

    territory: Territory
    days: Mapping[date, Sequence[OnDuty]]

    @property
    def staffed(self) -> Iterator[tuple[date, Sequence[OnDuty]]]:
        """The days on which anybody works at all."""
        return ((day, crew) for day, crew in self.days.items() if crew)


def week(session: Session) -> Iterator[Finding]:
    """Look for skills, certificates and limits that the next seven days do not cover."""
    active = select(Territory).where(Territory.is_active).order_by(Territory.code)
    for territory in session.scalars(active).all():
        try:
            ZoneInfo(territory.timezone)
        except (KeyError, ValueError):
            continue  # a finding of its own
        staffing = _staffing(session, territory)
        yield from _needs(session, staffing)
        yield from _limits(session, staffing)


def _staffing(session: Session, territory: Territory) -> Staffing:
    today = clock.business_day(clock.now(), territory.timezone)
    days = [today + timedelta(days=ahead) for ahead in range(DAYS)]
    return Staffing(territory, {day: on_duty(session, territory.id, day) for day in days})


def _needs(session: Session, staffing: Staffing) -> Iterator[Finding]:
    """Days on which people work, and nobody of them can do what a template needs."""
    templates = session.scalars(select(ProblemTemplate).where(ProblemTemplate.is_active)).all()
    skills = {(code, int(level)) for template in templates for code, level in template.skills.items()}
    papers = {code for template in templates for code in template.certificates}
    sizes = {template.crew_size for template in templates} - {1}
    missing: dict[str, list[date]] = defaultdict(list)
    for day, crew in staffing.staffed:
        held = [{skill.skill_code: skill.level for skill in duty.technician.skills} for duty in crew]
        for code, level in skills:
            if not any(each.get(code, 0) >= level for each in held):
                missing[f"skill {code} level {level}"].append(day)
        for size in sizes:
            if len(crew) < size:
                missing[f"colleagues enough for a crew of {size}"].append(day)
        valid = {
            paper.code
            for duty in crew
            for paper in duty.technician.certificates
            if paper.valid_from <= day <= paper.valid_until
        }
        for code in papers - valid:
            missing[f"certificate {code}"].append(day)
    for what, days in sorted(missing.items()):
        shown = ", ".join(WEEKDAYS[day.weekday()] for day in days)
        message = f"{staffing.territory.code}: nobody on duty has {what} on {shown}"
        remedy = "Put somebody who has it on duty, or expect such calls of those days to wait."
        yield Finding("warning", "NEED_UNCOVERED", message, remedy)


def _limits(session: Session, staffing: Staffing) -> Iterator[Finding]:
    """Contracts whose limits nobody could keep, even if nobody else called."""
    territory_id, zone = staffing.territory.id, staffing.territory.timezone
    statement = (
        select(Contract)
        .where(or_(Contract.response_minutes.is_not(None), Contract.resolution_minutes.is_not(None)))
        .where(Contract.customer_id.in_(_customers_in(territory_id)))
        .order_by(Contract.number)
    )
    first = min(staffing.days)
    pieces = [
        piece
        for ahead in range(-1, DAYS + MARGIN_DAYS)
        for duty in on_duty(session, territory_id, first + timedelta(days=ahead))
        for piece in duty.free
    ]
    work = timedelta(minutes=session.scalar(_shortest_work()) or 0)
    start = clock.local_midnight(first, zone)
    known = start + timedelta(days=DAYS + MARGIN_DAYS - 1)
    for contract in session.scalars(statement):
        hours = hours_of(session, contract, zone)
        limits = {"response": contract.response_minutes, "resolution": contract.resolution_minutes}
        served = [
            moment
            for moment in (start + number * STEP for number in range(DAYS * 48))
            if moment >= clock.now()
            and is_in_force(contract, clock.business_day(moment, zone))
            and (hours is None or spent_between(moment, moment + STEP, hours) >= STEP)
        ]
        for kind, minutes in limits.items():
            if minutes is None:
                continue
            asked = [moment for moment in served if moment + timedelta(minutes=minutes) <= known]
            takes = work if kind == "resolution" else timedelta(0)
            missed = [
                moment for moment in asked if not _is_kept(contract, kind, hours, moment, pieces, takes)
            ]
            if missed:
                yield _unkept(contract, f"{minutes} minutes of {kind}", missed, len(asked), ZoneInfo(zone))


def _unkept(
    contract: Contract, limit: str, missed: Sequence[datetime], asked: int, zone: ZoneInfo
) -> Finding:
    local = missed[0].astimezone(zone)
    message = (
        f"{contract.number}: {limit} cannot be kept for {len(missed)} of {asked} half hours of the next "
        f"week, first {WEEKDAYS[local.weekday()]} {local:%H:%M}"
    )
    remedy = "Add shifts or stand-by duty, or agree on working hours by a service calendar."
    return Finding("warning", "LIMIT_UNSTAFFED", message, remedy)


def _is_kept(  # noqa: PLR0917 - a limit of a contract, a moment, and who is on duty
    contract: Contract,
    kind: str,
    hours: BusinessHours | None,
    moment: datetime,
    pieces: Sequence[Interval],
    takes: timedelta,
) -> bool:
    """Whether somebody who is idle could be there in time, and done with the shortest work there is."""
    due = due_times(moment, contract, hours)
    limit = due.response_due_at if kind == "response" else due.resolution_due_at
    return limit is None or any(
        max(piece.start, moment) + DRIVE + takes <= limit and piece.end > moment for piece in pieces
    )


def _shortest_work() -> Select[int]:
    return select(func.min(ProblemTemplate.duration_minutes)).where(ProblemTemplate.is_active)


def _customers_in(territory_id: uuid.UUID) -> Select[uuid.UUID]:
    return select(Site.customer_id).where(Site.territory_id == territory_id)
