"""Work orders, visits and the signed record of what happened on site."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.db import Base, Identified, Versioned


class WorkOrder(Identified, Versioned, Base):
    """What is to be done and billed; its state follows from its visits and its settlement."""

    __tablename__ = "work_order"
    __table_args__ = (
        CheckConstraint("priority between 1 and 5", name="priority"),
        Index("ix_work_order_asset_id_opened_at", "asset_id", "opened_at"),
    )

    serial: Mapped[int] = mapped_column(Identity(start=1000), unique=True)
    """Printed as the order's number; may have gaps."""
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("repair_call.id"), index=True)
    customer_reference: Mapped[str | None]
    """R-103: the customer's own order number, printed on every paper."""
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    asset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("asset.id"))
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    contract_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contract.id"))
    state: Mapped[str] = mapped_column(default="open")
    fault_class: Mapped[str]
    """R-201: ``product``, ``service``, ``use``."""
    kind: Mapped[str]
    """R-201: ``quick_repair``, ``inspection``, …"""
    fault_code: Mapped[str]
    priority: Mapped[int] = mapped_column(default=3)
    requested_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    response_due_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime | None]
    repeat_of_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work_order.id"))
    """R-508: the order this one repeats."""
    excluded_technicians: Mapped[list[Any]] = mapped_column(default=list)
    """R-508: ids of technicians who must not be sent."""
    refused_part_lots: Mapped[list[Any]] = mapped_column(default=list)
    """R-508: lots that failed before; set when a supervisor overrules the exclusion."""
    overrule_reason: Mapped[str | None]
    estimate_labour_minor: Mapped[int] = mapped_column(default=0)
    estimate_parts_minor: Mapped[int] = mapped_column(default=0)
    estimate_travel_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str]
    labour_norm_minutes: Mapped[int] = mapped_column(default=0)
    parts_norm_minor: Mapped[int | None]
    goodwill_reason: Mapped[str | None]
    """Why nobody pays for it, such as a loaner that we bring (R-402); None for ordinary work."""
    waiting_reason: Mapped[str | None]
    """Decision 15: waiting for ``part`` or ``customer`` is a flag with a clock, not a state."""
    waiting_since: Mapped[datetime | None]

    visits: Mapped[list[Visit]] = relationship(
        back_populates="work_order", order_by="(Visit.attempt, Visit.seat)"
    )
    """Every attendance, of a crew its leader first."""

    @property
    def number(self) -> str:
        """The number printed on every paper of this order."""
        return f"WO-{self.serial:06d}"

    @property
    def estimate_minor(self) -> int:
        """R-204: what the customer was told, labour + parts + travel, in minor units before tax."""
        return self.estimate_labour_minor + self.estimate_parts_minor + self.estimate_travel_minor


class ServicePause(Identified, Base):
    """A time in which an order's service limits stood still (R-401, R-402)."""

    __tablename__ = "service_pause"
    __table_args__ = (
        CheckConstraint("ended_at >= started_at", name="order"),
        Index(
            "ix_service_pause_open",
            "work_order_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
    )

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    reason: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    shifted_seconds: Mapped[int] = mapped_column(default=0)
    """By how much the limit of resolution moved."""


class Visit(Identified, Versioned, Base):
    """One attendance of one technician at a site; a crew has one for each member."""

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("work_order_id", "attempt", "seat"),
        CheckConstraint("duration_minutes between 1 and 1440", name="duration"),
        CheckConstraint("crew_size between 1 and 4", name="crew_size"),
        CheckConstraint("(leader_id is null) = (seat = 0)", name="seat"),
        Index("ix_visit_leader_id", "leader_id", postgresql_where=text("leader_id is not null")),
        Index("ix_visit_technician_id_planned_start", "technician_id", "planned_start"),
        Index("ix_visit_state", "state"),
    )

    serial: Mapped[int] = mapped_column(Identity(start=5000), unique=True)
    """Number of the dispatch sheet (R-502)."""
    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    attempt: Mapped[int] = mapped_column(default=1)
    seat: Mapped[int] = mapped_column(default=0)
    """R-203: place in a crew; 0 leads it and keeps the record, or goes alone."""
    leader_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("visit.id"))
    """The visit of the crew's leader, of everybody who goes along."""
    state: Mapped[str] = mapped_column(default="unplanned")
    skills: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Skill code to lowest level."""
    certificates: Mapped[list[Any]] = mapped_column(default=list)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Part SKU to quantity that must be on the van."""
    crew_size: Mapped[int] = mapped_column(default=1)
    duration_minutes: Mapped[int]
    required_technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    checklists: Mapped[list[Any]] = mapped_column(default=list)
    """R-505: ``{"code", "revision"}`` of each checklist, as it was when the visit was opened."""
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    planned_start: Mapped[datetime | None]
    planned_end: Mapped[datetime | None]
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    """Copy of the newest promise, for planning; the ledger is ``promise``."""
    needs_review: Mapped[bool] = mapped_column(default=False)
    billing_hold: Mapped[bool] = mapped_column(default=False)
    rest_minutes: Mapped[int | None]
    """Minutes still to work, as told at the end of a visit that did not solve the fault."""
    missing_parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Pieces by part number that were missing then: the order waits for them."""
    travelling_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expected_end_at: Mapped[datetime | None]
    """When work under way will be over, as its technician or the office said last (``EndTold``)."""
    paused_seconds: Mapped[int] = mapped_column(default=0)
    unverified: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """By name, what a phone said of times that wait for a look; meanwhile the server's bound counts."""
    is_solved: Mapped[bool | None]
    rating: Mapped[int | None]
    """On-the-spot rating from 1 to 5 (R-509)."""

    work_order: Mapped[WorkOrder] = relationship(back_populates="visits")

    @property
    def number(self) -> str:
        """The dispatch sheet's number (R-502)."""
        return f"DS-{self.serial:06d}"

    @property
    def crew(self) -> list[Visit]:
        """The visit of a crew's leader and those of its members, by seat; the visit alone without a crew."""
        lead = self.leader_id or self.id
        return [one for one in self.work_order.visits if lead in {one.id, one.leader_id}]


class VisitTransition(Base):
    """The permitted steps, for the trigger that guards ``visit.state``."""

    __tablename__ = "visit_transition"

    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)


class VisitEvent(Identified, Base):
    """One step of a visit: who, on which device, and both times; never edited."""

    __tablename__ = "visit_event"
    __table_args__ = (Index("ix_visit_event_visit_id_recorded_at", "visit_id", "recorded_at"),)

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    from_state: Mapped[str]
    to_state: Mapped[str]
    actor: Mapped[str]
    user_id: Mapped[uuid.UUID | None]
    technician_id: Mapped[uuid.UUID | None]
    """The technician the visit belonged to when the step was taken."""
    device_id: Mapped[uuid.UUID | None]
    op_id: Mapped[uuid.UUID | None]
    reason: Mapped[str | None]
    occurred_at: Mapped[datetime]
    counts_at: Mapped[datetime | None]
    """The server's bound of a time that nobody could verify; None of any other."""
    recorded_at: Mapped[datetime]


class Finding(Identified, Base):
    """What was found and done (R-509); a correction is another finding that replaces it."""

    __tablename__ = "finding"

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    fault: Mapped[str]
    cause: Mapped[str]
    action: Mapped[str]
    measurements: Mapped[list[Any]] = mapped_column(default=list)
    """``{"name", "value", "unit"}`` each."""
    advised: Mapped[list[Any]] = mapped_column(default=list)
    """R-505: hidden dangers and other work advised but not done."""
    dangers: Mapped[list[Any]] = mapped_column(default=list)
    """Those of ``advised`` that are dangers."""
    fault_code: Mapped[str | None]
    cause_code: Mapped[str | None]
    action_code: Mapped[str | None]
    """Words of the company's code lists, beside the technician's own (R-509)."""
    touched: Mapped[list[Any]] = mapped_column(default=list)
    """R-506: other equipment that was worked on, each with the customer's written consent."""
    use_explained: Mapped[bool] = mapped_column(default=False)
    documents_handed_over: Mapped[list[Any]] = mapped_column(default=list)
    is_tested: Mapped[bool] = mapped_column(default=False)
    voided_by: Mapped[uuid.UUID | None]
    """Who took it back; a visit whose last finding was taken back has none."""
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class PartUse(Identified, Base):
    """A part fitted (``in``) or taken out (``out``) during a visit."""

    __tablename__ = "part_use"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("direction in ('in', 'out')", name="direction"),
        CheckConstraint("approval is null or approval in ('asked', 'confirmed', 'refused')", name="approval"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    direction: Mapped[str]
    quantity: Mapped[int]
    serial: Mapped[str | None]
    lot: Mapped[str | None]
    unapproved_reason: Mapped[str | None]
    """R-507: why a part that is not approved was fitted, and who approved it."""
    approved_by: Mapped[uuid.UUID | None]
    approval: Mapped[str | None]
    """``asked``, ``confirmed``, ``refused``: what the approver says; None where nobody was asked."""
    voided_by: Mapped[uuid.UUID | None]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class Approval(Identified, Base):
    """The customer agreed to a price beyond the estimate (R-204)."""

    __tablename__ = "approval"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="amount"),)

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    amount_minor: Mapped[int]
    currency: Mapped[str]
    approved_by_name: Mapped[str]
    method: Mapped[str]
    """``phone``, ``signature``, ``message``."""
    recorded_by: Mapped[uuid.UUID | None]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class ServiceReport(Identified, Base):
    """The signed record: exactly what was shown, its hash, and the signature bound to it (R-509)."""

    __tablename__ = "service_report"
    __table_args__ = (UniqueConstraint("visit_id", "revision"),)

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    revision: Mapped[int] = mapped_column(default=1)
    shown: Mapped[str]
    """Canonical JSON of what the customer saw."""
    shown_sha256: Mapped[str]
    signed_by_name: Mapped[str | None]
    signature_path: Mapped[str | None]
    """SVG path data of the drawing."""
    waiver_reason: Mapped[str | None]
    """Why there is no signature."""
    signed_at: Mapped[datetime]
    is_current: Mapped[bool] = mapped_column(default=True)
    """False once a fact changed after signing: re-sign or waive."""
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class Attachment(Identified, Base):
    """A photo or document of a visit; the bytes lie on disk under a random name."""

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("visit_id", "sha256"),)

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    stored_name: Mapped[str]
    stored_sha256: Mapped[str | None]
    """Of the bytes as they lie on disk; None of those from before it was kept."""
    uploaded_by: Mapped[uuid.UUID | None]
    uploaded_at: Mapped[datetime]


class DeclaredFile(Identified, Base):
    """A file that a technician announced before its bytes: the visit is not verified until they are there."""

    __tablename__ = "declared_file"
    __table_args__ = (
        UniqueConstraint("visit_id", "sha256"),
        CheckConstraint("size_bytes > 0", name="size"),
        CheckConstraint("attachment_id is null or given_up_at is null", name="settled_once"),
        Index(
            "ix_declared_file_missing",
            "visit_id",
            postgresql_where=text("attachment_id is null and given_up_at is null"),
        ),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    sha256: Mapped[str]
    """Of the bytes as the phone holds them, in lower-case hex."""
    size_bytes: Mapped[int]
    media_type: Mapped[str]
    purpose: Mapped[str]
    """``photo``, ``before``, ``after``, ``no_access``, ``checklist``, ``document``."""
    caption: Mapped[str]
    declared_by: Mapped[uuid.UUID | None]
    declared_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    attachment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attachment.id"))
    """None until the bytes are there."""
    given_up_at: Mapped[datetime | None]
    given_up_by: Mapped[uuid.UUID | None]
    given_up_reason: Mapped[str | None]
    """Why the office goes on without bytes that will never come, such as a lost phone."""
    withdrawn_at: Mapped[datetime | None]
    """When it was taken back (``Withdrawal``)."""


class ReviewCase(Identified, Base):
    """Two truths about one visit, both kept until somebody decides (reliability §2.4)."""

    __tablename__ = "review_case"

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    kind: Mapped[str]
    """``cancelled_but_done``, ``double_attendance``, ``illegal_transition``, ``gap_forced``, …"""
    detail: Mapped[dict[str, Any]]
    assigned_to: Mapped[uuid.UUID | None]
    """Who alone decides it, such as the approver of a part (R-507); None for whoever is at the desk."""
    opened_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decision: Mapped[str | None]


class StoredDocument(Identified, Base):
    """A rendered PDF, kept so that the same bytes are served for ever."""

    __tablename__ = "stored_document"
    __table_args__ = (UniqueConstraint("kind", "subject_id", "revision", "language"),)

    kind: Mapped[str]
    """``service_report``, ``dispatch_sheet``, ``hand_in``, ``invoice``."""
    subject_id: Mapped[uuid.UUID]
    revision: Mapped[int] = mapped_column(default=1)
    language: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
