"""Unsent work of revoked phones: handed over without a login, decided by the desk (reliability §2.7)."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from marshmallow import fields

from api import roles
from api.access import ProofShape
from api.auth import current_principal, policy
from api.config import current_config, current_settings
from api.fields import Flag, Id, Moment, Notes, Text, Whole
from api.resource import Resource
from api.schemas import PageArgs, Schema, page_of
from api.session import current_session
from dispatch.access.proof import Proof
from dispatch.sync import commands, queries
from dispatch.sync.protocol import MOST_BYTES

resource = Resource("quarantine", description="Unsent work of revoked phones.")


class HandoverShape(Schema):
    """A push batch as text, signed with the phone's key (purpose ``truckroll-quarantine-v1``)."""

    device_id = Id(required=True)
    batch = Notes(MOST_BYTES // 2, least=2, required=True, metadata={"description": "JSON as in a push."})
    proof = fields.Nested(ProofShape, required=True)


class QuarantinedShape(Schema):
    """Work of a revoked phone; nothing of it has an effect before it is admitted."""

    id = Id(required=True)
    device_id = Id(required=True)
    technician_id = Id(required=True)
    operations = Whole(required=True)
    received_at = Moment(required=True)
    expires_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    decided_by = Id(required=True, allow_none=True)
    decision = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class HandedOverShape(Schema):
    """What the phone may know: that the work is kept, and until when."""

    id = Id(required=True)
    operations = Whole(required=True)
    expires_at = Moment(required=True)


class QuarantinedBatch(Schema):
    """The work as it was sent."""

    batch = fields.Dict(required=True)


class QuarantineArgs(PageArgs):
    """Which work: newest first, waiting for a decision."""

    only_open = Flag(load_default=True)


class QuarantineDismissal(Schema):
    """Why the work is not applied."""

    reason = Text(500, required=True)


QuarantinePage = page_of(QuarantinedShape)


@resource.post("/sync/quarantine")
@policy.public
@resource.arguments(HandoverShape)
@resource.response(201, HandedOverShape)
def hand_over(body: dict[str, Any]) -> object:
    """Hand over what a revoked phone has not sent; the same batch again is kept once."""
    handover = commands.Handover(body["device_id"], body["batch"], Proof(**body["proof"]))
    return commands.hand_over(current_session(), handover, rules=current_config().tokens)


@resource.get("/sync/quarantine")
@policy(*roles.DESK)
@resource.arguments(QuarantineArgs, location="query")
@resource.response(200, QuarantinePage)
def list_quarantined(args: dict[str, Any]) -> object:
    """Work of revoked phones, newest first."""
    return queries.quarantined(current_session(), current_principal(), **args)


@resource.get("/sync/quarantine/<uuid:work_id>")
@policy(*roles.DESK)
@resource.response(200, QuarantinedBatch)
def read_quarantined(work_id: uuid.UUID) -> object:
    """The operations that wait for a decision."""
    work = queries.find_quarantined(current_session(), current_principal(), work_id)
    return {"batch": dict(queries.opened(work, current_config().tokens))}


@resource.post("/sync/quarantine/<uuid:work_id>/admission")
@policy(*roles.DESK)
@resource.response(200)
def admit(work_id: uuid.UUID) -> object:
    """Apply the work as if the phone had pushed it; the receipts are those of a push."""
    session, me = current_session(), current_principal()
    pushed = commands.admit(
        session,
        by=me,
        work=queries.find_quarantined(session, me, work_id),
        rules=current_config().tokens,
        company_currency=current_settings().currency,
    )
    return Response(pushed.text, mimetype="application/json")


@resource.post("/sync/quarantine/<uuid:work_id>/dismissal")
@policy(*roles.DESK)
@resource.arguments(QuarantineDismissal)
@resource.response(200, QuarantinedShape)
def dismiss_quarantined(body: dict[str, Any], work_id: uuid.UUID) -> object:
    """Put the work aside; its content is destroyed."""
    session, me = current_session(), current_principal()
    work = queries.find_quarantined(session, me, work_id)
    return commands.dismiss_quarantined(session, by=me, work=work, **body)
