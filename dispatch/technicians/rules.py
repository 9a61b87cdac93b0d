"""Who may be sent on a day: certificates, skills with levels, shifts cut by absences (R-409, R-501)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatch.errors import Conflict, Invalid

if TYPE_CHECKING:
    from dispatch.technicians.model import Certificate

SHIFT_PATTERNS = {"8-16": (8, 16), "11-19": (11, 19), "14-22": (14, 22)}
"""R-409: local hours of begin and end."""
IN_LIEU = "time_off_in_lieu"
"""R-409: the reason of an absence that was earned by weekend duty."""
LEVELS = (1, 5)
LONGEST_BREAK = timedelta(hours=2)
"""A break whose end was forgotten is over then."""


class TechnicianWithoutShift(Conflict):
    """The technician is not on duty at that time, so no visit can be given."""

    code = "TECHNICIAN_WITHOUT_SHIFT"
    remedy = "Add a shift for that day, end the absence, or choose another technician."


class SkillUnknown(Invalid):
    """A skill is named that the company has not defined."""

    code = "SKILL_UNKNOWN"
    remedy = "Use a defined skill, or have an administrator define it first."


class SkillMissing(Conflict):
    """The technician lacks a required skill, or holds it at too low a level (R-501)."""

    code = "SKILL_MISSING"
    remedy = "Choose a technician who holds every required skill at the level asked."


class CertificateUnknown(Invalid):
    """A certificate is named that no technician of the company holds or held."""

    code = "CERTIFICATE_UNKNOWN"
    remedy = "Check the certificate's code, or register it with a technician first."


class CertificateMissing(Conflict):
    """The technician has never held a required certificate (R-501)."""

    code = "CERTIFICATE_MISSING"
    remedy = "Choose a technician who holds the certificate."


class CertificateExpired(Conflict):
    """The technician's certificate is not valid on the day of the visit (R-501)."""

    code = "CERTIFICATE_EXPIRED"
    remedy = "Renew the certificate, or choose a technician whose certificate is valid on that day."


class CertificateInvalid(Invalid):
    """A certificate ends before it begins."""

    code = "CERTIFICATE_INVALID"
    remedy = "Give a last day that is not before the first."


class ShiftInvalid(Invalid):
    """A shift ends before it begins, is longer than a day, or its break does not fit into it."""

    code = "SHIFT_INVALID"
    remedy = "Give an end after the begin within 24 hours, and a break that can end within the shift."


class ShiftOverlaps(Conflict):
    """The technician has another shift at that time already."""

    code = "SHIFT_OVERLAPS"
    remedy = "Change or remove the other shift first."


class AbsenceInvalid(Invalid):
    """An absence ends before it begins, or lasts longer than two years."""

    code = "ABSENCE_INVALID"
    remedy = "Give an end after the begin."


class AbsenceOverlaps(Conflict):
    """The technician has another absence at that time already."""

    code = "ABSENCE_OVERLAPS"
    remedy = "Change or remove the other absence first."


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open stretch of time in UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length."""
        return int((self.end - self.start).total_seconds())

    def overlaps(self, other: Interval) -> bool:
        """Tell whether both share some time; touching is not sharing."""
        return self.start < other.end and other.start < self.end

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Rest:
    """A floating break: its length in minutes and the first and last moment at which it may begin."""

    minutes: int
    earliest: datetime
    latest: datetime


def is_valid_on(paper: Certificate, day: date) -> bool:
    """Tell whether a certificate counts on a day, both ends included (R-501)."""
    return paper.valid_from <= day <= paper.valid_until


def check_fit(
    *,
    held_skills: Mapping[str, int],
    papers: Sequence[Certificate],
    skills: Mapping[str, int],
    certificates: Iterable[str],
    day: date,
) -> None:
    """R-501: refuse to send somebody without every required skill and certificate valid on the day."""
    for code, level in sorted(skills.items()):
        if held_skills.get(code, 0) < level:
            raise SkillMissing(f"skill {code} at level {level} is required", skill=code, level=level)
    for code in sorted(certificates):
        held = [paper for paper in papers if paper.code == code]
        if not held:
            raise CertificateMissing(f"certificate {code} is required", certificate=code)
        if not any(is_valid_on(paper, day) for paper in held):
            raise CertificateExpired(
                f"certificate {code} is not valid on {day.isoformat()}", certificate=code, day=day.isoformat()
            )


def shift_of(pattern: tuple[int, int], day: date, zone: str) -> Interval:
    """
    Return a shift of local hours on a calendar day, in UTC (R-409).

    Hours are what the clock on the wall shows, so a shift over a change of the clock is an hour shorter or
    longer. An end not after the begin is on the next day.
    """
    begin, end = pattern
    last = day if end > begin else day + timedelta(days=1)
    return Interval(_local(day, begin, zone), _local(last, end, zone))


def _local(day: date, hour: int, zone: str) -> datetime:
    later = day + timedelta(days=hour // 24)
    return datetime.combine(later, time(hour % 24), ZoneInfo(zone)).astimezone(UTC)


def usual_rest(shift: Interval, minutes: int = 30) -> Rest:
    """Return the floating break of a shift: it may begin from three to five hours after the shift's begin."""
    latest = min(shift.start + timedelta(hours=5), shift.end - timedelta(minutes=minutes))
    return Rest(minutes, min(shift.start + timedelta(hours=3), latest), latest)


def check_shift(shift: Interval, rest: Rest | None) -> None:
    """Refuse a shift that is empty, longer than a day, or too short for its break."""
    if not shift.start < shift.end <= shift.start + timedelta(hours=24):
        raise ShiftInvalid("a shift lasts more than nothing and at most 24 hours")
    if rest is None:
        return
    ends = rest.latest + timedelta(minutes=rest.minutes)
    if not (0 < rest.minutes <= 240 and shift.start <= rest.earliest <= rest.latest and ends <= shift.end):
        raise ShiftInvalid("the break does not fit into the shift")


def free_of(shift: Interval, absences: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return what is left of a shift beside absences, in order; nothing for a full-day absence."""
    free: list[Interval] = []
    begin = shift.start
    for absence in sorted(absences):
        if absence.start > begin:
            free.append(Interval(begin, min(absence.start, shift.end)))
        begin = max(begin, absence.end)
        if begin >= shift.end:
            break
    if begin < shift.end:
        free.append(Interval(begin, shift.end))
    return tuple(piece for piece in free if piece.start < piece.end)


def rest_within(piece: Interval, rest: Rest) -> Rest | None:
    """Return the break as it can be taken within a stretch of duty, or None when it falls outside."""
    earliest = max(piece.start, rest.earliest)
    latest = min(rest.latest, piece.end - timedelta(minutes=rest.minutes))
    return Rest(rest.minutes, earliest, latest) if earliest <= latest else None
