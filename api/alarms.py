"""Promises in danger: what was seen, who was told, and who has taken it in hand (R-503)."""

from __future__ import annotations

import uuid

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.fields import Day, Id, Moment, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.promises import alarming
from dispatch.promises.rules import ALARM_OUTCOMES
from dispatch.territories.queries import find_territory

resource = Resource("alarms", description="Promises that will probably not be kept.")


class AlarmShape(Schema):
    """
    One promise in danger.

    ``told_at`` is empty while it may still recover; ``outcome`` says how it ended.
    """

    id = Id(required=True)
    promise_id = Id(required=True)
    visit_id = Id(required=True)
    territory_id = Id(required=True)
    day = Day(required=True)
    reason = fields.String(required=True)
    seen_at = Moment(required=True)
    expected_arrival = Moment(required=True)
    told_at = Moment(required=True, allow_none=True)
    recovered_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)
    outcome = Word(ALARM_OUTCOMES, required=True, allow_none=True)
    acknowledged_at = Moment(required=True, allow_none=True)
    acknowledged_by = Id(required=True, allow_none=True)


AlarmList = list_of(AlarmShape)


@resource.get(DAY_ADDRESS + "/alarms", parameters=DAY_PARAMETER)
@policy(*roles.READERS)
@resource.response(200, AlarmList)
def list_alarms(territory_id: uuid.UUID, day: str) -> object:
    """Every promise of a day that was seen in danger, the oldest first."""
    session, me = current_session(), current_principal()
    place = find_territory(session, me, territory_id)
    return {"items": alarming.alarms_of(session, place.id, day_in_address(day))}


@resource.post("/promise-alarms/<uuid:alarm_id>/acknowledgement")
@policy(*roles.DESK)
@creates
@resource.response(201, AlarmShape)
def acknowledge_alarm(alarm_id: uuid.UUID) -> object:
    """Say that one has taken an alarm in hand."""
    session, me = current_session(), current_principal()
    return alarming.acknowledge(session, by=me, alarm=alarming.find_alarm(session, me, alarm_id))
