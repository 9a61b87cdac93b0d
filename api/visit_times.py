"""Times of a visit that the office amends, and every word about them (reliability §2.4, §2.5)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Id, Moment, Text, Whole
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from api.visit_shapes import VisitShape
from dispatch.billing import commands as billing
from dispatch.work_orders import queries, timekeeping

resource = Resource("visit_times", description="Times of visits, confirmed and amended.")


class Amendment(Schema):
    """Times that count from now on, and why; those left out stay as they are."""

    travelling_at = Moment()
    arrived_at = Moment()
    started_at = Moment()
    finished_at = Moment()
    paused_seconds = Whole(0, 86_400, metadata={"description": "All pauses of the visit together."})
    reason = Text(500, required=True)


class TimeChangeShape(Schema):
    """
    One word about a time after it was told.

    told
        What the phone's unverified clock had said; null of a verified time.
    before, value
        What counted before and counts since: a moment as text, ``paused_seconds`` as a number.
    """

    id = Id(required=True)
    change_id = Id(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    told = fields.Raw(required=True, allow_none=True)
    before = fields.Raw(required=True, allow_none=True)
    value = fields.Raw(required=True)
    reason = fields.String(required=True)
    changed_by = Id(required=True, allow_none=True)
    changed_at = Moment(required=True)


TimeChangeList = list_of(TimeChangeShape)


@resource.post("/visits/<uuid:visit_id>/times")
@policy(*roles.DESK)
@changes
@resource.arguments(Amendment)
@resource.response(200, VisitShape)
def amend_times(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Amend times of a visit; what was told stays on record, and an unissued settlement is made anew."""
    session, me = current_session(), current_principal()
    visit, reason = queries.find_visit(session, me, visit_id), body.pop("reason")
    return billing.amend_times(
        session, by=me, visit=visit, times=body, reason=reason, expected_version=expected_version()
    )


@resource.get("/visits/<uuid:visit_id>/time-changes")
@policy(*roles.READERS)
@resource.response(200, TimeChangeList)
def list_time_changes(visit_id: uuid.UUID) -> object:
    """Every word about a visit's times after they were told, in the order they were spoken."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    return {"items": timekeeping.changes_of(session, visit)}
