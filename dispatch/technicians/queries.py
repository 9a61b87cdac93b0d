"""Technicians as a person may see them, and who is on duty on a day."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.technicians import rules
from dispatch.technicians.breaks import breaks_taken
from dispatch.technicians.model import Absence, BreakTaken, Certificate, Shift, Skill, Technician
from dispatch.technicians.rules import Interval, Rest
from dispatch.territories.queries import zone_of


@dataclass(frozen=True, slots=True)
class OnDuty:
    """
    A technician's duty on a day: shifts minus absences.

    ``starts_at`` to ``ends_at`` is the longest stretch without an absence, the one that visits are planned
    in; ``free`` has all stretches. The break floats within the stretch and begins between its two moments.
    """

    technician: Technician
    starts_at: datetime
    ends_at: datetime
    break_minutes: int
    break_earliest: datetime | None
    break_latest: datetime | None
    free: tuple[Interval, ...]

    @property
    def available_seconds(self) -> int:
        """Time on duty, all stretches, breaks included."""
        return sum(piece.seconds for piece in self.free)


@dataclass(frozen=True, slots=True)
class AtWork:
    """
    When somebody with a shift may begin work on a day.

    free
        What absences leave of the shifts, with allowed overtime behind a shift that is worked to its end;
        empty for somebody who is away for all of it.
    away
        Absences.
    """

    free: tuple[Interval, ...]
    away: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Rostered:
    """Technicians by number with their shifts that begin on a day; absences that touch it, by technician."""

    duties: tuple[tuple[Technician, list[Shift]], ...]
    away: Mapping[uuid.UUID, list[Interval]]

    def on_duty(self) -> list[OnDuty]:
        """Return who can be planned, by number."""
        found = (_duty(person, shifts, self.away.get(person.id, [])) for person, shifts in self.duties)
        return [duty for duty in found if duty is not None]

    def at_work(self) -> dict[uuid.UUID, AtWork]:
        """Return when each of them may begin work, absent or not."""
        return {
            person.id: _at_work(person, shifts, self.away.get(person.id, []))
            for person, shifts in self.duties
        }


def _visible(principal: Principal) -> ColumnElement[bool]:
    scope = in_scope(principal, Technician.territory_id)
    if principal.role is Role.TECHNICIAN:
        return and_(scope, Technician.id == principal.technician_id)
    return scope


def find_technician(session: Session, principal: Principal, technician_id: uuid.UUID) -> Technician:
    """Return a technician; technicians see themselves only."""
    found = session.scalar(select(Technician).where(Technician.id == technician_id, _visible(principal)))
    if found is None:
        raise NotFound("there is no such technician")
    return found


def names_of_technicians(
    session: Session, technician_ids: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID | None, str]:
    """Return the names of technicians by id, for timelines."""
    wanted = {one for one in technician_ids if one is not None}
    if not wanted:
        return {}
    statement = select(Technician.id, Technician.name).where(Technician.id.in_(wanted))
    return {row.id: row.name for row in session.execute(statement)}


def find_shift(session: Session, principal: Principal, shift_id: uuid.UUID) -> Shift:
    """Return a shift of a technician the person may see."""
    seen = select(Technician.id).where(_visible(principal))
    found = session.scalar(select(Shift).where(Shift.id == shift_id, Shift.technician_id.in_(seen)))
    if found is None:
        raise NotFound("there is no such shift")
    return found


def find_absence(session: Session, principal: Principal, absence_id: uuid.UUID) -> Absence:
    """Return an absence of a technician the person may see."""
    seen = select(Technician.id).where(_visible(principal))
    found = session.scalar(select(Absence).where(Absence.id == absence_id, Absence.technician_id.in_(seen)))
    if found is None:
        raise NotFound("there is no such absence")
    return found


def list_technicians(
    session: Session, principal: Principal, *, cursor: str | None = None, limit: int = USUAL
) -> Page[Technician]:
    """Return the technicians a person may see, newest first."""
    return cut(
        session, select(Technician).where(_visible(principal)), Technician.id, cursor=cursor, limit=limit
    )


def all_skills(session: Session) -> Sequence[Skill]:
    """Return every defined skill by code."""
    return session.scalars(select(Skill).order_by(Skill.code)).all()


def roster(
    session: Session, principal: Principal, technician_id: uuid.UUID, first: date, last: date
) -> tuple[Sequence[Shift], Sequence[Absence], Sequence[BreakTaken]]:
    """Return a technician's shifts, absences and breaks that touch the days from first to last."""
    technician = find_technician(session, principal, technician_id)
    zone = zone_of(session, technician.territory_id)
    start, end = clock.local_midnight(first, zone), clock.day_bounds(last, zone)[1]
    shifts = select(Shift).where(
        Shift.technician_id == technician.id, Shift.starts_at < end, Shift.ends_at > start
    )
    absences = select(Absence).where(
        Absence.technician_id == technician.id, Absence.starts_at < end, Absence.ends_at > start
    )
    return (
        session.scalars(shifts.order_by(Shift.starts_at)).all(),
        session.scalars(absences.order_by(Absence.starts_at)).all(),
        breaks_taken(session, technician.id, start, end),
    )


def check_skills_exist(session: Session, codes: Iterable[str]) -> None:
    """Refuse skills that are not defined."""
    wanted = set(codes)
    known = set(session.scalars(select(Skill.code).where(Skill.code.in_(wanted))))
    if wanted - known:
        missing = sorted(code[:64] for code in wanted - known)
        raise rules.SkillUnknown(f"unknown skills: {', '.join(missing)}", skills=missing)


def check_certificates_exist(session: Session, codes: Iterable[str]) -> None:
    """Refuse certificates that no technician holds or held."""
    wanted = set(codes)
    known = set(session.scalars(select(Certificate.code).where(Certificate.code.in_(wanted)).distinct()))
    if wanted - known:
        missing = sorted(code[:64] for code in wanted - known)
        raise rules.CertificateUnknown(f"unknown certificates: {', '.join(missing)}", certificates=missing)


def on_duty(
    session: Session,
    territory_id: uuid.UUID,
    day: date,
    *,
    only: uuid.UUID | None = None,
    left: Collection[uuid.UUID] = (),
) -> list[OnDuty]:
    """
    Return who of a territory can be planned on a day, by number: active, with a shift that begins on that
    local day, and not absent for all of it. ``only`` names the one who is asked about; of a day that is over,
    ``left`` are those who may have left the company since.
    """
    return rostered(session, territory_id, day, only=only, left=left).on_duty()


def rostered(
    session: Session,
    territory_id: uuid.UUID,
    day: date,
    *,
    only: uuid.UUID | None = None,
    left: Collection[uuid.UUID] = (),
) -> Rostered:
    """Return the technicians of a territory, active or ``left``, or ``only`` one, with a shift on a day."""
    start, end = clock.day_bounds(day, zone_of(session, territory_id))
    statement = (
        select(Technician, Shift)
        .join(Shift, Shift.technician_id == Technician.id)
        .where(Technician.territory_id == territory_id)
        .where(Technician.is_active | Technician.id.in_(left))
        .where(Shift.starts_at >= start, Shift.starts_at < end)
        .order_by(Technician.number, Shift.starts_at)
    )
    if only is not None:
        statement = statement.where(Technician.id == only)
    duties: dict[uuid.UUID, tuple[Technician, list[Shift]]] = {}
    for technician, shift in session.execute(statement):
        duties.setdefault(technician.id, (technician, []))[1].append(shift)
    return Rostered(tuple(duties.values()), _absences(session, duties, start))


def _at_work(technician: Technician, shifts: Sequence[Shift], absences: Sequence[Interval]) -> AtWork:
    overtime = timedelta(minutes=technician.overtime_minutes)
    free: list[Interval] = []
    for shift in shifts:
        pieces = rules.free_of(Interval(shift.starts_at, shift.ends_at), absences)
        if pieces and pieces[-1].end == shift.ends_at:
            last = Interval(pieces[-1].start, shift.ends_at + overtime)
            pieces = (*pieces[:-1], rules.free_of(last, absences)[0])
        free.extend(pieces)
    return AtWork(tuple(free), tuple(absences))


def last_shift_end(session: Session, territory_id: uuid.UUID, day: date) -> datetime | None:
    """Return when the last shift is over that begins on a day in a territory; None without any."""
    return last_shift_ends(session, territory_id, day, day).get(day)


def last_shift_ends(
    session: Session, territory_id: uuid.UUID, first: date, last: date
) -> dict[date, datetime]:
    """Return when the last shift is over that begins on a day, for each from first to last that has any."""
    zone = zone_of(session, territory_id)
    statement = (
        select(Shift.starts_at, func.max(Shift.ends_at).label("over"))
        .join(Technician, Technician.id == Shift.technician_id)
        .where(Technician.territory_id == territory_id, Technician.is_active)
        .where(Shift.starts_at >= clock.local_midnight(first, zone))
        .where(Shift.starts_at < clock.day_bounds(last, zone)[1])
        .group_by(Shift.starts_at)
    )
    found: dict[date, datetime] = {}
    for starts_at, over in session.execute(statement):
        day = clock.business_day(starts_at, zone)  # not by the database, whose zone tables may be others
        found[day] = max(over, found.get(day, over))
    return found


def _absences(
    session: Session, technician_ids: Iterable[uuid.UUID], start: datetime
) -> dict[uuid.UUID, list[Interval]]:
    statement = select(Absence).where(
        Absence.technician_id.in_(list(technician_ids)), Absence.ends_at > start
    )
    away: dict[uuid.UUID, list[Interval]] = {}
    for absence in session.scalars(statement):
        away.setdefault(absence.technician_id, []).append(Interval(absence.starts_at, absence.ends_at))
    return away


def _duty(technician: Technician, shifts: Sequence[Shift], absences: Sequence[Interval]) -> OnDuty | None:
    pieces = [
        (piece, shift)
        for shift in shifts
        for piece in rules.free_of(Interval(shift.starts_at, shift.ends_at), absences)
    ]
    if not pieces:
        return None
    longest, shift = max(pieces, key=lambda pair: pair[0].seconds)
    rest = None
    if shift.break_minutes and shift.break_earliest and shift.break_latest:
        rest = rules.rest_within(longest, Rest(shift.break_minutes, shift.break_earliest, shift.break_latest))
    return OnDuty(
        technician,
        longest.start,
        longest.end,
        rest.minutes if rest else 0,
        rest.earliest if rest else None,
        rest.latest if rest else None,
        tuple(piece for piece, _ in pieces),
    )


def is_absent(session: Session, technician_id: uuid.UUID, start: datetime, end: datetime) -> bool:
    """Tell whether an absence of a technician touches a stretch of time."""
    wanted = Interval(start, end)
    found = _absences(session, [technician_id], start).get(technician_id, [])
    return any(absence.overlaps(wanted) for absence in found)


def absent_within(
    session: Session, technician_ids: Iterable[uuid.UUID], start: datetime, length: timedelta
) -> set[uuid.UUID]:
    """Return which of these technicians have an absence that touches a stretch of time."""
    wanted = Interval(start, start + length)
    found = _absences(session, technician_ids, start)
    return {who for who, away in found.items() if any(absence.overlaps(wanted) for absence in away)}


def require_on_duty(session: Session, technician: Technician, start: datetime, end: datetime) -> None:
    """Refuse a stretch of work that touches neither duty nor allowed overtime of the technician."""
    overtime = timedelta(minutes=technician.overtime_minutes)
    statement = select(Shift).where(
        Shift.technician_id == technician.id, Shift.starts_at < end, Shift.ends_at > start - overtime
    )
    absences = _absences(session, [technician.id], start - overtime).get(technician.id, [])
    wanted = Interval(start, end)
    for shift in session.scalars(statement):
        pieces = rules.free_of(Interval(shift.starts_at, shift.ends_at + overtime), absences)
        if any(piece.overlaps(wanted) for piece in pieces):
            return
    raise rules.TechnicianWithoutShift(
        f"{technician.name} is not on duty from {start.isoformat()} to {end.isoformat()}",
        technician=str(technician.id),
    )


def check_may_be_sent(
    technician: Technician, *, skills: dict[str, int], certificates: Iterable[str], day: date
) -> None:
    """R-501: refuse a technician who lacks a skill, or a certificate valid on the day."""
    rules.check_fit(
        held_skills={held.skill_code: held.level for held in technician.skills},
        papers=technician.certificates,
        skills=skills,
        certificates=certificates,
        day=day,
    )
