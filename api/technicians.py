"""Technicians: skills, certificates, shifts and absences (R-409, R-501)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Day, Flag, Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import (
    Counts,
    DaysArgs,
    PageArgs,
    Position,
    Schema,
    check_days,
    list_of,
    page_of,
    shown_point,
)
from api.session import current_session
from api.visit_shapes import BreakTakenShape
from dispatch.customers.rules import LANGUAGES
from dispatch.technicians import commands, queries
from dispatch.technicians.rules import SHIFT_PATTERNS, Rest
from dispatch.territories.queries import find_territory

resource = Resource("technicians", description="Who can be sent, with what right, and when.")


class SkillShape(Schema):
    """A named ability."""

    code = fields.String(required=True)
    name_en = fields.String(required=True)
    name_zh = fields.String(required=True)


class NewSkill(Schema):
    """A named ability in both languages."""

    code = Text(64, required=True)
    name_en = Text(required=True)
    name_zh = Text(required=True)


class CertificateShape(Schema):
    """A right with its first and last day."""

    id = Id(required=True)
    code = fields.String(required=True)
    number = fields.String(required=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)


class NewCertificate(Schema):
    """A right with its first and last day; a renewal is another certificate."""

    code = Text(64, required=True)
    number = Text(required=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)


class TechnicianShape(Schema):
    """A person who visits sites."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    name = fields.String(required=True)
    territory_id = Id(required=True)
    home = fields.Function(
        lambda one: shown_point(one.home_latitude, one.home_longitude),
        metadata={"type": "object", "additionalProperties": {"type": "number"}},
    )
    language = Word(LANGUAGES, required=True)
    overtime_minutes = Whole(required=True)
    is_active = Flag(required=True)
    has_van = Flag(required=True)
    skills = fields.Function(
        lambda one: {held.skill_code: held.level for held in one.skills},
        metadata={"type": "object", "additionalProperties": {"type": "integer"}},
    )
    certificates = fields.List(fields.Nested(CertificateShape), required=True)


class NewTechnician(Schema):
    """A technician to be taken on; ``home`` is where the day begins and ends."""

    number = Text(64, required=True)
    name = Text(required=True)
    territory_id = Id(required=True)
    home = Position(required=True)
    language = Word(LANGUAGES, load_default="en")
    overtime_minutes = Whole(0, 480, load_default=60)
    skills = Counts(load_default=dict)


class TechnicianChanges(Schema):
    """What may change of a technician; an inactive one gets no more visits."""

    name = Text()
    language = Word(LANGUAGES)
    overtime_minutes = Whole(0, 480)
    is_active = Flag()
    has_van = Flag()


class SkillLevels(Schema):
    """All the skills held, code to level from 1 to 5."""

    skills = Counts(required=True)


class BreakShape(Schema):
    """A floating break: its minutes, and between which moments it begins."""

    minutes = Whole(1, 240, required=True)
    earliest = Moment(required=True)
    latest = Moment(required=True)


class NewShift(Schema):
    """A stretch of duty with at most one break."""

    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    rest = fields.Nested(BreakShape, allow_none=True, load_default=None, data_key="break")


class ShiftShape(Schema):
    """A stretch of duty."""

    id = Id(required=True)
    version = Whole(required=True)
    technician_id = Id(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    break_minutes = Whole(required=True)
    break_earliest = Moment(required=True, allow_none=True)
    break_latest = Moment(required=True, allow_none=True)


class NewShiftPattern(Schema):
    """The same local hours on each of at most 31 days; without minutes there is no break."""

    pattern = Word(SHIFT_PATTERNS, required=True)
    first_day = Day(required=True)
    last_day = Day(required=True)
    break_minutes = Whole(0, 240, load_default=30)


class NewAbsence(Schema):
    """A stretch in which the technician cannot be planned."""

    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    reason = Text(required=True)


class AbsenceShape(Schema):
    """A stretch in which a technician cannot be planned."""

    id = Id(required=True)
    version = Whole(required=True)
    technician_id = Id(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    reason = fields.String(required=True)


class RosterShape(Schema):
    """Shifts and absences that touch the days asked for, and the breaks that were taken."""

    shifts = fields.List(fields.Nested(ShiftShape), required=True)
    absences = fields.List(fields.Nested(AbsenceShape), required=True)
    breaks = fields.List(fields.Nested(BreakTakenShape), required=True)


TechnicianPage = page_of(TechnicianShape)
SkillList = list_of(SkillShape)
ShiftList = list_of(ShiftShape)


@resource.get("/skills")
@policy(*roles.ALL)
@resource.response(200, SkillList)
def list_skills() -> object:
    """Every defined skill by code."""
    return {"items": queries.all_skills(current_session())}


@resource.post("/skills")
@policy(*roles.JUDGES)
@creates
@resource.arguments(NewSkill)
@resource.response(201, SkillShape)
def create_skill(body: dict[str, Any]) -> object:
    """Define a skill."""
    return commands.create_skill(current_session(), by=current_principal(), **body)


@resource.get("/technicians")
@policy(*roles.ALL)
@resource.arguments(PageArgs, location="query")
@resource.response(200, TechnicianPage)
def list_technicians(args: dict[str, Any]) -> object:
    """Technicians, newest first; technicians see themselves."""
    return queries.list_technicians(current_session(), current_principal(), **args)


@resource.post("/technicians")
@policy(*roles.DESK)
@creates
@resource.arguments(NewTechnician)
@resource.response(201, TechnicianShape)
def create_technician(body: dict[str, Any]) -> object:
    """Take on a technician."""
    session, me = current_session(), current_principal()
    territory = find_territory(session, me, body.pop("territory_id"))
    return commands.create_technician(session, by=me, territory=territory, **body)


@resource.get("/technicians/<uuid:technician_id>")
@policy(*roles.ALL)
@resource.response(200, TechnicianShape)
def read_technician(technician_id: uuid.UUID) -> object:
    """One technician."""
    return queries.find_technician(current_session(), current_principal(), technician_id)


@resource.patch("/technicians/<uuid:technician_id>")
@policy(*roles.DESK)
@changes
@resource.arguments(TechnicianChanges)
@resource.response(200, TechnicianShape)
def change_technician(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Correct a technician's file."""
    session, me = current_session(), current_principal()
    return commands.update_technician(
        session,
        by=me,
        technician=queries.find_technician(session, me, technician_id),
        changes=body,
        expected_version=expected_version(),
    )


@resource.put("/technicians/<uuid:technician_id>/skills")
@policy(*roles.DESK)
@changes
@resource.arguments(SkillLevels)
@resource.response(200, TechnicianShape)
def set_skills(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Replace the skills a technician holds."""
    session, me = current_session(), current_principal()
    technician = queries.find_technician(session, me, technician_id)
    return commands.set_skills(
        session, by=me, technician=technician, expected_version=expected_version(), **body
    )


@resource.post("/technicians/<uuid:technician_id>/certificates")
@policy(*roles.DESK)
@creates
@resource.arguments(NewCertificate)
@resource.response(201, CertificateShape)
def add_certificate(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Register a certificate."""
    session, me = current_session(), current_principal()
    technician = queries.find_technician(session, me, technician_id)
    return commands.add_certificate(session, by=me, technician=technician, **body)


@resource.post("/technicians/<uuid:technician_id>/shifts")
@policy(*roles.DESK)
@creates
@resource.arguments(NewShift)
@resource.response(201, ShiftShape)
def add_shift(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Put a technician on duty."""
    session, me = current_session(), current_principal()
    technician = queries.find_technician(session, me, technician_id)
    rest = Rest(**body.pop("rest")) if body["rest"] else body.pop("rest")
    return commands.add_shift(session, by=me, technician=technician, rest=rest, **body)


@resource.post("/technicians/<uuid:technician_id>/shift-patterns")
@policy(*roles.DESK)
@creates
@resource.arguments(NewShiftPattern)
@resource.response(201, ShiftList)
def add_shift_pattern(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Put a technician on duty in the hours of a pattern, on each day or on none (R-409)."""
    session, me = current_session(), current_principal()
    technician = queries.find_technician(session, me, technician_id)
    first, last = body.pop("first_day"), body.pop("last_day")
    check_days(first, last)
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return {"items": commands.add_shifts(session, by=me, technician=technician, days=days, **body)}


@resource.delete("/shifts/<uuid:shift_id>")
@policy(*roles.DESK)
@changes
@resource.response(204)
def remove_shift(shift_id: uuid.UUID) -> None:
    """Take a shift off the roster."""
    session, me = current_session(), current_principal()
    shift = queries.find_shift(session, me, shift_id)
    commands.remove_shift(session, by=me, shift=shift, expected_version=expected_version())


@resource.post("/technicians/<uuid:technician_id>/absences")
@policy(*roles.DESK)
@creates
@resource.arguments(NewAbsence)
@resource.response(201, AbsenceShape)
def add_absence(body: dict[str, Any], technician_id: uuid.UUID) -> object:
    """Record that a technician cannot be planned for a while."""
    session, me = current_session(), current_principal()
    technician = queries.find_technician(session, me, technician_id)
    return commands.add_absence(session, by=me, technician=technician, **body)


@resource.delete("/absences/<uuid:absence_id>")
@policy(*roles.DESK)
@changes
@resource.response(204)
def remove_absence(absence_id: uuid.UUID) -> None:
    """Take an absence back."""
    session, me = current_session(), current_principal()
    absence = queries.find_absence(session, me, absence_id)
    commands.remove_absence(session, by=me, absence=absence, expected_version=expected_version())


@resource.get("/technicians/<uuid:technician_id>/roster")
@policy(*roles.ALL)
@resource.arguments(DaysArgs, location="query")
@resource.response(200, RosterShape)
def read_roster(args: dict[str, Any], technician_id: uuid.UUID) -> object:
    """A technician's shifts, absences and breaks of at most 31 days."""
    shifts, absences, breaks = queries.roster(
        current_session(), current_principal(), technician_id, args["first_day"], args["last_day"]
    )
    return {"shifts": shifts, "absences": absences, "breaks": breaks}
