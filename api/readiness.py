"""What a day still lacks, and what the office is reminded of (R-304, R-403, R-802)."""

from __future__ import annotations

import uuid

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.fields import Day, Id, Moment, Whole, Word
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.planning import readying
from dispatch.promises import reminding
from dispatch.territories.queries import find_territory

resource = Resource("readiness", description="What a day still lacks, and what the office is reminded of.")


class ReadinessGapShape(Schema):
    """
    What a visit of a published day lacks.

    ``subject`` is part, certificate or tool, ``missing`` counts pieces; ``ended_at`` is when it was mended.
    """

    id = Id(required=True)
    territory_id = Id(required=True)
    day = Day(required=True)
    visit_id = Id(required=True)
    technician_id = Id(required=True)
    code = Word(readying.GAPS, required=True)
    subject = fields.String(required=True)
    missing = Whole(required=True)
    seen_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class OfficeReminderShape(Schema):
    """
    A reminder of what waits; level 1 is for whoever is responsible, level 2 for the person above.

    ``subject`` is the id of a promise alarm, question or chaser; of an inquiry or call that nobody has
    answered, with the territory; of an order with limit and whose it is now; of the territory with the day
    that lacks something; of a technician with the day that is not handed in; of a hand-in with its state; of
    a count that waits for its second signature; of a technician with too much cash; of an invoice that
    somebody helps to pay; or the name of a stored file that is gone. ``user_id`` is whoever took it in hand.
    """

    id = Id(required=True)
    territory_id = Id(required=True)
    kind = Word(reminding.KINDS, required=True)
    subject = fields.String(required=True)
    level = Whole(required=True)
    role = fields.String(required=True)
    user_id = Id(required=True, allow_none=True)
    due_at = Moment(required=True)
    reminded_at = Moment(required=True)


ReadinessGapList = list_of(ReadinessGapShape)
OfficeReminderList = list_of(OfficeReminderShape)


@resource.get(DAY_ADDRESS + "/readiness", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, ReadinessGapList)
def list_gaps(territory_id: uuid.UUID, day: str) -> object:
    """What the visits of a day lacked when it was looked at, what is mended as well."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": readying.gaps_on(session, place.id, day_in_address(day))}


@resource.get("/territories/<uuid:territory_id>/reminders")
@policy(*roles.READERS)
@resource.response(200, OfficeReminderList)
def list_reminders(territory_id: uuid.UUID) -> object:
    """What the office is reminded of until it is settled, the oldest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": reminding.open_reminders(session, place.id)}
