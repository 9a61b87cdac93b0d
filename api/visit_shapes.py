"""Shapes of visits and of what hangs on them, shared by orders and visits."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api.fields import Flag, Id, Moment, Text, Whole, Word
from api.schemas import Counts, ListOf, Money, Schema, Window
from dispatch.work_orders.lifecycle import VisitState
from dispatch.work_orders.rules import Needs

VISIT_STATES = [state.value for state in VisitState]


class VisitShape(Schema):
    """One attendance at a site."""

    id = Id(required=True)
    version = Whole(required=True)
    number = fields.String(required=True)
    work_order_id = Id(required=True)
    attempt = Whole(required=True)
    seat = Whole(required=True)
    leader_id = Id(required=True, allow_none=True)
    state = Word(VISIT_STATES, required=True)
    skills = Counts(required=True)
    certificates = fields.List(fields.String(), required=True)
    parts = Counts(required=True)
    crew_size = Whole(required=True)
    duration_minutes = Whole(required=True)
    required_technician_id = Id(required=True, allow_none=True)
    technician_id = Id(required=True, allow_none=True)
    planned_start = Moment(required=True, allow_none=True)
    planned_end = Moment(required=True, allow_none=True)
    window = Window(start="window_start", end="window_end", required=True, allow_none=True)
    needs_review = Flag(required=True)
    billing_hold = Flag(required=True)
    travelling_at = Moment(required=True, allow_none=True)
    arrived_at = Moment(required=True, allow_none=True)
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)
    expected_end_at = Moment(required=True, allow_none=True)
    paused_seconds = Whole(required=True)
    unverified = fields.Dict(
        required=True,
        metadata={"description": "By name, what a phone said of times that wait for a look; see sync.md."},
    )
    is_solved = Flag(required=True, allow_none=True)
    rating = Whole(required=True, allow_none=True)


class StepShape(Schema):
    """One step of a visit: who took it, in which capacity, and both times."""

    visit_id = Id(required=True)
    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    actor = fields.String(required=True)
    user_id = Id(required=True, allow_none=True)
    user_name = fields.String(required=True, allow_none=True)
    technician_id = Id(required=True, allow_none=True)
    technician_name = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    occurred_at = Moment(required=True)
    counts_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "The server's bound of a time that nobody could verify; null of any other."},
    )
    recorded_at = Moment(required=True)


class FindingShape(Schema):
    """What was found and done; the last one counts."""

    id = Id(required=True)
    fault = fields.String(required=True)
    cause = fields.String(required=True)
    action = fields.String(required=True)
    measurements = fields.List(fields.Dict(), required=True)
    advised = fields.List(fields.String(), required=True)
    use_explained = Flag(required=True)
    documents_handed_over = fields.List(fields.String(), required=True)
    is_tested = Flag(required=True)
    recorded_at = Moment(required=True)


class PartUseShape(Schema):
    """A part fitted (in) or taken out (out)."""

    id = Id(required=True)
    part_id = Id(required=True)
    direction = fields.String(required=True)
    quantity = Whole(required=True)
    serial = fields.String(required=True, allow_none=True)
    lot = fields.String(required=True, allow_none=True)
    unapproved_reason = fields.String(required=True, allow_none=True)
    approved_by = Id(required=True, allow_none=True)
    approved_by_name = fields.String(required=True, allow_none=True)
    approval = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "asked, confirmed or refused: what the approver says; null: nobody was asked."
        },
    )
    recorded_at = Moment(required=True)


class ReportShape(Schema):
    """A signed or waived record; the hash is that of exactly what was shown."""

    id = Id(required=True)
    revision = Whole(required=True)
    shown_sha256 = fields.String(required=True)
    signed_by_name = fields.String(required=True, allow_none=True)
    waiver_reason = fields.String(required=True, allow_none=True)
    signed_at = Moment(required=True)
    is_current = Flag(required=True)


class AttachmentShape(Schema):
    """A photograph or document of a visit."""

    id = Id(required=True)
    visit_id = Id(required=True)
    sha256 = fields.String(required=True, metadata={"description": "Of the bytes as they were sent."})
    media_type = fields.String(required=True)
    size_bytes = Whole(required=True)
    uploaded_at = Moment(required=True)


class ApprovalShape(Schema):
    """The customer agreed to a price beyond the estimate."""

    id = Id(required=True)
    work_order_id = Id(required=True)
    amount = Money(minor="amount_minor", required=True)
    approved_by_name = fields.String(required=True)
    method = fields.String(required=True)
    recorded_at = Moment(required=True)
    withdrawn_at = Moment(required=True, allow_none=True)
    withdrawn_reason = fields.String(required=True, allow_none=True)


class BreakTakenShape(Schema):
    """A break as the technician took it; without an end while it lasts, or when the end was forgotten."""

    started_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class WithdrawalShape(Schema):
    """
    What was taken back of a visit: an approval, a consent or a file, which stays on record.

    ``what`` is the amount, the equipment, or the hash of the file.
    """

    subject = Word(("approval", "consent", "file"), required=True)
    subject_id = Id(required=True)
    visit_id = Id(required=True)
    what = fields.String(required=True)
    reason = fields.String(required=True)
    withdrawn_by = Id(required=True)
    withdrawn_by_name = fields.String(required=True, allow_none=True)
    withdrawn_at = Moment(required=True)
    recorded_at = Moment(required=True)


class NeedsShape(Schema):
    """What a visit needs: time, skills with levels, certificates, parts by number, people."""

    duration_minutes = Whole(1, 1440, required=True)
    skills = Counts(load_default=dict)
    certificates = ListOf(Text(64), 20, load_default=list)
    parts = Counts(load_default=dict)
    crew_size = Whole(1, 4, load_default=1)
    required_technician_id = Id(allow_none=True, load_default=None)


def needs_of(body: dict[str, Any]) -> Needs:
    """Return the needs of a body."""
    technician: uuid.UUID | None = body["required_technician_id"]
    return Needs(
        duration_minutes=body["duration_minutes"],
        skills=body["skills"],
        certificates=tuple(body["certificates"]),
        parts=body["parts"],
        crew_size=body["crew_size"],
        required_technician_id=technician,
    )
