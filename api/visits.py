"""Visits: read them, change their needs, and take the office's steps."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Id, Moment, Text, Whole, Word
from api.idempotency import creates
from api.promises import PromiseShape
from api.resource import Resource
from api.revealing import shown_visit
from api.schemas import Joined, PageArgs, Schema, page_of
from api.session import current_session
from api.timelines import told_steps, told_uses, told_withdrawals
from api.visit_shapes import (
    VISIT_STATES,
    AttachmentShape,
    BreakTakenShape,
    FindingShape,
    NeedsShape,
    PartUseShape,
    ReportShape,
    StepShape,
    VisitShape,
    WithdrawalShape,
    needs_of,
)
from dispatch.promises import naming
from dispatch.promises.queries import ledger
from dispatch.technicians.queries import find_technician
from dispatch.work_orders import commands, queries
from dispatch.work_orders.expecting import ends_told
from dispatch.work_orders.resting import NEVER, breaks_at, rested

resource = Resource("visits", description="Visits with their records.")


class EndToldShape(Schema):
    """What was said of the end of work under way; without a technician the office wrote it down."""

    technician_id = Id(required=True, allow_none=True)
    user_id = Id(required=True, allow_none=True)
    told_at = Moment(required=True)
    expected_end_at = Moment(required=True)
    recorded_at = Moment(required=True)


class VisitFileShape(VisitShape):
    """A visit with its promises, steps and record."""

    promises = fields.List(fields.Nested(PromiseShape), required=True)
    timeline = fields.List(fields.Nested(StepShape), required=True)
    findings = fields.List(fields.Nested(FindingShape), required=True)
    part_uses = fields.List(fields.Nested(PartUseShape), required=True)
    reports = fields.List(fields.Nested(ReportShape), required=True)
    attachments = fields.List(fields.Nested(AttachmentShape), required=True)
    ends_told = fields.List(fields.Nested(EndToldShape), required=True)
    withdrawals = fields.List(fields.Nested(WithdrawalShape), required=True)
    breaks = fields.List(fields.Nested(BreakTakenShape), required=True)
    break_seconds = Whole(
        required=True, metadata={"description": "Breaks between start and end, outside pauses: no work."}
    )


class VisitArgs(PageArgs):
    """Which visits; ``planned_until`` is exclusive."""

    state = Word(VISIT_STATES, load_default=None)
    technician_id = Id(load_default=None)
    planned_from = Moment(load_default=None)
    planned_until = Moment(load_default=None)
    needs_review = Flag(load_default=None, allow_none=True)


class Reason(Schema):
    """Why a step is taken."""

    reason = Text(500, required=True)


class PartDecision(Schema):
    """Whether the named approver stands for the part; a refusal needs a reason."""

    is_confirmed = Flag(required=True)
    reason = Text(400, load_default=None, allow_none=True)


class Handover(Schema):
    """What a colleague is left with."""

    note = Text(2_000, required=True)
    remaining_minutes = Whole(5, 1440, required=True)
    technician_id = Id(load_default=None, allow_none=True)


class Remaining(Schema):
    """How long work under way will still take."""

    remaining_minutes = Whole(1, 1440, required=True)


VisitPage = page_of(VisitShape)


@resource.get("/visits")
@policy(*roles.ALL)
@resource.arguments(VisitArgs, location="query")
@resource.response(200, VisitPage)
def list_visits(args: dict[str, Any]) -> object:
    """Visits, newest first; technicians see their own once they are published."""
    return queries.list_visits(current_session(), current_principal(), **args)


@resource.get("/visits/<uuid:visit_id>")
@policy(*roles.ALL)
@resource.response(200, VisitFileShape)
def read_visit(visit_id: uuid.UUID) -> object:
    """One visit with its promises, steps and record; for technicians while they are told it in full."""
    session, me = current_session(), current_principal()
    visit = shown_visit(visit_id, "visit_read")
    return Joined(
        visit,
        promises=ledger(session, me, visit.id),
        timeline=told_steps(session, queries.steps_of(session, [visit])),
        findings=queries.findings_of(session, [visit.id]).get(visit.id, []),
        part_uses=told_uses(session, queries.part_uses_of(session, [visit.id]).get(visit.id, [])),
        reports=queries.reports_of(session, visit.id),
        attachments=queries.attachments_of(session, me, visit.id),
        ends_told=ends_told(session, visit),
        withdrawals=told_withdrawals(session, [visit]),
        breaks=breaks_at(session, visit),
        break_seconds=rested(session, [visit]).get(visit.id, NEVER).working,
    )


@resource.post("/part-uses/<uuid:part_use_id>/void")
@policy(*roles.RECORDERS)
@creates
@resource.arguments(Reason)
@resource.response(200, PartUseShape)
def void_part_use(body: dict[str, Any], part_use_id: uuid.UUID) -> object:
    """Take back a part that was recorded by mistake; a technician for the own visits (R-511)."""
    session, me = current_session(), current_principal()
    use = queries.find_part_use(session, me, part_use_id)
    visit = queries.find_visit(session, me, use.visit_id)
    return told_uses(session, [commands.void_part_use(session, by=me, visit=visit, use=use, **body)])[0]


@resource.post("/part-uses/<uuid:part_use_id>/approval")
@policy(*roles.JUDGES)
@creates
@resource.arguments(PartDecision)
@resource.response(200, PartUseShape)
def decide_part(body: dict[str, Any], part_use_id: uuid.UUID) -> object:
    """Confirm or refuse a part that is not approved, for which the caller was named (R-507)."""
    session, me = current_session(), current_principal()
    use = queries.find_part_use(session, me, part_use_id)
    visit = queries.find_visit(session, me, use.visit_id)
    commands.decide_part(session, by=me, visit=visit, use=use, **body)
    return told_uses(session, [use])[0]


@resource.put("/visits/<uuid:visit_id>/needs")
@policy(*roles.DESK)
@changes
@resource.arguments(NeedsShape)
@resource.response(200, VisitShape)
def change_needs(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Correct what a visit needs before anybody set out."""
    session, me = current_session(), current_principal()
    visit, needs = queries.find_visit(session, me, visit_id), needs_of(body)
    naming.require_kept(session, visit, needs.required_technician_id)
    if needs.required_technician_id:
        find_technician(session, me, needs.required_technician_id)
    return commands.change_needs(
        session, by=me, visit=visit, needs=needs, expected_version=expected_version()
    )


@resource.post("/visits/<uuid:visit_id>/cancel")
@policy(*roles.DESK)
@changes
@resource.arguments(Reason)
@resource.response(200, VisitShape)
def cancel_visit(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Call a visit off."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    return commands.cancel_visit(session, by=me, visit=visit, expected_version=expected_version(), **body)


@resource.post("/visits/<uuid:visit_id>/handover")
@policy(*roles.DESK)
@changes
@resource.arguments(Handover)
@resource.response(200, VisitShape)
def hand_over_visit(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """End a technician's part of work under way; the answer is the visit of the colleague who goes on."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    if body["technician_id"]:
        find_technician(session, me, body["technician_id"])
    rest = commands.Rest(body["note"], body["remaining_minutes"], body["technician_id"])
    return commands.hand_over(session, by=me, visit=visit, rest=rest, expected_version=expected_version())


@resource.put("/visits/<uuid:visit_id>/expected-end")
@policy(*roles.DESK)
@changes
@resource.arguments(Remaining)
@resource.response(200, VisitShape)
def expect_end(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Keep what a technician said by telephone: work under way will still take so long, from now on."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    commands.expect_end(
        session, by=me, visit=visit, minutes=body["remaining_minutes"], expected_version=expected_version()
    )
    return visit


@resource.post("/visits/<uuid:visit_id>/reopen")
@policy(*roles.DESK)
@changes
@resource.arguments(Reason)
@resource.response(200, VisitShape)
def reopen_visit(body: dict[str, Any], visit_id: uuid.UUID) -> object:
    """Give a finished visit back to its technician before it was verified."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    return commands.reopen_visit(session, by=me, visit=visit, expected_version=expected_version(), **body)


@resource.post("/visits/<uuid:visit_id>/verify")
@policy(*roles.DESK)
@changes
@resource.response(200, VisitShape)
def verify_visit(visit_id: uuid.UUID) -> object:
    """Confirm that a record is complete; settlement follows."""
    session, me = current_session(), current_principal()
    visit = queries.find_visit(session, me, visit_id)
    return commands.verify_visit(session, by=me, visit=visit, expected_version=expected_version())
