"""Promises in danger: what was seen, who was told, and who has taken it in hand (R-503)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.addresses import DAY_ADDRESS, DAY_PARAMETER, day_in_address
from api.auth import current_principal, policy
from api.fields import Day, Id, Moment, Text, Word
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

    ``told_at`` is empty while it may still recover; ``outcome`` says how it ended. Where nobody comes as the
    day is planned there is no ``expected_arrival``.
    """

    id = Id(required=True)
    promise_id = Id(required=True)
    visit_id = Id(required=True)
    territory_id = Id(required=True)
    day = Day(required=True)
    reason = fields.String(required=True)
    seen_at = Moment(required=True)
    expected_arrival = Moment(required=True, allow_none=True)
    told_at = Moment(required=True, allow_none=True)
    recovered_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)
    outcome = Word(ALARM_OUTCOMES, required=True, allow_none=True)
    acknowledged_at = Moment(required=True, allow_none=True)
    acknowledged_by = Id(required=True, allow_none=True)
    followed_up_at = Moment(required=True, allow_none=True)
    followed_up_by = Id(required=True, allow_none=True)
    follow_up_note = fields.String(required=True)


class NewFollowUp(Schema):
    """What the customer said after the promise broke."""

    note = Text(500, required=True)


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


@resource.get("/territories/<uuid:territory_id>/follow-ups")
@policy(*roles.READERS)
@resource.response(200, AlarmList)
def list_follow_ups(territory_id: uuid.UUID) -> object:
    """Broken promises after which nobody has asked the customer yet, the oldest first."""
    session = current_session()
    place = find_territory(session, current_principal(), territory_id)
    return {"items": alarming.follow_ups(session, place.id)}


@resource.post("/promise-alarms/<uuid:alarm_id>/follow-up")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewFollowUp)
@resource.response(201, AlarmShape)
def follow_up(body: dict[str, Any], alarm_id: uuid.UUID) -> object:
    """Write down what the customer said after a broken promise."""
    session, me = current_session(), current_principal()
    alarm = alarming.find_alarm(session, me, alarm_id)
    return alarming.follow_up(session, by=me, alarm=alarm, **body)
