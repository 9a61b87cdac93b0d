"""Technicians, what they may do, and when they are on duty."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal
from dispatch.errors import Conflict
from dispatch.technicians import rules
from dispatch.technicians.model import Absence, Certificate, Shift, Skill, Technician, TechnicianSkill
from dispatch.technicians.queries import check_skills_exist
from dispatch.technicians.rules import Interval, Rest
from dispatch.territories.model import Territory
from dispatch.territories.rules import check_position

LANGUAGES = frozenset({"zh", "en"})


class NumberTaken(Conflict):
    """Another technician, skill or certificate has this number already."""

    code = "NUMBER_TAKEN"
    remedy = "Choose another number, or change the existing entry."


def create_skill(session: Session, *, by: Principal | None, code: str, name_en: str, name_zh: str) -> Skill:
    """Define a skill."""
    short = text.code(code, "code")
    if session.get(Skill, short) is not None:
        raise NumberTaken(f"skill {short} exists")
    skill = Skill(code=short, name_en=text.line(name_en, "name_en"), name_zh=text.line(name_zh, "name_zh"))
    session.add(skill)
    db.flush(session)
    return skill


def create_technician(
    session: Session,
    *,
    by: Principal | None,
    number: str,
    name: str,
    territory: Territory,
    home: tuple[float, float],
    language: str = "en",
    overtime_minutes: int = 60,
    skills: Mapping[str, int] | None = None,
) -> Technician:
    """Take on a technician; ``home`` is latitude and longitude of where the day begins and ends."""
    short = text.code(number, "number")
    if session.scalar(select(Technician.id).where(Technician.number == short)):
        raise NumberTaken(f"technician {short} exists")
    check_position(*home)
    technician = Technician(
        number=short,
        name=text.line(name, "name"),
        territory_id=territory.id,
        home_latitude=home[0],
        home_longitude=home[1],
        language=text.choice(language, "language", LANGUAGES),
        overtime_minutes=text.whole(overtime_minutes, "overtime_minutes", 0, 480),
        skills=[],
        certificates=[],
    )
    session.add(technician)
    set_skills(session, by=by, technician=technician, skills=skills or {})
    return technician


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: text.line(value, "name"),
    "language": lambda value: text.choice(value, "language", LANGUAGES),
    "overtime_minutes": lambda value: text.whole(value, "overtime_minutes", 0, 480),
    "has_van": bool,
    "is_active": bool,
}


def update_technician(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Technician:
    """Correct a technician's file; an inactive technician gets no more visits."""
    technician.expect_version(expected_version)
    text.only_known(changes, frozenset(_FIELDS))
    for name, value in {name: _FIELDS[name](value) for name, value in changes.items()}.items():
        setattr(technician, name, value)
    db.flush(session)
    return technician


def set_skills(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    skills: Mapping[str, int],
    expected_version: int | None = None,
) -> Technician:
    """Replace the skills a technician holds: code to level, 1 to 5."""
    technician.expect_version(expected_version)
    check_skills_exist(session, skills)
    levels = {code: text.whole(level, f"level of {code}", *rules.LEVELS) for code, level in skills.items()}
    kept = [held for held in technician.skills if held.skill_code in levels]
    for held in kept:
        held.level = levels.pop(held.skill_code)
    technician.skills = [*kept, *(TechnicianSkill(skill_code=c, level=level) for c, level in levels.items())]
    flag_modified(technician, "name")  # skills are rows of their own; the technician's version must rise
    db.flush(session)
    return technician


def add_certificate(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    code: str,
    number: str,
    valid_from: date,
    valid_until: date,
) -> Certificate:
    """Register a certificate with its first and last day (R-501); a renewal is another certificate."""
    if valid_until < valid_from:
        raise rules.CertificateInvalid("the certificate ends before it begins")
    short = text.code(code, "code")
    if any(held.code == short and held.valid_from == valid_from for held in technician.certificates):
        raise NumberTaken(f"certificate {short} from {valid_from} is registered")
    certificate = Certificate(
        code=short, number=text.line(number, "number"), valid_from=valid_from, valid_until=valid_until
    )
    technician.certificates.append(certificate)
    db.flush(session)
    return certificate


def add_shift(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    starts_at: datetime,
    ends_at: datetime,
    rest: Rest | None = None,
) -> Shift:
    """Put a technician on duty for a stretch of time, with at most one floating break."""
    duty = Interval(clock.aware(starts_at), clock.aware(ends_at))
    rules.check_shift(duty, rest)
    _serialise(session, technician)
    if _overlapping(session, Shift, technician.id, duty):
        raise rules.ShiftOverlaps(f"{technician.name} has a shift at that time")
    shift = Shift(
        technician_id=technician.id,
        starts_at=duty.start,
        ends_at=duty.end,
        break_minutes=rest.minutes if rest else 0,
        break_earliest=rest.earliest if rest else None,
        break_latest=rest.latest if rest else None,
    )
    session.add(shift)
    db.flush(session)
    return shift


def add_shifts(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    pattern: str,
    days: Iterable[date],
    break_minutes: int = 30,
) -> Sequence[Shift]:
    """Put a technician on duty by a shift pattern, in local hours of the territory (R-409)."""
    hours = rules.SHIFT_PATTERNS[text.choice(pattern, "pattern", frozenset(rules.SHIFT_PATTERNS))]
    statement = select(Territory.timezone).where(Territory.id == technician.territory_id)
    zone = session.scalars(statement).one()
    duties = [rules.shift_of(hours, day, zone) for day in sorted(set(days))]
    return [
        add_shift(
            session,
            by=by,
            technician=technician,
            starts_at=duty.start,
            ends_at=duty.end,
            rest=rules.usual_rest(duty, break_minutes) if break_minutes else None,
        )
        for duty in duties
    ]


def remove_shift(
    session: Session, *, by: Principal | None, shift: Shift, expected_version: int | None = None
) -> None:
    """Take a shift off the roster; visits planned in it stay until the day is planned again."""
    shift.expect_version(expected_version)
    session.delete(shift)
    db.flush(session)


def add_absence(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
) -> Absence:
    """Record that a technician cannot be planned for a while; a whole day leaves nothing of the shift."""
    away = Interval(clock.aware(starts_at), clock.aware(ends_at))
    if not away.start < away.end or away.seconds > 2 * 366 * 86_400:
        raise rules.AbsenceInvalid("an absence lasts more than nothing and at most two years")
    _serialise(session, technician)
    if _overlapping(session, Absence, technician.id, away):
        raise rules.AbsenceOverlaps(f"{technician.name} is absent at that time already")
    absence = Absence(
        technician_id=technician.id,
        starts_at=away.start,
        ends_at=away.end,
        reason=text.line(reason, "reason"),
    )
    session.add(absence)
    db.flush(session)
    outbox.record(session, events.TechnicianAbsent(absence_id=str(absence.id)))
    return absence


def remove_absence(
    session: Session, *, by: Principal | None, absence: Absence, expected_version: int | None = None
) -> None:
    """Take an absence back."""
    absence.expect_version(expected_version)
    session.delete(absence)
    db.flush(session)


def _serialise(session: Session, technician: Technician) -> None:
    """Let one roster change of a technician happen at a time, so that two cannot overlap unseen."""
    session.execute(select(Technician.id).where(Technician.id == technician.id).with_for_update())


def _overlapping(
    session: Session, kind: type[Shift | Absence], technician_id: uuid.UUID, stretch: Interval
) -> bool:
    statement = select(kind.id).where(
        kind.technician_id == technician_id, kind.starts_at < stretch.end, kind.ends_at > stretch.start
    )
    return session.scalars(statement.limit(1)).first() is not None
