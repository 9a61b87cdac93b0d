"""What is agreed, advised and asked on site, and the code lists that findings use (R-505, R-506, R-509)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Consent(Identified, Base):
    """R-506: the customer asked in writing that other equipment be touched, and who answers for it."""

    __tablename__ = "consent"

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    equipment: Mapped[str]
    terms: Mapped[str]
    """What was agreed about liability, exactly as shown."""
    shown_sha256: Mapped[str]
    signed_by_name: Mapped[str]
    signature_path: Mapped[str]
    signed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class Withdrawal(Identified, Base):
    """What somebody took back: an approval, a consent or a file; never edited, and the fact stays."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("subject in ('approval', 'consent', 'file')", name="subject"),
        Index(
            "uq_withdrawal_subject_id", "subject_id", unique=True, postgresql_where=text("subject <> 'file'")
        ),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    subject: Mapped[str]
    subject_id: Mapped[uuid.UUID]
    """A file that is announced again stands again, and may be taken back again."""
    what: Mapped[str]
    """The amount, the equipment, or the hash of the file."""
    reason: Mapped[str]
    withdrawn_by: Mapped[uuid.UUID]
    withdrawn_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class AdvisedWork(Identified, Base):
    """R-505: a danger or other work advised and not done; it comes back until somebody settles it."""

    __tablename__ = "advised_work"
    __table_args__ = (
        CheckConstraint("state in ('open', 'done', 'declined', 'replaced')", name="state"),
        Index("ix_advised_work_site_id_state", "site_id", "state"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    """Where it was advised."""
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    asset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("asset.id"))
    words: Mapped[str]
    is_danger: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="open")
    advised_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[uuid.UUID | None]
    settled_visit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("visit.id"))
    note: Mapped[str | None]
    op_id: Mapped[uuid.UUID | None]
    """The operation that settled it."""


class EndTold(Identified, Base):
    """R-503: what somebody said of the end of work under way; the visit carries the last word that counts."""

    __tablename__ = "end_told"

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    """Who is at work there; None where the office wrote it down."""
    user_id: Mapped[uuid.UUID | None]
    told_at: Mapped[datetime]
    expected_end_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class TimeChange(Identified, Base):
    """A visit's time was confirmed or amended after it was told; never changed (reliability §2.4, §2.5)."""

    __tablename__ = "time_change"
    __table_args__ = (
        CheckConstraint("kind in ('confirmed', 'amended')", name="kind"),
        CheckConstraint(
            "name in ('travelling_at', 'arrived_at', 'started_at', 'finished_at', 'paused_seconds')",
            name="name",
        ),
        Index("ix_time_change_change_id", "change_id"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    change_id: Mapped[uuid.UUID]
    """Of all times that were changed together."""
    name: Mapped[str]
    kind: Mapped[str]
    told: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    """What the phone's unverified clock said; None of a verified time."""
    before: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    """What counted before, as text or in seconds; None where nothing was told."""
    value: Mapped[Any] = mapped_column(JSONB)
    reason: Mapped[str]
    changed_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime]


class ServiceCode(Base):
    """A word of the company's lists of faults, causes and actions (R-509)."""

    __tablename__ = "service_code"
    __table_args__ = (CheckConstraint("kind in ('fault', 'cause', 'action')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    title_en: Mapped[str]
    title_zh: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class Helper(Base):
    """A technician who worked at a visit that was never theirs, as the desk says."""

    __tablename__ = "visit_helper"

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    attached_by: Mapped[uuid.UUID]
    attached_at: Mapped[datetime]


class ContactProposal(Identified, Base):
    """What a technician said of a contact: merged field by field, or open until the desk decides (§2.4)."""

    __tablename__ = "contact_proposal"
    __table_args__ = (
        Index("ix_contact_proposal_open", "site_id", postgresql_where=text("decided_at is null")),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    changes: Mapped[dict[str, Any]]
    """``{"base", "value", "found", "result"}`` by field."""
    note: Mapped[str] = mapped_column(default="")
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    """None where everything was merged at once."""
    reason: Mapped[str] = mapped_column(default="")
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class CoreReceipt(Base):
    """An old part came back for one that was fitted, or nobody waits for it any more (R-511)."""

    __tablename__ = "core_receipt"
    __table_args__ = (
        CheckConstraint("result in ('received', 'waived')", name="result"),
        CheckConstraint("result = 'received' or note is not null", name="note"),
    )

    part_use_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part_use.id"), primary_key=True)
    result: Mapped[str]
    note: Mapped[str | None]
    received_by: Mapped[uuid.UUID]
    received_at: Mapped[datetime]


class FieldQuestion(Identified, Base):
    """What a technician wants to know from the office, and the answer (R-403)."""

    __tablename__ = "field_question"
    __table_args__ = (CheckConstraint("due_at >= asked_at", name="due"),)

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    question: Mapped[str]
    asked_by: Mapped[uuid.UUID | None]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """A day after it was asked; an hour after somebody said "I must check"."""
    checking_at: Mapped[datetime | None]
    checking_by: Mapped[uuid.UUID | None]
    answer: Mapped[str]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None]
