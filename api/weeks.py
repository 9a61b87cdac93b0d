"""A week of a territory's roster (R-409)."""

from __future__ import annotations

import uuid

from marshmallow import fields

from api import roles
from api.addresses import day_in_address
from api.auth import current_principal, policy
from api.fields import Day, Flag, Id, Whole
from api.resource import Resource
from api.schemas import Schema
from api.session import current_session
from api.technicians import AbsenceShape, ShiftShape
from dispatch.technicians import weeks
from dispatch.territories.queries import find_territory

resource = Resource("weeks", description="Who is on duty in a week.")

FIRST_DAY = [
    {
        "in": "path",
        "name": "first_day",
        "required": True,
        "description": "First of seven calendar days of the territory.",
        "schema": {"type": "string", "format": "date", "example": "2026-03-02"},
    }
]


class DutyDayShape(Schema):
    """One day: shifts with the pattern of each, and absences that touch it."""

    day = Day(required=True)
    shifts = fields.List(fields.Nested(ShiftShape), required=True)
    patterns = fields.List(fields.String(), required=True)
    absences = fields.List(fields.Nested(AbsenceShape), required=True)
    is_weekend_duty = Flag(required=True)


class DutyWeekShape(Schema):
    """One technician's week; ``lieu_minutes`` is time off that weekend duty has earned and is not taken."""

    technician_id = Id(required=True, attribute="technician.id")
    name = fields.String(required=True, attribute="technician.name")
    days = fields.List(fields.Nested(DutyDayShape), required=True)
    minutes_on_duty = Whole(required=True)
    lieu_minutes = Whole(required=True)


class WeekShape(Schema):
    """Everybody's week, by number."""

    territory_id = Id(required=True)
    first_day = Day(required=True)
    items = fields.List(fields.Nested(DutyWeekShape), required=True)


@resource.get("/territories/<uuid:territory_id>/weeks/<string:first_day>", parameters=FIRST_DAY)
@policy(*roles.READERS)
@resource.response(200, WeekShape)
def read_week(territory_id: uuid.UUID, first_day: str) -> object:
    """Seven days from a day on: shifts, absences, weekend duty, time off in lieu."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    first = day_in_address(first_day)
    return {
        "territory_id": place.id,
        "first_day": first,
        "items": weeks.week_of(session, place.id, first),
    }
